"""Lines and phrases of the prompts that the offline models read, so that no reader depends on incidental wording.

Prompts are written with them, and `builtin.prompt_reader` and `builtin.lexical` read prompts by them.
"""

import re

from inspect_autointerp.text.render import visible

EXPLANATION = "Explanation: "
"""Begins the first line of every question about an explanation."""
NONE_GIVEN = "(none was given)"
"""Stands for an empty explanation."""
ANSWER_TAG = "EXPLANATION:"
"""Begins the line of an explainer's answer that holds the explanation."""
LAST_TURN = "This is your last turn."
"""Begins the message that tells an agent to submit."""
CONFIDENCE = "a whole number from 0 to 100"
"""These words stand in the instructions where a grader is asked for confidences in place of labels."""
RATING = "a rating: 0, 1 or 2"
"""These words stand in the instructions where a grader is asked for ratings in place of labels."""

TEXT, EXAMPLE, SILENT_TEXT, BEGINNING = "Text", "Example", "Silent text", "Beginning"
"""Names of what is numbered: a grader's texts, an explainer's active and silent texts, and texts that are cut."""
OTHER_TEXT = "Text of the other model"
"""Name of an explainer's numbered texts in which a latent is active in the other one of two subjects alone."""
CANDIDATE = re.compile(r"^Candidate \d+:$", re.MULTILINE)
"""Matches what `candidate_line` returns."""
ACTIVE, MORE_PROBABLE, OTHER_MODEL = "Active: ", "More probable: ", "Other model: "
BEGINNING_LINE = f"{BEGINNING}: "
"""Begins the line that shows what several texts follow."""
MOST_PROBABLE, LEAST_PROBABLE = "Most probable: ", "Least probable: "

LATENT = """\
A latent is a direction inside a language model: it is active on some tokens of a text and silent on all others."""
LINE_BREAK = "The sign ⏎ stands for a line break."

MARKS = re.compile(r"^Marked tokens stand between (\S+) and (\S+)\.$", re.MULTILINE)
"""Matches what `marks_line` returns; the groups are the delimiters."""
WRITE = re.compile(r"\n\nWrite (\d+) texts of each kind\.$")
"""Matches what `write_line` returns, with the empty line before it; the group is the number."""


def explanation_line(explanation: str) -> str:
    """Return the line that shows an explanation."""
    return f"{EXPLANATION}{visible(explanation.strip()) or NONE_GIVEN}"


def numbered_line(name: str, number: int, text: str) -> str:
    """Return the line that shows one text: `Text 1: …`."""
    return f"{name} {number}: {text}"


def candidate_line(number: int) -> str:
    """Return the line above the texts of one of several latents."""
    return f"Candidate {number}:"


def numbered_lines(name: str) -> re.Pattern[str]:
    """Return a pattern for the lines that `numbered_line` writes; the group is the text."""
    return re.compile(rf"^{name} \d+: (.*)$", re.MULTILINE)


def marks_line(pair: tuple[str, str]) -> str:
    """Return the line that names the delimiters of marked tokens."""
    return f"Marked tokens stand between {pair[0]} and {pair[1]}."


def write_line(n: int) -> str:
    """Return the line that asks for n texts of each kind."""
    return f"Write {n} texts of each kind."
