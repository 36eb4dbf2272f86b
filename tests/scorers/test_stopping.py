"""The order in which contexts are graded where grading may stop."""

import anyio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalConfig, EvalDataset, EvalSpec
from inspect_ai.scorer import SampleScore, Score

from inspect_autointerp.scorers.shared.judge import Label
from inspect_autointerp.scorers.shared.stop_at_mean import StopAtMean
from inspect_autointerp.scorers.shared.stopping import balanced_order, interval_of
from inspect_autointerp.statistics.stop_rule import stop_rule

SIZES = st.tuples(st.integers(1, 60), st.integers(1, 60), st.integers(0, 40))


def contexts(sizes: tuple[int, int, int], seed: int) -> list[str]:
    names = np.repeat(["activating", "random", "neighbours"], sizes)
    return np.random.default_rng(seed).permutation(names).tolist()


@given(SIZES, st.integers(0, 5))
def test_every_batch_is_balanced(sizes: tuple[int, int, int], seed: int) -> None:
    kinds = contexts(sizes, seed)
    order = balanced_order(kinds, {}, 20, np.random.default_rng(seed))
    assert sorted(order) == list(range(len(kinds)))
    for end in range(20, len(order), 20):
        for kind in set(kinds):
            share = kinds.count(kind) / len(kinds)
            assert abs(sum(kinds[i] == kind for i in order[:end]) - share * end) <= 2
        # Within a kind the drawn order is kept, batch by batch: its first are a random draw of it.
        for kind in set(kinds):
            first = sorted(i for i in order[:end] if kinds[i] == kind)
            assert first == [i for i, one in enumerate(kinds) if one == kind][: len(first)]


def test_the_place_in_a_batch_tells_no_kind() -> None:
    # Over many seeds every place of the first batch holds an activating context half of the time.
    kinds = ["activating", "random"] * 20
    fires = [[kinds[i] == "activating" for i in balanced_order(kinds, {}, 20, np.random.default_rng(seed))][:20]
             for seed in range(400)]  # fmt: skip
    assert np.abs(np.mean(fires, axis=0) - 0.5).max() < 0.12


@given(st.integers(2, 40), st.integers(1, 40), st.integers(0, 9))
def test_a_mismarked_context_comes_after_its_partner(positives: int, wrong: int, seed: int) -> None:
    kinds = contexts((positives, positives, 0), seed)
    fires = [i for i, kind in enumerate(kinds) if kind == "activating"]
    rng = np.random.default_rng(seed)
    lenders = rng.permutation(fires)[: min(wrong, positives)].tolist()
    partners = {len(kinds) + number: lender for number, lender in enumerate(lenders)}
    kinds += ["mismarked"] * len(lenders)
    order = balanced_order(kinds, partners, 10, rng)
    place = {number: at // 10 for at, number in enumerate(order)}
    assert sorted(order) == list(range(len(kinds)))
    assert all(place[i] >= place[partner] for i, partner in partners.items())
    # Not later than a batch after its partner's, or after its own proportion of the mismarked ones asks for.
    for rank, i in enumerate(sorted(partners, key=lambda i: partners[i])):
        proportion = (rank + 0.5) / len(partners)
        assert place[i] <= max(place[partners[i]], int(proportion * len(kinds) / 10)) + 1


def test_an_unscored_context_counts_as_not_looked_at() -> None:
    kinds = ["activating", "random"] * 20
    labels = [Label(int(kind == "activating")) for kind in kinds[:20]]
    holes = [Label(None), Label(None), *labels[2:]]
    assert interval_of(kinds, holes, 0.95) == interval_of(kinds, labels[2:], 0.95)
    assert interval_of(kinds, [Label(None)] * 20, 0.95) == (0.0, 1.0)


@pytest.mark.parametrize("right", [0, 1])
def test_the_interval_is_of_right_and_not_of_active_labels(right: int) -> None:
    kinds = ["activating", "random"] * 20
    labels = [Label(int((kind == "activating") == right)) for kind in kinds[:30]]
    low, high = interval_of(kinds, labels, 0.95)
    assert (low > 0.6, high < 0.4) == (right == 1, right == 0)


def test_a_latent_that_is_run_again_counts_by_its_last_value() -> None:
    rule = stop_rule("width:0.1", "stop_mean", 0.0, 1.0)
    assert rule is not None
    manager = StopAtMean(rule, "detection", "balanced_accuracy", (0.0, 1.0))

    async def interval(*values: float) -> tuple[float, float, int]:
        spec = EvalSpec(
            created="2026-12-01T00:00:00+00:00", task="", dataset=EvalDataset(), model="", config=EvalConfig()
        )
        await manager.start_task(spec, [Sample(input="", id="a"), Sample(input="", id="b")], 1)
        for value in values:
            score = SampleScore(score=Score(value={"balanced_accuracy": value}))
            await manager.complete_sample("a", 1, {"detection": score})
        return manager.interval()

    assert anyio.run(interval, 0.0, 1.0) == anyio.run(interval, 1.0) != anyio.run(interval, 0.5)
