"""Stores of conversations: which windows and activations are in them, and that they are made again bit for bit."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.prep.test_prep_cli import Autointerp

from inspect_autointerp.card.card import read_card
from inspect_autointerp.contexts.population import complete_windows
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.errors import Interrupted
from inspect_autointerp.prep.cli.estimate import estimate
from inspect_autointerp.prep.corpus.documents import stdlib_documents
from inspect_autointerp.prep.run import scan
from inspect_autointerp.prep.run.merge import merge
from inspect_autointerp.prep.run.run import prep, prep_shard
from inspect_autointerp.prep.run.run_spec import Job
from inspect_autointerp.prep.run.shard import Shard
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.settings import Settings
from inspect_autointerp.store.store import Store

TEMPLATE = """{{ bos_token }}{% for message in messages %}{{ '[' + message.role + ']\n' + message.content + '\n' }}
{%- endfor %}"""
"""Without special tokens: nothing but the rendering tells these tokens from a message's."""


@pytest.fixture
def autointerp(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Autointerp:
    return Autointerp(monkeypatch, capsys)


@pytest.fixture(scope="module")
def chat_subject(subject_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chat") / "subject"
    shutil.copytree(subject_folder, folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return folder


@pytest.fixture(scope="module")
def chats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 conversations about the standard library's source, of one, two or three turns each."""
    lines = "".join(text for text, _ in zip(stdlib_documents(), range(8), strict=False)).splitlines()
    talks = []
    for number in range(60):
        own = lines[number * 12 : number * 12 + 12]
        talk = [{"role": "system", "content": own[0] or "Be brief."}] if number % 3 else []
        for turn in range(1 + number % 3):
            answer = "\n".join(own[2 + 3 * turn :])
            talk += [{"role": "user", "content": f"What is {own[1 + turn]}?"}, {"role": "assistant", "content": answer}]
        talks.append({"messages": talk})
    path = tmp_path_factory.mktemp("chats") / "chats.jsonl"
    path.write_text("".join(json.dumps(talk) + "\n" for talk in talks))
    return path


@pytest.fixture(scope="module")
def job(chat_subject: Path, sae_folder: Path, chats: Path) -> Callable[..., Job]:
    def make(**changed: Any) -> Job:
        given: dict[str, Any] = {"corpus": str(chats), "chat": "messages", "tokens": 8000, "context_length": 64}
        given |= {"window": 16, "sample": 8, "top": 4, "pool": 40} | changed
        settings = Settings(**given)
        return Job(subject=str(chat_subject), coders=[str(sae_folder)], settings=settings, batch_size=4)

    return make


@pytest.fixture(scope="module")
def assistant(job: Callable[..., Job], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stores") / "assistant"
    prep(job(role="assistant"), folder, progress=False)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_contexts_of_a_role_hold_no_other_role(assistant: Path) -> None:
    store = Store.open(str(assistant))
    whole = store.detokenizer.windows(store.tokens[None, :])[0][0]
    assert "[user]\nWhat is" in whole and "[assistant]\n" in whole
    starts = [complete_windows(store, split) for split in ("explain", "test")]
    assert sum(map(len, starts)) == store.manifest.n_windows
    for text, _ in store.detokenizer.windows(store.ids(np.concatenate(starts))):
        assert "user]" not in text and "What is" not in text
    assert np.isin(store.pool, np.concatenate(starts)).all()
    latent = next(latent for latent in store.at(None).latents(range(256)) if latent.n_windows > 20)
    contexts = LatentContexts(store, latent).test(5, 5, 0)
    assert {context.kind for context in contexts} == {"activating", "random"}
    for context in contexts:
        tokens = [context.text[a:b] for a, b in context.spans]
        header = next((i for i in range(len(tokens)) if "".join(tokens[: i + 1]).endswith("[assistant]")), -1)
        assert not np.any(np.asarray(context.activations)[: header + 1])


def test_a_density_is_a_share_of_tokens_that_count(assistant: Path) -> None:
    store = Store.open(str(assistant))
    manifest = store.manifest
    assert manifest.n_counted and manifest.n_counted < manifest.n_tokens
    n_tokens = store.at(None).table(["n_tokens"])["n_tokens"].to_numpy()
    assert n_tokens.sum() == 4 * manifest.n_counted  # a top-k coder of which four fire on each
    latent = store.at(None).latent(int(np.argmax(n_tokens)))
    assert read_card(store, latent).density == latent.n_tokens / manifest.n_counted


def test_chat_settings_are_in_the_digest(job: Callable[..., Job], assistant: Path, tmp_path: Path) -> None:
    plain = prep(job(), tmp_path / "plain", progress=False)
    template = prep(job(template_tokens=True), tmp_path / "template", progress=False)
    mine = Manifest.read(assistant)
    assert len({plain.digest, template.digest, mine.digest}) == 3
    assert mine.settings.role == "assistant" and mine.settings.chat == "messages"
    assert template.n_counted and plain.n_counted and template.n_counted > plain.n_counted > (mine.n_counted or 0)


def test_settings_that_are_off_are_not_in_a_manifest(store_folder: Path) -> None:
    content = json.loads((store_folder / "manifest.json").read_text())
    assert not {"chat", "role", "template_tokens"} & content["settings"].keys()
    assert "n_counted" not in content


def test_shards_give_the_single_run_s_store(job: Callable[..., Job], assistant: Path, tmp_path: Path) -> None:
    for number in (1, 2):
        prep_shard(job(role="assistant"), tmp_path / "store", Shard(number, 2), progress=False)
    merge(tmp_path / "store", progress=False)
    assert contents(tmp_path / "store") == contents(assistant)


def test_a_resumed_run_gives_the_single_run_s_store(
    job: Callable[..., Job], assistant: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold = scan.Scan.fold

    def once(self: scan.Scan, batch: Any, number: int) -> None:
        if number == 3:
            raise Interrupted("stop")
        fold(self, batch, number)

    with monkeypatch.context() as patch:
        patch.setattr(scan.Scan, "fold", once)
        with pytest.raises(Interrupted):
            prep(job(role="assistant"), tmp_path / "store", progress=False, checkpoint_minutes=0)
    prep(job(role="assistant"), tmp_path / "store", progress=False, resume=True)
    assert contents(tmp_path / "store") == contents(assistant)


def test_a_dry_run_shows_a_conversation_with_its_roles(
    job: Callable[..., Job], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    estimate(job(role="assistant"))
    shown = capsys.readouterr()
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.out.splitlines() if "│" in line]
    example = [row for row in rows if len(row) == 4]
    assert [row[0] for row in example[:4]] == ["template", "user", "template", "assistant"]
    assert example[0][1] == "<|bos|>[user]⏎"
    assert [row[3] == "–" for row in example[:4]] == [True, True, True, False]
    assert "tokens count (the assistant role's messages)" in shown.err


def test_the_command_takes_conversations_and_makes_the_store_again(
    autointerp: Autointerp, job: Callable[..., Job], assistant: Path, tmp_path: Path
) -> None:
    spec = job()
    sizes = "tokens=8000 context-length=64 window=16 sample=8 top=4 pool=40 batch-size=4"
    sized = [f"--{size}" for size in sizes.split()]
    options = ["--corpus", spec.settings.corpus, "--chat", "messages", "--role", "assistant", *sized]
    made = autointerp("prep", spec.subject, "--coder", spec.coders[0], *options, "-o", tmp_path / "a")
    assert made.status == 0
    assert " conversations of 8,000 tokens; " in made.err
    again = autointerp("prep", "--config", tmp_path / "a" / "manifest.json", "--batch-size", "4", "-o", tmp_path / "b")
    assert "The same digest as the manifest's" in again.out
    assert Manifest.read(tmp_path / "b").digest == Manifest.read(assistant).digest
    wrong = autointerp("prep", spec.subject, "--coder", spec.coders[0], "--role", "user", "-o", tmp_path / "c")
    assert wrong.err.startswith("autointerp: --role is for conversations")
