"""Counts with their noun in the right number."""

import re
from pathlib import Path

import pytest

import inspect_autointerp
from inspect_autointerp.text.plural import plural

SOURCE = Path(inspect_autointerp.__file__).parent


@pytest.mark.parametrize(("n", "text"), [(0, "0 documents"), (1, "1 document"), (2000, "2,000 documents")])
def test_plural_only_one_is_singular(n: int, text: str) -> None:
    assert plural(n, "document") == text


def test_plural_takes_an_irregular_plural() -> None:
    assert (plural(1, "person", "people"), plural(2, "person", "people")) == ("1 person", "2 people")


@pytest.mark.parametrize("file", ["../../prep/corpus/chat_report.py", "../../prep/cli/prep.py", "ratings/cli.py"])
def test_reports_do_not_put_a_plural_behind_a_count(file: str) -> None:
    text = (SOURCE / file).read_text(encoding="utf-8")
    assert not re.search(r"\{[\w.()]+(:,)?\} (conversations|documents|latents|explanations)\b", text)
