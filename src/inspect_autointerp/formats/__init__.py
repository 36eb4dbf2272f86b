"""Explanations from elsewhere, and ours for elsewhere: the formats in use, read and written.

Nothing is guessed: what a source holds is recognised by its content or refused, with the file and the line.
"""

from inspect_autointerp.formats.read import read_explanations as read_explanations
from inspect_autointerp.formats.records import Problem as Problem
from inspect_autointerp.formats.records import Supplied as Supplied
from inspect_autointerp.formats.records import SuppliedText as SuppliedText
