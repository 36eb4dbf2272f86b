"""A corpus that leaves a split without documents is named at prep, and by the evaluation that cannot be run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.prep.test_prep_cli import Autointerp

from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.dataset import latent_dataset
from inspect_autointerp.prep.cli.estimate import estimate
from inspect_autointerp.prep.corpus.splits import split_warning
from inspect_autointerp.prep.run.cluster import prep_shard
from inspect_autointerp.prep.run.merge import merge
from inspect_autointerp.prep.run.run import prep
from inspect_autointerp.prep.run.run_spec import Job
from inspect_autointerp.prep.run.shard import Shard
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.settings import Settings
from inspect_autointerp.store.store import Store

STORIES = [f"Once upon a time, in the year {n}, there was a cat. " * 30 for n in range(40)]


@pytest.fixture
def autointerp(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Autointerp:
    return Autointerp(monkeypatch, capsys)


@pytest.fixture
def one_file(tmp_path: Path) -> Path:
    """Forty stories in a text file."""
    path = tmp_path / "stories.txt"
    path.write_text("<|endoftext|>\n".join(STORIES))
    return path


@pytest.fixture
def job(subject_folder: Path, sae_folder: Path) -> Callable[..., Job]:
    def make(corpus: Path, **settings: Any) -> Job:
        options: dict[str, Any] = {
            "corpus": str(corpus),
            "tokens": 10_000,
            "context_length": 64,
            "sample": 6,
            "top": 3,
            "pool": 30,
        }
        options |= settings
        return Job(
            subject=str(subject_folder),
            coders=[str(sae_folder)],
            settings=Settings(**options),
        )

    return make


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ([], None),
        ([0, 1], None),
        (
            [0],
            "Warning: the corpus is a single document, and a document belongs to one split: the test split is empty",
        ),
        (
            [1],
            "Warning: the corpus is a single document, and a document belongs to one split: the explain split is empty",
        ),
        (
            [1, 1],
            "Warning: all 2 documents belong to the test split: the explain split is empty, so no latent can be eval",
        ),
        (
            [0, 0, 0],
            "Warning: all 3 documents belong to the explain split: the test split is empty, so no latent can be",
        ),
    ],
)
def test_a_split_without_documents_is_warned_of(test: list[int], message: str | None) -> None:
    warning = split_warning(test, Settings(corpus="a.txt"))
    assert warning is None if message is None else (warning or "").startswith(message)
    assert warning is None or "--separator" in warning
    assert "--separator" not in (split_warning(test, Settings(corpus="a.txt", separator="|")) or "")


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [({}, "read more --tokens"), ({"corpus": "a.jsonl", "chat": "talk"}, "give a corpus with more conversations")],
)
def test_a_warning_gives_only_advice_that_helps(settings: dict[str, Any], remedy: str) -> None:
    warning = split_warning([0], Settings(**settings))
    assert warning is not None
    assert f"To fix it, {remedy}" in warning
    assert "--separator" not in warning


def test_prep_warns_of_a_single_document(
    job: Callable[..., Job], one_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prep(job(one_file), tmp_path / "one")
    assert capsys.readouterr().err.count("Warning: the corpus is a single document") == 1
    made = prep(job(one_file, separator="<|endoftext|>"), tmp_path / "many")
    assert "Warning" not in capsys.readouterr().err
    assert made.n_documents > 1
    store = Store.open(str(tmp_path / "many"))
    assert min(store.n_documents("explain"), store.n_documents("test")) > 0
    assert store.n_documents("explain") + store.n_documents("test") == made.n_documents


def test_a_dry_run_warns_of_a_single_document(
    job: Callable[..., Job], one_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    estimate(job(one_file))
    assert capsys.readouterr().err.count("Warning: the corpus is a single document") == 1
    estimate(job(one_file, separator="<|endoftext|>"))
    assert "Warning" not in capsys.readouterr().err


def test_a_dry_run_of_a_second_document_far_away_warns_of_none(
    job: Callable[..., Job], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").write_text(STORIES[0] * 1000)
    for number, story in enumerate(STORIES):
        (tmp_path / f"b{number}.txt").write_text(story)
    estimate(job(tmp_path, tokens=10**7))
    assert "Warning" not in capsys.readouterr().err


def test_merging_shards_warns_of_a_single_document(
    job: Callable[..., Job], one_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (1, 2):
        prep_shard(job(one_file), tmp_path / "store", Shard(number, 2))
    assert capsys.readouterr().err.count("Warning") == 1
    merge(tmp_path / "store")
    assert capsys.readouterr().err.count("Warning") == 1


def test_the_evaluation_of_a_one_sided_store_says_why(job: Callable[..., Job], one_file: Path, tmp_path: Path) -> None:
    prep(job(one_file), tmp_path / "one", progress=False)
    message = (
        r"no latent of layers.1 can be evaluated \(.*\); the (explain|test) split has no document \(1 in all\); make"
    )
    with pytest.raises(UserError, match=message) as info:
        latent_dataset(tmp_path / "one", hookpoint=None, latents="all", min_contexts=1, seed=0)
    assert "make a store of more documents, not of more tokens" in str(info.value)


def test_a_separator_is_in_the_manifest_and_makes_the_store_again(
    autointerp: Autointerp, one_file: Path, tmp_path: Path, subject_folder: Path, sae_folder: Path
) -> None:
    options = ["--corpus", one_file, "--tokens", "3000", "--context-length", "64", "--pool", "30"]
    command = ["prep", subject_folder, "--coder", sae_folder, *options]
    assert autointerp(*command, "--separator", r"<|endoftext|>\n", "-o", tmp_path / "a").status == 0
    made = Manifest.read(tmp_path / "a")
    assert made.settings.separator == r"<|endoftext|>\n"
    again = autointerp("prep", "--config", tmp_path / "a" / "manifest.json", "-o", tmp_path / "b")
    assert "The same digest as the manifest's" in again.out
    whole = autointerp(*command, "-o", tmp_path / "c")
    assert Manifest.read(tmp_path / "c").digest != made.digest
    assert "Warning: the corpus is a single document" in whole.err
    config = tmp_path / "run.yaml"
    config.write_text('separator: "<|endoftext|>\\n"\n')  # a line feed, not an escape
    assert autointerp(*command, "--config", config, "-o", tmp_path / "d").status == 0
    assert Manifest.read(tmp_path / "d").digest == made.digest


def test_an_empty_separator_is_refused_before_the_model_is_loaded(autointerp: Autointerp, tmp_path: Path) -> None:
    ended = autointerp(
        "prep",
        "no-such-model",
        "--coder",
        "neurons",
        "--hookpoint",
        "layers.1",
        "--separator",
        "",
        "-o",
        tmp_path / "a",
    )
    assert ended.status == 2
    assert ended.err.startswith("autointerp: the separator is empty; give the text between documents")
