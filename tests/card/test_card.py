"""`autointerp show`: a latent's card in the terminal and as a page."""

import re
import sys
from html import unescape
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from inspect_autointerp import cli
from inspect_autointerp.card.card import Card, latent_named, read_card
from inspect_autointerp.card.html import card_page
from inspect_autointerp.card.terminal import terminal
from inspect_autointerp.card.tokens import Piece, as_html, level, pieces
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Context, Latent
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.render import visible

HOSTILE = "<script>window.hurt=1</script>\x1b[31m\u202e&amp;\x00\"'><img src=x onerror=hurt()>"


def context(tokens: list[str], activations: list[float], decile: int | None = 10) -> Context:
    ends = np.cumsum([len(token) for token in tokens]).tolist()
    spans = tuple(zip([0, *ends[:-1]], ends, strict=True))
    return Context("activating", 0, "".join(tokens), spans, np.array(activations, dtype=np.float32), decile)


def hostile_card() -> Card:
    fires = context([HOSTILE, "quiet"], [2, 0])
    return Card(
        latent=Latent(HOSTILE, 3, 10, 5, 0.1, 2.0), store="d", subject=HOSTILE, corpus=HOSTILE, coder=HOSTILE,
        density=0.01, edges=None, promoted=[HOSTILE], suppressed=None, neighbours=[(1, None)],
        available={"explain": 1, "test": 1}, activating={"test": {10: [fires]}},
        negatives={"random": [context([HOSTILE], [0], None)]},
    )  # fmt: skip


def test_pieces_hold_shares_of_the_maximum_and_silent_tokens_are_joined() -> None:
    joined = pieces(context(["a", "b", "c", "", "d"], [0, 0, 1, 4, 8]), 4)
    assert joined == [Piece("ab", None), Piece("c", 0.25), Piece("d", 1.0)]


def test_as_html_has_a_class_per_tenth() -> None:
    # 0.25 · 10 = 2.5, which Python rounds to the even 2; the weakest activation has the first class, not none.
    assert as_html([Piece("a<", None), Piece("b", 0.25), Piece("c", 0.0)]) == (
        'a&lt;<b class="h2">b</b><b class="h1">c</b>'
    )
    assert [level(share) for share in (0.0, 0.5, 1.0)] == [1, 5, 10]


@given(st.text())
def test_any_text_is_inert_as_html(text: str) -> None:
    html = as_html([Piece(visible(text), None)])
    assert "<" not in html
    assert unescape(html) == visible(text)


def test_a_hostile_latent_is_inert_on_the_page() -> None:
    page = card_page(hostile_card())
    assert "<script" not in page
    assert "<img" not in page
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", page)
    assert "&lt;script&gt;window.hurt=1&lt;/script&gt;\\x1b[31m\\u202e" in page
    assert "default-src 'none'" in page


@pytest.mark.parametrize("colour", [True, False])
def test_a_hostile_latent_is_inert_on_a_terminal(colour: bool) -> None:
    console = Console(record=True, width=200, force_terminal=True, color_system="truecolor", file=StringIO())
    console.print(terminal(hostile_card(), colour=colour))
    text = console.export_text(styles=True)
    assert "\x1b[31m" not in text
    assert "\u202e" not in text
    assert "\\x1b[31m\\u202e" in text.replace("\n", "")


def firing(store: Store) -> Latent:
    """One of many contexts."""
    return max((store.at("layers.1").latent(i) for i in range(256)), key=lambda latent: latent.n_windows % 500)


def test_a_card_says_what_the_store_holds(store_folder: Path) -> None:
    store = Store(store_folder)
    latent = firing(store)
    card = read_card(store, latent, contexts=2)
    own = LatentContexts(store, latent)
    assert card.density == latent.n_tokens / 60_000
    for split in ("explain", "test"):
        of_split = own.activating(split)
        assert card.available[split] == len(of_split)
        assert list(card.activating[split]) == list(range(10, 0, -1))
        assert card.activating[split][10][0].start == of_split[-1].start, "the strongest first"
        assert all(len(shown_contexts) == 2 for shown_contexts in card.activating[split].values())
    assert all(c.max_activation == 0 for c in card.negatives["random"])
    assert len(card.negatives["random"]) == 10
    assert card.edges == sorted(card.edges or [])


def test_a_latent_is_named_with_its_hookpoint_or_without(store_folder: Path) -> None:
    store = Store(store_folder)
    for name, hookpoint in (("layers.1/17", None), ("17", None), ("17", "layers.1"), ("layers.1/17", "layers.1")):
        assert latent_named(store, name, hookpoint).id == "layers.1/17"
    for name, hookpoint, message in (
        ("layers.1/256", None, r"has 0 to 255"),
        ("layers.1/-1", None, r"no such latent"),
        ("x", None, r"no such latent"),
        ("²", None, r"no such latent"),
        ("layers.9/1", None, r"no hookpoint 'layers.9'"),
        ("layers.1/1", "layers.9", r"give one of them"),
    ):
        with pytest.raises(UserError, match=message):
            latent_named(store, name, hookpoint)


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["autointerp", "show", *map(str, arguments)])
    with pytest.raises(SystemExit) as info:
        cli.main()
    captured = capsys.readouterr()
    return int(info.value.code or 0), captured.out, captured.err


def test_card_command_reads_a_folder_a_url_and_planted(
    store_folder: Path, planted_store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in (store_folder, store_folder.as_uri()):
        status, out, _ = run(monkeypatch, capsys, place, 17, "--split", "test", "--window", 16)
        assert status == 0
        assert out.startswith("layers.1/17")
        assert f"{Store(store_folder).digest}/16" in out
        assert "test split" in out
        assert "explain split" not in out
    status, out, _ = run(monkeypatch, capsys, "planted", "planted/3")
    assert (status, out.splitlines()[0].strip()) == (0, "planted/3")


def test_the_command_writes_a_page(
    store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    id = firing(Store(store_folder)).id
    status, out, _ = run(monkeypatch, capsys, store_folder, id, "--html", tmp_path / "card.html")
    assert (status, out) == (0, f"{tmp_path}/card.html: {id}\n")
    page = (tmp_path / "card.html").read_text()
    assert re.search(r'<td class="text" dir="ltr">.*<b class="h\d+">', page)
    assert "http" not in page.replace("http-equiv", "")
    status, _, err = run(monkeypatch, capsys, store_folder, 17, "--html", tmp_path / "none" / "card.html")
    assert (status, err.count("\n")) == (2, 1)
    status, _, err = run(monkeypatch, capsys, store_folder, 17, 18)
    assert err.startswith("autointerp: give a store and one latent, got")


def test_show_random_draws_latents_that_fire_by_seed(
    store_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def shown(*arguments: object) -> list[str]:
        status, out, err = run(monkeypatch, capsys, store_folder, "layers.1", "--contexts", 1, *arguments)
        assert status == 0, err
        return re.findall(r"^layers\.1/\d+", out, re.MULTILINE)

    store = Store(store_folder)
    firing_ones = {latent.id for latent in store.at("layers.1").latents(range(256)) if latent.n_tokens}
    first = shown("--random", 5)
    assert len(set(first)) == 5 and set(first) <= firing_ones
    assert first == shown("--random", 5) and set(first) != set(shown("--random", 5, "--seed", 1))
    assert set(shown("--random", 256)) == firing_ones
    status, _, err = run(monkeypatch, capsys, store_folder, "layers.1", "--random", 5, "--html", "x.html")
    assert (status, err) == (2, "autointerp: --html shows one latent; leave out --html or --random\n")
    status, _, err = run(monkeypatch, capsys, store_folder, "17", "--random", 5)
    assert status == 2 and "no hookpoint '17'" in err
