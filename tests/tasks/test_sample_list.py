"""Columns of the viewer's list of samples where an evaluation has several scores."""

from inspect_autointerp import tasks


def test_sample_list_of_several_scores_names_the_score_of_each_column() -> None:
    task = tasks.multi_score(scores="detection,fuzzing,simulation,embedding", latents="sample:2")
    view = task.viewer.task_samples_view  # type: ignore[union-attr]
    columns = [column.id for column in view.columns if "score" in column.id]  # type: ignore[union-attr]
    assert len(columns) == 6
    assert view.score_labels == {  # type: ignore[union-attr]
        "balanced_accuracy": "det, fuz",
        "correlation": "simulation",
        "auroc": "det, fuz, emb",
    }
    owners = [score for label in ("det fuz", "sim", "det fuz emb") for score in label.split()]
    assert all(owner in column for owner, column in zip(owners, columns, strict=True)), columns


def test_sample_list_of_one_score_has_its_statistics_as_titles() -> None:
    task = tasks.detection(latents="sample:2")
    view = task.viewer.task_samples_view  # type: ignore[union-attr]
    assert view.score_labels is None  # type: ignore[union-attr]
