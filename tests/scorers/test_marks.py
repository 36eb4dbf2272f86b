"""Marks say nothing by themselves: a grader that learns from them alone is at chance."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_autointerp.latent import Context, Kind
from inspect_autointerp.scorers.fuzzing.marks import MISMARKED, Marked, lend, marked_contexts

WIDTH = 16


def context(activations: list[float] | np.ndarray, number: int = 0, kind: Kind = "activating") -> Context:
    spans = tuple((i, i + 1) for i in range(len(activations)))
    values = np.array(activations, dtype=np.float32)
    return Context(kind, number, "x" * len(activations), spans, values, 1 + number % 10 if values.any() else None)


def silent(n: int, kind: Kind = "random") -> list[Context]:
    return [context(np.zeros(WIDTH), 1000 + i, kind) for i in range(n)]


def firing(where: list[list[int]]) -> list[Context]:
    rows = np.zeros((len(where), WIDTH))
    for row, places in zip(rows, where, strict=True):
        row[places] = 1
    return [context(row, i) for i, row in enumerate(rows)]


def patterns(tests: list[Marked], kind: str) -> Counter[bytes]:
    return Counter(test.marks.tobytes() for test in tests if test.context.kind == kind)


def test_positives_are_marked_from_the_threshold_on(rng: np.random.Generator) -> None:
    # The maximum is 10: 3 is marked at 0.3, 2 is not, and at 0.5 neither is.
    contexts = [context([10, 3, 2, 0])]
    assert marked_contexts(contexts, 1, rng)[0][0].marks.tolist() == [True, True, False, False]
    assert marked_contexts(contexts, 1, rng, 0.5)[0][0].marks.tolist() == [True, False, False, False]


def test_as_many_negatives_wear_the_very_marks_of_the_positives(rng: np.random.Generator) -> None:
    marks, like = marked_contexts([*firing([[0], [1, 2], [15], [15]]), *silent(4)], 4, rng)
    assert patterns(marks, "random") == patterns(marks, "activating")
    assert len(like) == 4
    for negative, positive in like.items():
        assert marks[positive].context.kind == "activating"
        assert (marks[negative].marks == marks[positive].marks).all()


def test_mismarked_tokens_are_silent_ones_even_below_the_threshold(rng: np.random.Generator) -> None:
    weak = context([0.1, 1.0])
    other = context([1.0, 0.0], 1)
    for _ in range(10):
        marks, _ = marked_contexts([weak, other], 1, rng)
        wrong = [test for test in marks if test.context.kind == MISMARKED]
        # The weak context's mark, on token 1, fits the other one; the other's, on token 0, would fall on a weak token.
        positive = next(test for test in marks if test.context.kind == "activating")
        assert [test.context.start for test in wrong] == ([1] if positive.context.start == 0 else [])


def test_marks_that_fit_nowhere_are_not_bent(rng: np.random.Generator) -> None:
    marks, like = marked_contexts(firing([[WIDTH - 1]] * 20), 10, rng)
    assert {test.context.kind for test in marks} == {"activating"}
    assert not like


def test_a_token_without_characters_wears_no_mark(rng: np.random.Generator) -> None:
    split = Context("random", 9, "é", ((0, 0), (0, 1)), np.zeros(2, dtype=np.float32))
    marks, _ = marked_contexts([context([1, 0]), split], 1, rng)
    assert [test.context.kind for test in marks] == ["activating"]
    unshown = Context("activating", 9, "é", ((0, 0), (0, 1)), np.array([1, 0], dtype=np.float32), 1)
    assert marked_contexts([unshown], 1, rng) == ([], {})


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(0, 30), st.floats(0.05, 0.9))
def test_lent_marks_fit_and_are_lent_in_turn(seed: int, positives: int, contexts: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    marks = rng.random((positives, 6)) < 0.3
    allowed = rng.random((contexts, 6)) < density
    whose = lend(marks, allowed, rng)
    assert len(whose) == contexts
    for i, lender in enumerate(whose):
        if lender is not None:
            assert not (marks[lender] & ~allowed[i]).any()
    times = Counter(lender for lender in whose if lender is not None)
    assert max(times.values(), default=0) <= -(-contexts // positives)
    if allowed.all():
        assert None not in whose
        assert max(times.values(), default=0) - min((times[i] for i in range(positives)), default=0) <= 1


def features(tests: list[Marked]) -> np.ndarray:
    """(test, feature): count, runs, first, last, and the places."""
    marks = np.array([test.marks for test in tests])
    runs = (np.diff(marks.astype(int), axis=1, prepend=0) == 1).sum(axis=1)
    first, last = marks.argmax(axis=1), WIDTH - 1 - marks[:, ::-1].argmax(axis=1)
    return np.column_stack([marks.sum(axis=1), runs, first, last, marks])


def latent(rng: np.random.Generator, habit: str) -> list[Context]:
    """Sixty activating contexts with a strong pattern, and forty silent ones."""
    where = []
    for _ in range(60):
        start = int(rng.integers(WIDTH - 4))
        run = list(range(start, start + int(rng.integers(2, 5))))
        where.append({"last token": [WIDTH - 1], "runs": run, "last or runs": [WIDTH - 1] if start < 6 else run}[habit])
    return [*firing(where), *silent(40)]


@pytest.mark.parametrize("kind", ["random", MISMARKED])
@pytest.mark.parametrize("habit", ["last token", "runs", "last or runs"])
def test_a_grader_that_learns_from_marks_alone_is_at_chance(habit: str, kind: str) -> None:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict

    rng = np.random.default_rng(3)
    x, y, groups = [], [], []
    for number in range(60):
        tests, like = marked_contexts(latent(rng, habit), 40, rng)
        wrong = [i for i in like if tests[i].context.kind == kind]
        right = [like[i] for i in wrong]  # the comparison that statistics make
        x.append(features([tests[i] for i in (*right, *wrong)]) if wrong else np.zeros((0, WIDTH + 4)))
        y += [1] * len(right) + [0] * len(wrong)
        groups += [number] * (2 * len(wrong))
    if kind == MISMARKED and habit == "last token":
        assert not y, "no such marks exist"
        return
    truth, group = np.array(y), np.array(groups)
    for learner in (LogisticRegression(max_iter=500), RandomForestClassifier(30, max_depth=6, random_state=0)):
        predicted = np.asarray(cross_val_predict(learner, np.vstack(x), truth, groups=group, cv=GroupKFold(5)))
        right = np.equal(predicted, truth)
        scores = [
            (right[(group == g) & (truth == 1)].mean() + right[(group == g) & (truth == 0)].mean()) / 2
            for g in np.unique(group)
        ]
        error = max(np.std(scores) / len(scores) ** 0.5, 1e-9)
        assert abs(np.mean(scores) - 0.5) <= 3 * error


def test_such_a_grader_wins_where_marks_stand_at_a_fixed_place() -> None:
    """Show that the test above can fail: the reference implementation marks one fixed token in every negative."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import cross_val_score

    rng = np.random.default_rng(3)
    tests, _ = marked_contexts(latent(rng, "runs"), 40, rng)
    positives = [test for test in tests if test.context.kind == "activating"]
    fixed = np.arange(WIDTH) == WIDTH - WIDTH // 4
    negatives = [Marked(context, fixed) for context in silent(40)]
    x, y = features([*positives, *negatives]), [1] * len(positives) + [0] * 40
    assert cross_val_score(RandomForestClassifier(30, random_state=0), x, y, cv=5).mean() > 0.95


def test_marks_depend_on_the_seed_alone() -> None:
    contexts = [*firing([[i % 5, 7] for i in range(30)]), *silent(20)]
    one, other = (marked_contexts(contexts, 20, np.random.default_rng(4))[0] for _ in range(2))
    assert [test.marks.tolist() for test in one] == [test.marks.tolist() for test in other]
