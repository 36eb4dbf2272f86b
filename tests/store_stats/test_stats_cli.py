"""`autointerp stats` as a user meets it."""

import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from inspect_autointerp import cli
from inspect_autointerp.store.store import Store


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["autointerp", "stats", *map(str, arguments)])
    with pytest.raises(SystemExit) as info:
        cli.main()
    captured = capsys.readouterr()
    return int(info.value.code or 0), captured.out, captured.err


def line(out: str, start: str) -> str:
    [match] = [line for line in out.splitlines() if line.startswith(start)]
    return " ".join(match.split())


def test_help_shows_an_example() -> None:
    result = CliRunner(env={"COLUMNS": "80"}).invoke(cli.app, ["stats", "--help"])
    assert "autointerp stats contexts/gpt2 --latents 0:20" in result.output


def test_the_table_says_what_is_held(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(store_folder)
    status, out, err = run(monkeypatch, capsys, store_folder, "--min-active", 400)
    assert (status, err) == (0, "")
    assert f"digest {store.digest}" in out
    assert line(out, "tokens") == "tokens 60,000"
    latents = [store.at("layers.1").latent(index) for index in range(256)]
    rare = sum(0 < latent.n_windows < 400 for latent in latents)
    assert line(out, "rare") == f"rare: fire in fewer than 400 windows {rare} ({100 * rare / 256:.1f} %)"
    assert 0 < rare < 256
    dead = sum(latent.n_tokens == 0 for latent in latents)
    assert line(out, "positional").endswith(" %")
    assert "█" * 40 in out
    assert line(out, "never fire") == f"never fire {dead} ({100 * dead / 256:.1f} %)"


def test_latents_are_listed_and_written(
    store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.jsonl"
    status, out, _ = run(monkeypatch, capsys, store_folder, "--latents", "3,17", "--to", path)
    assert status == 0
    latent = Store(store_folder).at("layers.1").latent(17)
    assert line(out, "    17").startswith(
        f"17 {latent.n_tokens:,} {latent.n_tokens / 60_000:.3g} {latent.n_windows:,} "
    )
    assert pd.read_json(path, lines=True)["index"].tolist() == [3, 17]
    assert f"{path}: 2 rows" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hookpoint", "layers.9"], "no hookpoint 'layers.9' in"),
        (["--latents", "0:999"], "latents=0:999: out of range"),
        (["--latents", "some"], "latents=some: not understood"),
        (["--to", "rows.xlsx"], "rows.xlsx: the file's name must end in .csv, .jsonl, .parquet"),
    ],
)
def test_a_mistake_is_one_line(
    store_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    status, _, err = run(monkeypatch, capsys, store_folder, *arguments)
    assert status == 2
    assert err.startswith(f"autointerp: {message}")
    assert err.count("\n") == 1


def test_no_store_and_a_broken_store_are_one_line(
    store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Path(shutil.copytree(store_folder, tmp_path / "broken"))
    postings = broken / "hookpoints" / "layers.1" / "postings.safetensors"
    postings.write_bytes(postings.read_bytes()[:-10])
    for place, message in (
        (tmp_path / "none", "no such context store"),
        (broken, "postings.safetensors changed since it was written"),
        ("memory://stats/none", "no context store (no manifest.json)"),
    ):
        status, _, err = run(monkeypatch, capsys, place)
        assert (status, err.count("\n")) == (2, 1)
        assert message in err


def test_a_url_is_fetched(
    store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path))
    status, out, _ = run(monkeypatch, capsys, store_folder.as_uri())
    assert status == 0
    assert line(out, "tokens") == "tokens 60,000"
    assert store_folder.as_uri() in out
