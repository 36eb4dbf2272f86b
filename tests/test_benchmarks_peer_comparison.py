"""Figures and tables of the comparison with Delphi, of which nothing is installed here."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from benchmarks.as_json import save_tables
from benchmarks.peer_comparison import cache, inputs, tables
from benchmarks.peer_comparison.correctness import FORMS, forms_read, marked_tokens, overlap, share_at_one_place
from benchmarks.peer_comparison.grader import figures, start_of
from benchmarks.peer_comparison.install import TokenwiseTokenizer
from rich.table import Table
from safetensors.numpy import load_file, save_file

from inspect_autointerp.builtin import demo
from inspect_autointerp.prep.coders.saelens import SaeLensCoder
from inspect_autointerp.prep.coders.sparsify import SparsifyCoder

HOOKPOINT = "layers.2"
SAE = next(path for path in demo.coders() if path.name == HOOKPOINT)


def cells(table: Table) -> list[list[str]]:
    return [list(map(str, row)) for row in zip(*(column.cells for column in table.columns), strict=True)]


def test_overlap_is_the_share_of_test_contexts_shown() -> None:
    assert overlap([1, 2, 3], [3, 4, 5, 6]) == 0.25


def test_share_at_one_place_counts_negatives_once() -> None:
    assert share_at_one_place([[24, 24], [24], [3]]) == 2 / 3


def test_marked_tokens_are_those_within_brackets() -> None:
    assert list(marked_tokens("a<< b c>> d<<e>>", ["a", " b", " c", " d", "e"])) == [1, 2, 4]


def test_forms_read_counts_only_right_labels() -> None:
    """Strings are all true to `bool`, so a form that is parsed but misread does not count."""
    names = forms_read(lambda answer: [int(bool(value)) for value in json.loads(answer)])
    assert names == ["as asked", "no spaces", "JSON's booleans"]
    assert len(FORMS) == 9


def test_whole_batches_leaves_out_what_delphi_would_drop() -> None:
    assert inputs.whole_batches(20_000) == 16_384
    with pytest.raises(ValueError, match=r"at least 8,192"):
        inputs.whole_batches(8_191)


class Letters:
    """A tokenizer of letters, for which `ab` is one token wherever the two stand side by side."""

    def __call__(self, text: str, **_: Any) -> dict[str, list[int]]:
        ids = text.replace("ab", "@")
        return {"input_ids": [ord(letter) for letter in ids]}

    def decode(self, ids: list[int], **_: Any) -> str:
        return "".join(map(chr, ids)).replace("@", "ab")


def test_pieces_leaves_out_text_that_gives_other_tokens() -> None:
    """The rest of a text behind its last whole document is left out too."""
    good, merging = "x" * inputs.DOCUMENT, "a" * inputs.DOCUMENT
    tokenizer = Letters()
    assert [text for text, _ in inputs.pieces(iter([good + merging + "y"]), tokenizer)] == [good, merging]

    class Unstable(Letters):
        def decode(self, ids: list[int], **_: Any) -> str:
            return super().decode(ids).replace("aa", "ab")

    assert [text for text, _ in inputs.pieces(iter([good + merging]), Unstable())] == [good]


def test_sparsify_files_hold_the_same_sae(tmp_path: Path) -> None:
    inputs.write_sparsify(SAE, tmp_path / HOOKPOINT)
    x = torch.randn(50, 256, generator=torch.Generator().manual_seed(0)) * 3
    one, other = SaeLensCoder(str(SAE)).encode(x), SparsifyCoder(str(tmp_path / HOOKPOINT)).encode(x)
    dense = [torch.zeros(50, 2048).index_put((t.token, t.latent), t.value) for t in (one, other)]
    assert len(one.token) > 100
    torch.testing.assert_close(dense[0], dense[1], atol=1e-4, rtol=1e-4)


def test_other_saes_than_plain_topk_are_refused(tmp_path: Path) -> None:
    (tmp_path / "cfg.json").write_text(json.dumps({"architecture": "jumprelu"}), encoding="utf-8")
    with pytest.raises(ValueError, match="only a plain top-k SAE"):
        inputs.write_sparsify(tmp_path, tmp_path / "sae")


def forged_cache(folder: Path, triples: np.ndarray, tokens: np.ndarray, width: int) -> None:
    """Write what `save_splits` does: two files, each of half of the latents, and the tokens in both."""
    folder.mkdir(parents=True)
    for first, last in ((0, width // 2 - 1), (width // 2, width - 1)):
        rows = triples[(triples[:, 2] >= first) & (triples[:, 2] <= last)] - [0, 0, first]
        save_file({"locations": rows.astype(np.uint16), "tokens": tokens}, folder / f"{first}_{last}.safetensors")


def test_cached_counts_counts_activations_and_windows(tmp_path: Path) -> None:
    triples = np.array([[0, 0, 1], [0, 31, 1], [0, 32, 1], [1, 5, 3], [1, 255, 3], [1, 255, 0]])
    forged_cache(tmp_path / "cache", triples, np.arange(512).reshape(2, 256), 4)
    counts, windows, tokens = cache.cached_counts(tmp_path / "cache", 4)
    assert counts.tolist() == [1, 3, 0, 2]
    assert windows.tolist() == [1, 2, 0, 2]
    assert tokens.tolist() == list(range(512))


def test_differences_bears_ties_and_no_more() -> None:
    theirs = np.array([50_000, 50_000])
    apart = cache.differences(theirs + np.array([3, -2]), theirs, "activations")
    assert apart == {"latents whose activations differ": 2, "activations that differ": 5}
    with pytest.raises(AssertionError, match="11 of 100,000 activations"):
        cache.differences(theirs + np.array([11, 0]), theirs, "activations")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, float]]]:
    """A batch of Delphi's, as both read it, and the store that `prep` makes of it, with its figures."""
    folder = tmp_path_factory.mktemp("peer")
    subject = str(demo.SUBJECT)
    inputs.write_inputs(str(folder / "inputs"), inputs.STEP, subject, str(SAE), HOOKPOINT)
    with pytest.MonkeyPatch.context() as patch:
        from inspect_autointerp.prep.run.scan import Scan

        patch.setattr(Scan, "encode", Scan.encode)  # which `here` replaces
        threads = torch.get_num_threads()
        measured = cache.here(str(folder / "inputs"), subject, HOOKPOINT, inputs.STEP, str(folder / "store"))
        torch.set_num_threads(threads)
    yield folder, measured


def test_prep_agrees_with_a_plain_forward_pass(prepared: tuple[Path, dict[str, float]], tmp_path: Path) -> None:
    """The activations are computed as Delphi does: rows of the token file, all layers, a dense matrix of latents."""
    from transformers import AutoModel

    folder, measured = prepared
    rows = np.load(folder / "inputs" / "tokens.npy")
    weights = {
        name: torch.from_numpy(array)
        for name, array in load_file(folder / "inputs" / "coders" / HOOKPOINT / "sae.safetensors").items()
    }
    model = AutoModel.from_pretrained(demo.SUBJECT, dtype=torch.float32)
    with torch.no_grad():
        hidden = model(torch.from_numpy(rows), output_hidden_states=True).hidden_states[3]
        latents = (hidden - weights["b_dec"]) @ weights["encoder.weight"].T + weights["encoder.bias"]
        value, latent = latents.relu().topk(16)
    row, position, rank = (value > 1e-5).nonzero(as_tuple=True)
    triples = torch.stack([row, position, latent[row, position, rank]], dim=1).numpy()
    forged_cache(folder / "cache" / HOOKPOINT, triples, rows, 2048)
    places = (str(folder / "inputs"), HOOKPOINT, inputs.STEP, str(folder / "store"), str(folder / "cache"))
    agreed = cache.agreement(*places, 3)
    assert agreed["tokens"] == inputs.STEP
    assert agreed["activations"] == len(triples)
    assert 0 < measured["bare"] < measured["cpu"]
    assert measured["start"] <= measured["peak"]
    rows[0, 0] += 1
    np.save(tmp_path / "tokens.npy", rows)
    with pytest.raises(AssertionError, match="not those that were given"):
        cache.agreement(str(tmp_path), *places[1:], 3)


def test_clock_counts_what_runs_within() -> None:
    clock = cache.Clock()

    def work(seconds: float) -> float:
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass
        return seconds

    work(0.05)
    assert clock.timed(work)(0.1) == 0.1
    measured = clock.figures(Path(__file__).parent / "none")
    assert measured["load"] >= 0.05
    assert 0.1 <= measured["bare"] <= measured["cpu"]
    assert measured["bytes"] == 0


def test_tokenwise_tokenizer_gives_a_string_per_token() -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(demo.SUBJECT)
    ids = torch.tensor(tokenizer("def f(x): return x", add_special_tokens=False)["input_ids"])
    assert "".join(strings := TokenwiseTokenizer(tokenizer).batch_decode(ids)) == "def f(x): return x"
    assert len(strings) == len(ids) > 3


def test_grader_figures_leave_out_the_start_of_a_process() -> None:
    whole = {"cpu": 20.0, "ran": 5.0, "calls": 4_100.0, "bytes": 200_000.0, "latents": 100}
    start = start_of(whole, {"cpu": 10.5, "latents": 5})
    assert start == pytest.approx(10)
    each = {"cpu": 0.1, "wall": 0.05, "calls": 41, "bytes": 2_000, "latents": 100, "start": 10}
    assert figures(whole, start) == pytest.approx(each)
    assert figures(whole | {"cpu": 30.0}, start)["cpu"] == pytest.approx(0.2)


CACHED = {"cpu": 10.0, "bare": 8.0, "wall": 20.0, "load": 0.0, "peak": 1000.0, "start": 500.0, "bytes": 5e6}


def test_cache_table_has_ratios_and_what_is_left() -> None:
    other = {name: 1.5 * value for name, value in CACHED.items()}
    rows = cells(tables.cache_table({"262144": {"here": CACHED, "delphi": other}}))
    assert rows[0] == ["262,144", "CPU s", "10", "15", "1.50"]
    assert rows[2] == ["262,144", "of these, everything else", "2", "3", "1.50"]
    assert rows[4] == ["262,144", "CPU s to load model and SAE", "0", "0", "–"]
    assert rows[5] == ["262,144", "peak memory, MB", "1,000", "1,500", "1.50"]


def test_contexts_table_is_per_100_latents() -> None:
    measured = {"here": {"cpu": 0.5, "wall": 1.0}, "delphi": {"cpu": 2.0, "wall": 4.0, "decoding": 1.0}}
    rows = cells(tables.contexts_table(measured, 50, 262_144))
    assert [row[1:] for row in rows] == [["1", "4", "4.00"], ["–", "2", "–"], ["2", "8", "4.00"]]


def test_grader_table_compares_with_the_least() -> None:
    one = {"latents": 100, "calls": 41, "wall": 0.05, "cpu": 0.1, "bytes": 22_400}
    rows = cells(tables.grader_table({"here": one, "Delphi": one | {"cpu": 0.025}}))
    assert rows[0] == ["here", "100", "41", "20", "100", "4", "22.4"]
    assert rows[1][4:6] == ["25", "1"]


def test_correctness_table_counts_forms_and_json_keeps_it(tmp_path: Path) -> None:
    measured = {
        "latents": 8,
        "here": {"overlap": 0.0, "forms read": ["as asked"] * 7},
        "delphi": {"overlap": 0.24, "forms read": ["as asked"] * 5},
    }
    table = tables.correctness_table(measured)
    assert cells(table) == [["overlap", "0", "0.24", "–"], ["forms read, of 9", "7", "5", "0.71"]]
    save_tables(str(tmp_path / "out.json"), table, raw={"correctness": measured})
    content = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert content["tables"][0]["rows"] == cells(table)
    assert content["raw"]["correctness"] == measured


def test_json_has_null_for_undefined_figures_within_figures(tmp_path: Path) -> None:
    save_tables(str(tmp_path / "out.json"), raw={"a": {"b": [float("nan"), 1.5]}, "c": float("inf")})
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["raw"] == {
        "a": {"b": [None, 1.5]},
        "c": None,
    }
