"""One coder on two subjects, from prep to steering: at the embedding, its counts are counts of tokens."""

import asyncio
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.triage.diff_command import diff
from typer.testing import CliRunner

from inspect_autointerp import cli
from inspect_autointerp.contexts.negatives import negative_kinds
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.selection import candidate_latents
from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.verdicts import Verdict, from_columns, locate_contexts, to_columns
from inspect_autointerp.models.activations import Texts
from inspect_autointerp.models.steering import Direction, Predict
from inspect_autointerp.prep.cli.config import _from_manifest
from inspect_autointerp.prep.engines.activations import ReadingSubject
from inspect_autointerp.prep.engines.steering import SteeredSubject
from inspect_autointerp.prep.run.merge import merge
from inspect_autointerp.prep.run.run import prep as run
from inspect_autointerp.prep.run.run import prep_shard
from inspect_autointerp.prep.run.run_spec import Job
from inspect_autointerp.prep.run.run_state import Header
from inspect_autointerp.prep.run.scan import Scan
from inspect_autointerp.prep.run.shard import Shard
from inspect_autointerp.solvers.evidence import Gathered, gather
from inspect_autointerp.solvers.explain import explain_options
from inspect_autointerp.solvers.prompt import question
from inspect_autointerp.store.freeze import freeze
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.settings import Settings
from inspect_autointerp.store.store import Store
from inspect_autointerp.triage.firing_overlap import firing_overlap

EMBED, SECOND_EMBED = "embed_tokens", "second:embed_tokens"
LAYER, SECOND_LAYER = "layers.1", "second:layers.1"
TEXT = "def parse(line):\n    return line.split(',')"
SHARED, MOVED, LOST, NEW, DEAD = range(5)
"""Latents of the embedding: on one token in both; on another token in each; in the first alone; in the second alone."""


@pytest.fixture(scope="module")
def corpus(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Many short documents, so that both splits have some."""
    folder = tmp_path_factory.mktemp("short")
    for path in sorted(corpus_folder.iterdir()):
        text = path.read_text(encoding="utf-8")
        for number in range(0, len(text), 500):
            (folder / f"{path.stem}-{number:04}.txt").write_text(text[number : number + 500], encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def tokens(subject_folder: Path, corpus: Path) -> list[int]:
    """Three tokens of the corpus, none of which is in every window."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(subject_folder)
    texts = [path.read_text(encoding="utf-8") for path in sorted(corpus.iterdir())]
    ids = np.concatenate([tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts])
    return np.argsort(-np.bincount(ids), kind="stable")[[5, 8, 11]].tolist()


@pytest.fixture(scope="module")
def folder(subject_folder: Path, tokens: list[int], save_coder: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two subjects whose embeddings say in their first dimensions which token is there, and an SAE of a layer."""
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("pair")
    a, b, c = tokens
    fires = {"base": {SHARED: a, MOVED: b, LOST: b}, "chat": {SHARED: a, MOVED: c, NEW: c}}
    for number, (name, planted) in enumerate(fires.items()):
        model = AutoModelForCausalLM.from_pretrained(subject_folder)
        torch.manual_seed(number)
        with torch.no_grad():
            for parameter in model.model.layers.parameters():
                parameter.add_(0.05 * torch.randn_like(parameter) if parameter.ndim == 2 else 0)
            model.model.embed_tokens.weight[:, : DEAD + 1] = -0.1
            for latent, token in planted.items():
                model.model.embed_tokens.weight[token, latent] = 1.0
        shutil.copytree(subject_folder, folder / name)
        model.save_pretrained(folder / name)
    save_coder(folder / "sae", "topk", k=4, hook="model.layers.1")
    return folder


@pytest.fixture(scope="module")
def job(folder: Path, corpus: Path) -> Job:
    settings = Settings(
        corpus=str(corpus), tokens=6000, context_length=64, window=16, sample=40, top=3, pool=60, min_active=0
    )
    return Job(
        subject=str(folder / "base"),
        second_subject=str(folder / "chat"),
        coders=["neurons", str(folder / "sae")],
        hookpoints=[EMBED, LAYER],
        settings=settings,
    )


@pytest.fixture(scope="module")
def store(job: Job, folder: Path) -> Store:
    run(job, folder / "store", progress=False)
    return Store(folder / "store")


def token_counts(store: Store, one: int, other: int) -> tuple[list[int], list[int]]:
    """On how many tokens and windows only the first of two tokens stands, both do, and only the second does."""
    offsets, _ = store.documents()
    windows = np.concatenate([np.arange(a, b - 15, 16) for a, b in pairwise(offsets)])
    assert len(windows) == store.manifest.n_windows
    inside = [(store.tokens[windows[:, None] + np.arange(16)] == token).any(axis=1) for token in (one, other)]
    on = [store.tokens == token for token in (one, other)]
    count = [[int((x & ~y).sum()), int((x & y).sum()), int((y & ~x).sum())] for x, y in (on, inside)]
    return count[0], count[1]


def test_counts_are_those_of_the_tokens(store: Store, tokens: list[int]) -> None:
    a, b, c = tokens
    assert list(store.manifest.hookpoints) == [EMBED, LAYER, SECOND_EMBED, SECOND_LAYER]
    for name in (EMBED, SECOND_EMBED):
        counts = store.at(name).pair_counts
        assert counts is not None
        for latent, pair in {SHARED: (a, a), MOVED: (b, c), LOST: (b, -1), NEW: (-1, c), DEAD: (-1, -1)}.items():
            expected = token_counts(store, *pair)
            assert (counts.tokens[latent].tolist(), counts.windows[latent].tolist()) == expected
        assert counts.windows[MOVED].min() > 3  # of each kind


def test_counts_agree_with_those_of_each_subject(store: Store) -> None:
    for name in (EMBED, LAYER):
        at, other = store.at(name), store.at(f"second:{name}")
        counts = at.pair_counts
        assert counts is not None
        np.testing.assert_array_equal(counts.windows[:, :2].sum(axis=1), at.n_windows)
        np.testing.assert_array_equal(counts.windows[:, 1:].sum(axis=1), other.n_windows)
        assert (counts.windows[:, 1] > 0).any()


def test_contexts_say_whether_the_other_subject_fires(store: Store, tokens: list[int]) -> None:
    _, b, c = tokens
    for name, own, other in ((EMBED, b, c), (SECOND_EMBED, c, b)):
        contexts = LatentContexts(store, store.at(name).latent(MOVED))
        for split in ("explain", "test"):
            for context in contexts.activating(split):
                ids = store.ids(np.array([context.start]))[0]
                assert own in ids
                assert context.in_other == (other in ids)
        assert {context.in_other for context in contexts.activating("test")} == {True, False}
        assert all(context.in_other is not None for context in contexts.explain(5, 0, "mix"))


def test_contexts_of_the_other_subject_alone(store: Store, tokens: list[int]) -> None:
    _, b, c = tokens
    contexts = LatentContexts(store, store.at(EMBED).latent(MOVED))
    assert len(contexts.activating("explain")) > 3
    alone = contexts.only_in_other(4, 0)
    assert len(alone) == 4
    for context in alone:
        [ids] = store.ids(np.array([context.start]))
        assert b not in ids
        assert (context.activations > 0).tolist() == (ids == c).tolist()
        assert store.in_split(np.array([context.start]), "explain").all()
    tested = contexts.test(5, 5, 0, ("random", "other_subject"))
    kinds = [context.kind for context in tested]
    assert kinds.count("other_subject") == 5
    for context in tested:
        if context.kind == "other_subject":
            [ids] = store.ids(np.array([context.start]))
            assert c in ids
            assert b not in ids
            assert not context.activations.any()


def test_verdicts_say_in_which_subject_a_context_is_active(store: Store) -> None:
    contexts = LatentContexts(store, store.at(EMBED).latent(MOVED)).activating("test")
    verdicts = [Verdict(**where) for where in locate_contexts(store, contexts)]
    assert [verdict.in_other for verdict in verdicts] == [int(bool(context.in_other)) for context in contexts]
    assert from_columns(to_columns(verdicts)) == verdicts


def shown(store: Store, hookpoint: str, **options: object) -> Gathered:
    latent = store.at(hookpoint).latent(MOVED)
    return asyncio.run(gather(store, latent, explain_options({"evidence": "contexts+subjects", **options})))


def test_the_explainer_is_shown_what_only_one_subject_has(store: Store, tokens: list[int]) -> None:
    _, b, c = tokens
    options = explain_options({"evidence": "contexts+subjects", "examples": 12})
    for hookpoint, own, other in ((EMBED, b, c), (SECOND_EMBED, c, b)):
        gathered = shown(store, hookpoint, examples=12)
        assert [context.in_other for context in gathered.active] == [
            other in store.ids(np.array([context.start]))[0] for context in gathered.active
        ]
        assert len(gathered.alone) == 3
        for context in gathered.alone:
            assert own not in store.ids(np.array([context.start]))[0]
            assert context.max_activation > 0
        text = question(gathered, options)
        n_shared = sum(context.in_other is True for context in gathered.active)
        assert text.count("\nOther model: active, too") == n_shared
        assert text.count("\nOther model: silent") == len(gathered.active) - n_shared
        assert text.count("\nText of the other model ") == 3


def test_nothing_of_the_test_split_is_shown(store: Store) -> None:
    gathered = shown(store, EMBED, examples=40)
    latent = LatentContexts(store, store.at(EMBED).latent(MOVED))
    tested = latent.test(100, 100, 0, ("random", "other_subject"))
    texts = {context.text for context in tested}
    assert texts.isdisjoint(context.text for context in (*gathered.active, *gathered.alone))


def test_evidence_of_two_subjects_needs_both_and_contexts(store_folder: Path) -> None:
    store = Store(store_folder)
    with pytest.raises(UserError, match=r"no other_subject contexts, since the coder of layers\.1 read one subject"):
        shown_latent = next(latent for latent in store.at("layers.1").latents(range(50)) if latent.n_windows > 40)
        asyncio.run(gather(store, shown_latent, explain_options({"evidence": "contexts+subjects"})))
    with pytest.raises(
        UserError, match=r"evidence=subjects: comparing two subjects needs contexts; give contexts\+sub"
    ):
        explain_options({"evidence": "subjects"})


def test_parts_of_windows_are_marked_where_that_is_known(store: Store, tokens: list[int]) -> None:
    _, b, c = tokens
    short = Store(store.folder, window=8)
    contexts = LatentContexts(short, short.at(EMBED).latent(MOVED))
    marks = {context.in_other for context in contexts.activating("test")}
    assert marks == {None, False}
    for context in contexts.activating("test"):
        assert context.in_other is None or c not in short.ids(np.array([context.start]))[0]
    for context in contexts.only_in_other(4, 0):
        assert b not in short.ids(np.array([context.start]))[0]


def test_neighbours_are_those_of_the_coder_in_both(store: Store) -> None:
    for latent in range(5):
        a, b = (store.at(name).neighbours("neighbours", latent).tolist() for name in (LAYER, SECOND_LAYER))
        assert a == b
    assert store.at(LAYER).logits(0) != store.at(SECOND_LAYER).logits(0)  # two heads


def test_diff_sorts_latents_by_where_they_fire(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "diff.csv"
    output = diff(store.folder, "--hookpoint", EMBED, "-o", file)
    at, second = store.at(EMBED), store.at(SECOND_EMBED)
    assert candidate_latents(at, f"{file}#first", 0)[0] == [LOST]
    assert candidate_latents(second, f"{file}#second", 0)[0] == [NEW]
    assert SHARED in candidate_latents(at, f"{file}#shared", 0)[0]
    assert MOVED in candidate_latents(at, f"{file}#between", 0)[0]
    assert "Without a class: 1 latent (silent in all windows of both subjects)" in output
    assert f"{file}: {2 * at.width} rows" in output
    again = tmp_path / "again.csv"
    diff(store.folder, "--hookpoint", SECOND_EMBED, "-o", again)
    assert again.read_text() == file.read_text()


def test_diff_refuses_limits_that_overlap(store: Store, store_folder: Path) -> None:
    with pytest.raises(UserError, match=r"--exclusive 0\.3 and --shared 0\.8 overlap; their sum must be at most 1$"):
        diff(store.folder, "--exclusive", 0.3, "--shared", 0.8)
    with pytest.raises(UserError, match=r"read one place of one subject; make a store with"):
        firing_overlap(Store(store_folder), "layers.1")


def test_the_card_shows_both_subjects(store: Store, folder: Path, tokens: list[int]) -> None:
    _, b, c = tokens
    result = CliRunner().invoke(cli.app, ["show", str(store.folder), f"{SECOND_EMBED}/{MOVED}"])
    assert result.exit_code == 0, result.output
    one, both, other = token_counts(store, b, c)[1]
    base, chat = folder / "base", folder / "chat"
    text = " ".join(result.output.split())
    assert f"{one} only in {base} {both} in both {other} only in {chat}" in text
    assert f"Silent · active only in {base}" in text
    assert " only here " in text


def test_stats_names_both_subjects(store: Store, folder: Path) -> None:
    result = CliRunner().invoke(cli.app, ["stats", str(store.folder)])
    assert result.exit_code == 0, result.output
    assert f"second subject {folder / 'chat'}" in " ".join(result.output.split())


@torch.no_grad()
def read_by_hand(folder: Path, name: str) -> np.ndarray:
    """Activations of the SAE's latents on the text after BOS, from transformers and the formula alone."""
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    weights = {key: value.double() for key, value in load_file(folder / "sae" / "sae_weights.safetensors").items()}
    ids = AutoTokenizer.from_pretrained(folder / name)(TEXT, add_special_tokens=False)["input_ids"]
    model = AutoModelForCausalLM.from_pretrained(folder / name, dtype=torch.float64)
    x = model(torch.tensor([[0, *ids]]), output_hidden_states=True).hidden_states[2][0, 1:]
    hidden = (x - weights["b_dec"]) @ weights["W_enc"] + weights["b_enc"]
    return (hidden.relu() * (hidden >= hidden.topk(4).values[:, -1:])).numpy()


@pytest.mark.parametrize(("hookpoint", "name"), [(LAYER, "base"), (SECOND_LAYER, "chat")])
def test_each_hookpoint_reads_its_own_subject(hookpoint: str, name: str, store: Store, folder: Path) -> None:
    engine = ReadingSubject(store, hookpoint, device="cpu")
    assert (engine.subject.source, engine.subject.second) == (str(folder / name), None)
    fired = [answer[0].activations for answer in engine([Texts(latent, [TEXT]) for latent in range(64)])]
    np.testing.assert_allclose(np.stack(fired, axis=1), read_by_hand(folder, name), rtol=1e-3, atol=1e-3)


def test_the_second_subject_is_steered_as_itself(store: Store, folder: Path) -> None:
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM

    engine = SteeredSubject(store, SECOND_LAYER, device="cpu")
    [effect] = engine.predict([Predict(Direction(17), [[5, 1, 2]], 3.0)])
    model = AutoModelForCausalLM.from_pretrained(folder / "chat")
    row = 3.0 * load_file(folder / "sae" / "sae_weights.safetensors")["W_dec"][17]

    def add(_: object, __: object, out: torch.Tensor) -> torch.Tensor:
        return torch.cat([out[:, :-1], out[:, -1:] + row], dim=1)

    model.model.layers[1].register_forward_hook(add)
    with torch.no_grad():
        expected = model(torch.tensor([[0, 5, 1, 2]]), use_cache=False).logits[0, -1].log_softmax(-1).numpy()
    np.testing.assert_allclose(effect.steered[0], expected, rtol=0, atol=5e-5)


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_shards_merged_are_the_single_run(job: Job, store: Store, tmp_path: Path) -> None:
    for i in (2, 1):
        shard = prep_shard(job, tmp_path / "store", Shard(i, 2), progress=False)
        assert Header.read(shard).asked_for(job)  # --resume leaves it as it is
    merge(tmp_path / "store", progress=False)
    assert files(tmp_path / "store") == files(store.folder)


def test_an_interrupted_run_goes_on_where_it_stopped(
    job: Job, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold = Scan.fold

    def fails(self: Scan, batch: Any, number: int) -> None:
        if number == 2:
            raise RuntimeError("stopped")
        fold(self, batch, number)

    with monkeypatch.context() as patch:
        patch.setattr(Scan, "fold", fails)
        with pytest.raises(RuntimeError, match="stopped"):
            run(job, tmp_path / "store", progress=False)
    run(job, tmp_path / "store", resume=True, progress=False)
    assert files(tmp_path / "store") == files(store.folder)


def test_the_batch_size_does_not_show(job: Job, store: Store, tmp_path: Path) -> None:
    manifest = run(replace(job, batch_size=5), tmp_path / "store", progress=False)
    names = ["n_tokens_other", "n_windows_other", "n_tokens_both", "n_windows_both"]
    assert manifest.files.keys() == store.manifest.files.keys()
    for name in (EMBED, SECOND_EMBED):  # where no arithmetic depends on the batch
        a, b = (each.at(name).table(names) for each in (Store(tmp_path / "store"), store))
        assert a.equals(b)


def test_the_manifest_is_a_configuration_of_both_subjects(store: Store, folder: Path) -> None:
    given = _from_manifest(asdict(store.manifest), "manifest.json")
    assert (given["hookpoint"], given["second_subject"]) == ([EMBED, LAYER], str(folder / "chat"))
    assert given["coder"] == ["neurons", str(folder / "sae")]


def test_frozen_stores_keep_both_subjects_or_say_so(store: Store, tmp_path: Path) -> None:
    freeze(store, {EMBED: [SHARED, MOVED], SECOND_EMBED: [SHARED, MOVED]}, tmp_path / "both", selection="0,1")
    freeze(store, {EMBED: [SHARED, MOVED]}, tmp_path / "one", selection="0,1")
    both, one = Store(tmp_path / "both"), Store(tmp_path / "one")
    assert firing_overlap(both, EMBED)["latent"].tolist() == [
        *(f"{EMBED}/0", f"{EMBED}/1", f"{SECOND_EMBED}/0", f"{SECOND_EMBED}/1")
    ]
    assert (
        firing_overlap(one, EMBED)["windows_both"].tolist() == firing_overlap(both, EMBED)["windows_both"][:2].tolist()
    )
    whole, frozen = (LatentContexts(each, each.at(EMBED).latent(MOVED)).only_in_other(4, 0) for each in (store, both))
    assert [context.start for context in whole] == [context.start for context in frozen]
    assert "other_subject" in negative_kinds(both, EMBED, "all")
    assert "other_subject" not in negative_kinds(one, EMBED, "all")
    with pytest.raises(
        UserError, match=r"no other_subject contexts; freeze the same latents of embed_tokens and second:"
    ):
        negative_kinds(one, EMBED, "other_subject")


def test_a_store_of_one_subject_has_no_such_contexts(store_folder: Path) -> None:
    store = Store(store_folder)
    assert store.at("layers.1").pair_counts is None
    with pytest.raises(UserError, match=r"no other_subject contexts, since the coder of layers\.1 read one subject"):
        negative_kinds(store, "layers.1", "random,other_subject")


def narrower(config: dict[str, Any]) -> None:
    config.update(hidden_size=16, num_attention_heads=2, num_key_value_heads=2)


def shallower(config: dict[str, Any]) -> None:
    config.update(num_hidden_layers=1)


@pytest.mark.parametrize(
    ("change", "coder", "hookpoint", "message"),
    [
        (narrower, "sae", LAYER, r"^coder \S+: \S+base has 32 dimensions at layers\.1 and \S+other has 16; one coder"),
        (
            narrower,
            "neurons",
            LAYER,
            r"^coder neurons: \S+base has 32 dimensions at layers\.1 and \S+other has 16; one",
        ),
        (shallower, "sae", LAYER, r"^no hookpoint 'layers\.1' in \S+other"),
        (None, "sae", SECOND_LAYER, r"^coder \S+ would read second:layers\.1 alone; give --hookpoint layers\.1, which"),
        (None, "sae", f"{LAYER}+{SECOND_LAYER}", r"reads one place, and \S+ is 2; only crosscoders"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(
    change: Callable[[dict[str, Any]], None] | None,
    coder: str,
    hookpoint: str,
    message: str,
    folder: Path,
    job: Job,
    tmp_path: Path,
) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    second = folder / "chat"
    if change:
        second = tmp_path / "other"
        shutil.copytree(folder / "chat", second)
        config = json.loads((second / "config.json").read_text())
        change(config)
        (second / "config.json").write_text(json.dumps(config))
        AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(second)).save_pretrained(second)
    given = coder if coder == "neurons" else str(folder / coder)
    with pytest.raises(UserError, match=message) as info:
        run(
            replace(job, second_subject=str(second), coders=[given], hookpoints=[hookpoint]),
            tmp_path / "store",
            progress=False,
        )
    assert "\n" not in str(info.value)


def test_another_second_subject_is_noticed(store: Store, folder: Path, tmp_path: Path) -> None:
    shutil.copytree(store.folder, tmp_path / "store")
    replace(Manifest.read(tmp_path / "store"), second_subject=str(folder / "base")).write(tmp_path / "store")
    with pytest.raises(UserError, match=r"the weights of second subject \S+base differ from those"):
        ReadingSubject(Store(tmp_path / "store"), SECOND_LAYER, device="cpu")
