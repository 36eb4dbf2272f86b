"""Every private name of Inspect that this package uses, in one place.

Inspect has no public name for these. tests/inspect_support/test_compat.py says which Inspect version broke one.
"""

from inspect_ai._util.config import parse_cli_args as parse_cli_args
from inspect_ai._util.error import PrerequisiteError as PrerequisiteError
