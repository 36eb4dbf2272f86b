import numpy as np
import pytest

from inspect_autointerp.statistics.dawid_skene import dawid_skene

NAN = float("nan")


def planted(
    n: int, share: float, misses: list[float], false_alarms: list[float], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Labels of graders with known error rates, and the labels that they err from."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < share
    columns = [
        np.where(truth, rng.random(n) >= miss, rng.random(n) < alarm)
        for miss, alarm in zip(misses, false_alarms, strict=True)
    ]
    return truth.astype(float), np.stack(columns, axis=1).astype(float)


@pytest.mark.parametrize("share", [0.3, 0.5])
def test_planted_error_rates_are_recovered(share: float) -> None:
    misses, false_alarms = [0.05, 0.2, 0.3, 0.1], [0.1, 0.05, 0.2, 0.3]
    _, labels = planted(20_000, share, misses, false_alarms, seed=1)
    consensus = dawid_skene(labels)
    np.testing.assert_allclose(consensus.misses, misses, atol=0.03)
    np.testing.assert_allclose(consensus.false_alarms, false_alarms, atol=0.03)


def test_rates_are_recovered_where_labels_are_missing() -> None:
    misses, false_alarms = [0.05, 0.2, 0.3], [0.1, 0.05, 0.2]
    _, labels = planted(30_000, 0.5, misses, false_alarms, seed=2)
    labels[np.random.default_rng(0).random(labels.shape) < 0.3] = NAN
    consensus = dawid_skene(labels)
    np.testing.assert_allclose(consensus.misses, misses, atol=0.04)
    np.testing.assert_allclose(consensus.false_alarms, false_alarms, atol=0.04)


def test_a_good_grader_outweighs_two_poor_ones() -> None:
    truth, labels = planted(5_000, 0.5, [0.02, 0.35, 0.35], [0.02, 0.35, 0.35], seed=3)
    majority = (labels.mean(axis=1) > 0.5).astype(float)
    assert (dawid_skene(labels).label == truth).mean() > 0.95
    assert (majority == truth).mean() < 0.89


def test_agreement_of_all_is_never_overruled() -> None:
    for seed, share in enumerate((0.02, 0.1, 0.5, 0.9)):
        _, labels = planted(400, share, [0.3, 0.4, 0.2], [0.4, 0.3, 0.2], seed)
        same = (labels == labels[:, :1]).all(axis=1)
        assert (dawid_skene(labels).label[same] == labels[same, 0]).all()


def test_two_graders_that_disagree_are_a_tie_and_have_no_rates() -> None:
    consensus = dawid_skene(np.array([[1, 0], [1, 1], [0, 0], [0, 1], [1, NAN], [NAN, NAN]]))
    np.testing.assert_array_equal(consensus.label, [NAN, 1, 0, NAN, 1, NAN])
    assert np.isnan(consensus.misses).all()
    assert np.isnan(consensus.false_alarms).all()


def test_a_third_grader_without_any_label_makes_no_three() -> None:
    labels = np.array([[1, 0, NAN], [1, 1, NAN], [0, 0, NAN]])
    consensus = dawid_skene(labels)
    np.testing.assert_array_equal(consensus.label, [NAN, 1, 0])
    assert np.isnan(consensus.misses).all()


def test_counts_are_as_many_rows() -> None:
    _, labels = planted(300, 0.4, [0.1, 0.2, 0.3], [0.1, 0.2, 0.3], seed=4)
    rows, counts = np.unique(labels, axis=0, return_counts=True)
    once, counted = dawid_skene(labels), dawid_skene(rows, counts)
    np.testing.assert_allclose(once.misses, counted.misses, atol=1e-5)
    np.testing.assert_allclose(once.false_alarms, counted.false_alarms, atol=1e-5)


def test_all_labels_alike_stay_so() -> None:
    assert (dawid_skene(np.zeros((50, 3))).label == 0).all()
    assert (dawid_skene(np.ones((50, 3))).label == 1).all()


def test_graders_that_guess_tell_nothing_of_a_truth() -> None:
    rng = np.random.default_rng(5)
    truth, accuracies = np.repeat([1.0, 0.0], 100), []
    for _ in range(200):
        labels = (rng.random((200, 3)) < 0.5).astype(float)
        accuracies.append((dawid_skene(labels).label == truth).mean())
    assert np.mean(accuracies) == pytest.approx(0.5, abs=0.01)
