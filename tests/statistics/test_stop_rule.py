from typing import Any

import pytest

from inspect_autointerp.errors import UserError
from inspect_autointerp.statistics.stop_rule import StopRule, stop_rule


def test_a_rule_is_read_and_written_in_one_form() -> None:
    assert stop_rule(None) is None
    for given in ("below:0.7, width:0.2,above:.7", ["below:0.7", "above:0.70", "width:0.2"]):
        rule = stop_rule(given)
        assert rule == StopRule(width=0.2, above=0.7, below=0.7)
        assert str(rule) == "width:0.2,above:0.7,below:0.7"
    assert str(stop_rule("level:0.9,width:0.1")) == "width:0.1,level:0.9"
    assert str(stop_rule("differs_from:logs/a.eval", logs=True)) == "differs_from:logs/a.eval"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("width", "width is not understood; give width:0.2, above:0.7"),
        ("", "nothing is not understood"),
        ("narrow:0.2", "narrow:0.2 is not understood"),
        ("width:0.2,width:0.3", "width:0.3 is not understood; .*each once"),
        ("width:wide", "width must be a number, got wide"),
        ("above:nan", "above must be a number, got nan"),
        ("width:0", r"width must be in \(0, 1\), got 0"),
        ("above:1", r"above must be in \(0, 1\), got 1"),
        ("level:0.9", "it has no condition; give width"),
        ("width:0.2,level:95", r"level must be in \(0, 1\), got 95"),
        ("differs_from:a.eval", "is not understood; give width"),
        (0.1, "stop=0.1: 0.1 is not understood; give width"),
        (True, "stop=True: True is not understood; give width"),
    ],
)
def test_a_wrong_rule_is_refused(given: Any, problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        stop_rule(given)


def test_differences_go_with_no_other_condition() -> None:
    with pytest.raises(UserError, match="give one of them"):
        stop_rule("differs_from:a.eval,width:0.2", "stop_mean", logs=True)


def test_a_rule_is_reached_by_any_condition() -> None:
    rule = StopRule(width=0.1, above=0.7, below=0.4)
    assert rule.reached(0.5, 0.6) == "width:0.1"
    assert rule.reached(0.71, 0.99) == "above:0.7"
    assert rule.reached(0.0, 0.39) == "below:0.4"
    assert rule.reached(0.4, 0.7) is None
    assert rule.reached(0.3, 0.9) is None
