"""Coders in the files of the libraries that wrote them, and what each library encodes; `make.py` makes them."""

from pathlib import Path

FILES = Path(__file__).parent
