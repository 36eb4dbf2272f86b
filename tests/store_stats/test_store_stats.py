"""Tests of a store's statistics: by hand on a store of twelve tokens, against loops on one that prep made."""

import json
import shutil
from hashlib import sha256
from math import isnan
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from inspect_autointerp.errors import UserError
from inspect_autointerp.store.manifest import HookpointEntry, Manifest
from inspect_autointerp.store.postings import SAMPLE
from inspect_autointerp.store.settings import Settings
from inspect_autointerp.store.store import Store
from inspect_autointerp.store_stats import statistics
from inspect_autointerp.store_stats.rows import with_texts, write_rows
from inspect_autointerp.store_stats.statistics import file_sizes, latents_frame, summary


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, subject_folder: Path) -> Store:
    """Twelve tokens, two documents of six (the second to test on), windows of two, four latents of which 0 is dead."""
    folder = tmp_path_factory.mktemp("tiny")
    shutil.copy(subject_folder / "tokenizer.json", folder)
    np.save(folder / "tokens.npy", np.array([40, 41, 40, 41, 40, 42, 40, 41, 43, 43, 43, 40], dtype=np.uint16))
    documents = {"offset": np.array([0, 6, 12]), "test": np.array([0, 1], dtype=np.uint8)}
    save_file(documents, folder / "documents.safetensors")
    np.save(folder / "pool.npy", np.array([0, 6], dtype=np.uint32))
    target = folder / "hookpoints" / "layers.0"
    target.mkdir(parents=True)
    # latent 1 fires on position 0 (token 40); 2 on 0, 2, 3, 6 (40, 40, 41, 40); 3 on 8, 9, 10, 7 (43 × 3, 41)
    postings = {
        "window_indptr": np.array([0, 0, 1, 4, 6]),
        "window": np.array([0, 0, 2, 6, 6, 8], dtype=np.uint32),
        "flags": np.array([1, 1, 2, 5, 3, 1], dtype=np.uint8),
        "indptr": np.array([0, 0, 1, 5, 9]),
        "pos": np.array([0, 0, 2, 3, 6, 7, 8, 9, 10], dtype=np.uint32),
        "act": np.ones(9, dtype=np.float16),
    }
    save_file(postings, target / "postings.safetensors")
    lists = pa.array([None, [1, 2], [3], [4, 5]], type=pa.list_(pa.uint32()))
    table = {
        "index": np.arange(4, dtype=np.uint32),
        "n_tokens": np.array([0, 1, 4, 5]),
        "n_windows": np.array([0, 1, 3, 3]),
        "max_activation": np.array([0, 2, 4, 6], dtype=np.float32),
        "promoted": lists,
        "neighbours": lists,
    }
    pq.write_table(pa.table(table), target / "latents.parquet", row_group_size=3)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    manifest = Manifest(
        subject="tiny",
        revision=None,
        subject_sha256="0",
        bos=False,
        settings=Settings(window=2, context_length=6),
        n_documents=2,
        n_tokens=12,
        n_windows=6,
        hookpoints={
            "layers.0": HookpointEntry(side="output", coder="[x]", architecture="topk", width=4, sha256="0"),
        },
        files={path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in paths},
        versions={},
    )
    manifest.write(folder)
    return Store(folder)


def test_the_rows_of_a_tiny_store(tiny: Store) -> None:
    frame = latents_frame(tiny, "layers.0")
    assert frame["index"].tolist() == [0, 1, 2, 3]
    assert frame["density"].tolist() == [0, 1 / 12, 4 / 12, 5 / 12]
    assert frame["kept_windows"].tolist() == [0, 1, 3, 2]
    # windows at 6 and 8 are of the test split; latent 2's at 6 is sampled (5 = 1 + 4), so are latent 3's two
    assert frame["test_windows"].tolist() == [0, 0, 1, 2]
    # latent 1: 1 of 1 on token 40; 2: 3 of 4 on 40; 3: 3 of 4 on 43
    assert isnan(frame["single_token_share"][0])
    assert frame["single_token_share"].tolist()[1:] == [1, 0.75, 0.75]
    assert frame["single_token"].tolist() == [-1, 40, 40, 43]


def test_the_summary_of_a_tiny_store(tiny: Store) -> None:
    figures = summary(latents_frame(tiny, "layers.0"), min_active=3)
    assert (figures["latents"], figures["dead"], figures["rare"]) == (4, 1, 1)  # latent 1 fires in one window of three
    assert (figures["over_1_percent"], figures["over_10_percent"]) == (0.75, 0.5)  # 0, 0.083, 0.333, 0.417
    assert figures["density_0.5"] == pytest.approx(4 / 12)  # of those that fire: the middle of 1/12, 4/12, 5/12
    assert figures["max_activation_0.1"] == pytest.approx(2.4)  # 2 + 0.1 · 2 · (4 − 2): linear between order statistics
    assert figures["single_token"] == pytest.approx(1 / 3)  # latent 1 of 1, 2, 3
    assert figures["single_token_common"] == 0  # of 2 and 3
    assert (figures["testable"], figures["kept_windows"]) == (0, 6)


def test_where_nothing_fires_what_is_undefined_is_nan(tiny: Store) -> None:
    figures = summary(latents_frame(tiny, "layers.0").head(1), min_active=3)
    assert (figures["dead"], figures["rare"], figures["testable"], figures["kept_windows"]) == (1, 0, 0, 0)
    undefined = {name for name, value in figures.items() if isnan(value)}
    assert undefined == {"single_token", "single_token_common", "positional"} | {
        f"{column}_{q}" for column in ("density", "max_activation") for q in statistics.QUANTILES
    }


def test_what_firing_tells_of_the_position_by_hand() -> None:
    # two positions of four tokens each; latent 0 fires on all of the first and none of the second: log 2 nats, and one
    # position at which it fires, so no bias. Latent 1 fires on two of four at both: 0, less (2 − 1)/(2 · 8). Latent 2
    # fires on all eight. Latent 3 outside alone.
    position = np.array([0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, -1, -1])
    information = statistics.position_information(position, np.array([4, 4, 8, 2]), np.array([4, 4]))
    assert information[:3].tolist() == pytest.approx([np.log(2), -1 / 16, -1 / 16])
    assert isnan(information[3])


def test_positions_are_counted_on_the_pool_alone(tiny: Store) -> None:
    # the pool's windows are tokens 0, 1 and 6, 7: positions 0 and 1 of the two documents, two tokens each
    # latent 1: fires on token 0: c = 1 of 2 at position 0, p = 1/4
    #   1/4 log(1/(2 · 1/4)) + 1/4 log(1/(2 · 3/4)) + 2/4 log(2/(2 · 3/4)), and no bias
    information = latents_frame(tiny, "layers.0")["position_information"]
    expected = 0.25 * np.log(2) + 0.25 * np.log(2 / 3) + 0.5 * np.log(4 / 3)
    assert information[1] == pytest.approx(expected)
    assert isnan(information[0])
    assert information[2] == pytest.approx(np.log(2))  # on 0 and 6, never at position 1
    assert information[3] == pytest.approx(expected)  # on 7


@given(st.lists(st.lists(st.integers(0, 4), max_size=12), min_size=1, max_size=5), st.integers(0, 3))
def test_what_firing_tells_of_the_position_is_sklearns(runs: list[list[int]], more: int) -> None:
    from sklearn.metrics import mutual_info_score

    most = np.max([np.bincount(run, minlength=5) for run in runs], axis=0) + more
    position = np.array([at for run in runs for at in run], dtype=int)
    information = statistics.position_information(position, np.array([len(run) for run in runs]), most)
    for value, run in zip(information, runs, strict=True):
        if not run:
            assert isnan(value)
            continue
        c = np.bincount(run, minlength=5)
        where = np.repeat(np.arange(5), most)
        fires = np.concatenate([np.arange(n) < count for n, count in zip(most, c, strict=True)])
        assert value == pytest.approx(mutual_info_score(where, fires) - (len(set(run)) - 1) / (2 * most.sum()))


def test_the_densities_histogram(tiny: Store) -> None:
    # 1/12, 4/12, 5/12: from 0.0316 to 0.1 one, from 0.1 to 0.316 none, up to 1 two; the dead one in none
    counts = statistics.density_histogram(latents_frame(tiny, "layers.0"))
    assert [n for _, _, n in counts] == [1, 0, 2]
    assert counts[-1][:2] == (pytest.approx(10**-0.5), 1)
    assert statistics.density_histogram(latents_frame(tiny, "layers.0").head(1)) == []


def test_the_paper_tests_on_a_hundred_contexts(tiny: Store) -> None:
    frame = latents_frame(tiny, "layers.0").assign(test_windows=[0, 99, 100, 128])
    assert summary(frame, min_active=3)["testable"] == 2


@pytest.mark.parametrize("block", [1, 300, 1 << 22])
def test_a_store_of_preps_against_a_loop(store_folder: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(statistics, "_BLOCK", block)
    if block == 1:  # a position at a time is slow
        monkeypatch.setattr(statistics, "_test_positions", lambda store: store.in_split(np.arange(60_000), "test"))
    store = Store(store_folder, verify=False)
    frame = latents_frame(store, "layers.1")
    postings = store.at("layers.1").postings
    for row in frame.itertuples():
        latent = store.at("layers.1").latent(int(row[1]))
        assert (row.n_tokens, row.n_windows, row.max_activation) == (
            latent.n_tokens, latent.n_windows, latent.max_activation
        )  # fmt: skip
        windows, flags = postings.windows(latent.index)
        positions, _ = postings.activations(latent.index)
        assert row.kept_windows == len(windows)
        assert row.test_windows == sum(store.in_split(windows[(flags & SAMPLE) > 0], "test"))
        if not len(positions):
            assert (isnan(row.single_token_share), row.single_token) == (True, -1)  # type: ignore[arg-type]
            continue
        ids, counts = np.unique(store.tokens[positions], return_counts=True)
        assert row.single_token_share == counts.max() / counts.sum()
        assert row.single_token == ids[counts.argmax()]


@given(st.lists(st.lists(st.integers(0, 3), max_size=6), min_size=1, max_size=6))
def test_the_most_frequent_token_is_that_of_counting(runs: list[list[int]]) -> None:
    tokens = np.array([token for run in runs for token in run], dtype=np.uint16)
    share, token = statistics._most_frequent(tokens, np.array([len(run) for run in runs]))
    for i, run in enumerate(runs):
        if run:
            best = max(sorted(set(run)), key=run.count)
            assert (share[i], token[i]) == (run.count(best) / len(run), best)
        else:
            assert isnan(share[i])
            assert token[i] == -1


@given(st.lists(st.integers(0, 10), min_size=1, max_size=30))
def test_blocks_are_all_latents_once_and_small(counts: list[int]) -> None:
    indptr = np.concatenate([[0], np.cumsum(counts)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statistics, "_BLOCK", 8)
        blocks = list(statistics._blocks(indptr))
    assert [i for a, b in blocks for i in range(a, b)] == list(range(len(counts)))
    assert all(indptr[b] - indptr[a] <= 8 or b - a == 1 for a, b in blocks)


def test_texts_come_from_whichever_row_group(tiny: Store) -> None:
    rows = with_texts(tiny, "layers.0", latents_frame(tiny, "layers.0").iloc[[0, 1, 3]])
    text = {id: tiny.detokenizer([id])[0] for id in (1, 2, 4, 5, 40, 43)}
    assert rows["single_token_text"].tolist() == [None, text[40], text[43]]
    assert rows["promoted"].tolist() == [None, [text[1], text[2]], [text[4], text[5]]]
    assert rows["neighbours"].tolist() == [None, [1, 2], [4, 5]]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_rows_come_back_from_a_file(tiny: Store, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspect_autointerp.store_stats.rows._ROWS", 3)  # two parts
    frame, path = latents_frame(tiny, "layers.0"), tmp_path / f"rows.{suffix}"
    write_rows(tiny, {"layers.0": frame}, path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    if suffix == "csv":
        read = pd.read_csv(path)
        lists = [None if isinstance(value, float) else json.loads(value) for value in read["neighbours"]]
    else:
        read = pd.read_parquet(path) if suffix == "parquet" else pd.read_json(path, lines=True)
        lists = [None if value is None or isinstance(value, float) else list(value) for value in read["neighbours"]]
    assert read["hookpoint"].unique().tolist() == ["layers.0"]
    assert list(read.columns[1:]) == [*frame.columns, "single_token_text", "promoted", "neighbours"]
    pd.testing.assert_frame_equal(read[list(frame.columns)], frame, check_dtype=False)
    assert lists == [None, [1, 2], [3], [4, 5]]


def test_a_file_of_another_kind_is_refused(tiny: Store, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"rows.xlsx: the file's name must end in \.csv, \.jsonl, \.parquet$"):
        write_rows(tiny, {}, tmp_path / "rows.xlsx")


def test_a_file_that_cannot_be_written_is_refused(tiny: Store, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"rows.csv: cannot be written \(No such file or directory\)$"):
        write_rows(tiny, {"layers.0": latents_frame(tiny, "layers.0")}, tmp_path / "none" / "rows.csv")


def test_an_unknown_hookpoint_is_refused(tiny: Store) -> None:
    with pytest.raises(UserError, match=r"no hookpoint 'layers.9'"):
        latents_frame(tiny, "layers.9")


def test_sizes_are_those_of_all_files(tiny: Store) -> None:
    on_disk = {path.relative_to(tiny.folder).as_posix(): path.stat().st_size
               for path in tiny.folder.rglob("*") if path.is_file()}  # fmt: skip
    assert file_sizes(tiny) == on_disk
