"""The rating page: what is in it, and a whole session in a real browser, which is skipped where there is none."""

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.ratings.sheets import SECRETS, small_sheet, written

from inspect_autointerp.errors import UserError
from inspect_autointerp.ratings.answers import collect_answers
from inspect_autointerp.ratings.key import read_key
from inspect_autointerp.ratings.page import key_path
from inspect_autointerp.ratings.report import report_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SECONDS = 120
"""Time that a busy machine may take for anything."""
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
FLAGS = ["--no-sandbox", "--disable-gpu"]
"""Inside of a container there is no sandbox to be had; what is opened was written by these tests."""
UNLABELLED = """() => [...document.querySelectorAll('input, button, progress, [role=region]')].filter(one =>
    !(one.labels?.length || one.textContent.trim() || one.getAttribute('aria-label'))).map(one => one.outerHTML)"""
CONTRAST = """() => {
  const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b; };
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const paint = colours => { canvas.fillStyle = '#fff'; canvas.fillRect(0, 0, 1, 1);
    for (const one of colours) { canvas.fillStyle = one; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3); };
  const low = [];
  for (const one of document.querySelectorAll('main *')) {
    const words = [...one.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!words || !one.checkVisibility() || one.disabled) continue;
    const behind = [];
    for (let at = one; at; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor);
    const [a, b] = [light(paint([...behind, getComputedStyle(one).color])), light(paint(behind))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) low.push([one.tagName, one.textContent.slice(0, 30), ratio]);
  }
  return low; }"""


def test_page_and_csv_tell_neither_explainers_nor_right_answers(tmp_path: Path) -> None:
    page = written(tmp_path)
    key = key_path(page).read_text("utf-8")
    for file in (page, tmp_path / "sheet.csv"):
        text = file.read_text("utf-8")
        assert not [secret for secret in SECRETS if secret in text]
        assert not re.search(
            r"truth|wrong|density|balanced_accuracy", text.split('id="content"')[-1].split("</script")[0]
        )
    assert all(secret in key for secret in SECRETS)


def test_page_loads_nothing_and_hostile_text_stays_text(tmp_path: Path) -> None:
    text = written(tmp_path).read_text("utf-8")
    assert "default-src 'none'" in text
    assert not re.search(r"https?://|<img|src=[\"']|@import|url\(", text)
    assert "</script><script>window.hurt" not in text


def test_existing_files_are_not_replaced(tmp_path: Path) -> None:
    page = written(tmp_path)
    before = key_path(page).read_bytes()
    with pytest.raises(UserError, match="exists; give another -o"):
        written(tmp_path)
    assert key_path(page).read_bytes() == before


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A Chromium of the system, or one that `playwright install chromium` has left; none is downloaded here."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        own = Path(driver.chromium.executable_path)
        path = next(filter(None, map(shutil.which, CHROMIUMS)), str(own) if own.exists() else None)
        if path is None:
            pytest.skip("no Chromium: install the system's, or run `playwright install chromium`")
        browser = driver.chromium.launch(executable_path=path, args=FLAGS, timeout=1000 * SECONDS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: "Browser", tmp_path: Path) -> "Iterator[Page]":
    """The page opened; nothing may be said on the console, and nothing be fetched from elsewhere."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, accept_downloads=True)
    context.set_default_timeout(1000 * SECONDS)
    page = context.new_page()
    words: list[str] = []
    page.on("console", lambda message: words.append(message.text))
    page.on("pageerror", lambda error: words.append(str(error)))
    page.on("request", lambda one: None if one.url.startswith(("file:", "blob:")) else words.append(one.url))
    page.goto(written(tmp_path).as_uri())
    page.wait_for_selector("body[data-ready]")
    yield page
    assert page.evaluate("window.hurt") is None
    assert words == []
    context.close()


def begin(page: "Page", rater: str = "anna") -> None:
    page.fill("#rater", rater)
    page.check("#consent")
    page.click("#begin button")


def answered(page: "Page") -> int:
    state = page.evaluate("Object.entries(localStorage).map(([k, v]) => v)[0]")
    return len(json.loads(state)["answers"])


def reload(page: "Page", rater: str) -> None:
    """Reload until the page offers to go on as the rater: Chromium hands storage to the next page a little later.

    On a busy machine it once handed over nothing for two minutes: so it gets a second first, as from a person.
    """
    page.wait_for_timeout(1000)
    end = time.monotonic() + SECONDS
    while True:
        page.reload()
        page.wait_for_selector("body[data-ready]")
        if rater in page.inner_text("#resume"):
            return
        assert time.monotonic() < end, f"after {SECONDS} s nothing of {rater} is there"
        page.wait_for_timeout(100)


def screen(page: "Page") -> dict[str, Any]:
    """Return the question, the explanations and the number of answers of the screen."""
    return {
        "question": page.inner_text("#question"),
        "explanations": page.locator("#explanations .explanation > div").all_inner_texts(),
        "n": page.locator("#parts fieldset").count(),
    }


def saved(page: "Page", button: str, path: Path) -> Path:
    with page.expect_download() as download:
        page.click(button)
    assert download.value.suggested_filename.endswith(".json")
    download.value.save_as(path)
    return path


def play(page: "Page", *, keyboard: bool) -> None:
    """Answer all that is left: the explanation that ends in 1 is always the better one."""
    while page.is_visible("#work"):
        shown = screen(page)
        if len(shown["explanations"]) == 2:
            keys = ["1" if shown["explanations"][0].endswith("1") else "2"]
        else:
            text = shown["explanations"][0]
            good = text.endswith("1") or not text.startswith("explanation")
            keys = [
                ("4" if good else "2") if "relevant" in shown["question"] else str(i % 2) for i in range(shown["n"])
            ]
        for number, key in enumerate(keys):
            if keyboard:
                page.keyboard.press(key)
            else:
                page.locator(f"#parts fieldset >> nth={number}").locator(f"input[value='{key}']").check()
        if keyboard:
            page.keyboard.press("Enter")
        else:
            page.click("#next")


@pytest.mark.parametrize("keyboard", [True, False])
def test_whole_session_is_exported_and_read(keyboard: bool, page: "Page", tmp_path: Path) -> None:
    begin(page)
    play(page, keyboard=keyboard)
    assert "24 of 24" in page.inner_text("#end-text")
    key = read_key(tmp_path / "sheet.key.json")
    collected = collect_answers([saved(page, "#export", tmp_path / "anna.json")], key)
    [rater] = collected.raters
    assert collected.problems == []
    assert rater.rater == "anna"
    assert len(rater.values) == len(rater.ms) == key.n_questions == 24
    assert [rater.values[f"p{latent}", 0] for latent in range(2)] == [2, 2], (
        "in the file's order, whichever stood first"
    )
    report = report_of(key, [rater])
    assert report.explanations["rating"].tolist() == [2, 4, 2, 4]
    assert report.explanations["balanced_accuracy"].tolist() == [1, 1, 1, 1]
    assert report.preferences["share"].tolist() == [1, 0]


def test_no_one_begins_without_id_and_consent(page: "Page") -> None:
    page.fill("#rater", "anna")
    page.click("#begin button")
    assert page.is_visible("#start")
    page.check("#consent")
    page.fill("#rater", "  ")
    page.click("#begin button")
    assert page.is_visible("#start")


def test_progress_is_there_after_a_reload_and_undo_takes_back(page: "Page", tmp_path: Path) -> None:
    begin(page)
    first = screen(page)
    for _ in range(first["n"]):
        page.keyboard.press("1")
    page.keyboard.press("Enter")
    page.keyboard.press("0")
    second, n = screen(page), first["n"] + 1
    assert answered(page) == n
    reload(page, "anna")
    begin(page)
    assert screen(page) == second, "the order is the rater's own"
    assert answered(page) == n
    page.keyboard.press("Backspace")
    assert answered(page) == n - 1
    page.click("#undo")
    assert screen(page) == first
    assert answered(page) == n - 2
    assert page.is_disabled("#next")
    page.focus("#question")
    page.keyboard.press("Enter")
    assert screen(page) == first, "an open question keeps the screen"
    key = read_key(tmp_path / "sheet.key.json")
    collected = collect_answers([saved(page, "#export-early", tmp_path / "half.json")], key)
    assert len(collected.raters[0].values) == n - 2
    assert "half-finished" in collected.problems[0]


def test_time_is_counted_and_another_rater_begins_anew(page: "Page") -> None:
    begin(page)
    page.wait_for_timeout(1200)
    page.keyboard.press("1")
    state = json.loads(page.evaluate("Object.values(localStorage)[0]"))
    assert 1000 <= next(iter(state["answers"].values()))["ms"] < 60_000
    page.locator("#timer:not(:empty)").wait_for()
    reload(page, "anna")
    begin(page, "ben")
    assert page.evaluate("localStorage.length") == 2
    assert "Screen 1 of" in page.inner_text("#count")


def test_edited_page_warns_and_its_answers_are_left_out(page: "Page", tmp_path: Path) -> None:
    text = (tmp_path / "sheet.html").read_text("utf-8")
    (tmp_path / "edited.html").write_text(text.replace("explanation 01", "explanation xx"), "utf-8")
    page.goto((tmp_path / "edited.html").as_uri())
    assert "changed after it was made" in page.inner_text("#warning")
    begin(page)
    page.keyboard.press("1")
    with pytest.raises(UserError, match="an edited page"):
        collect_answers([saved(page, "#export-early", tmp_path / "x.json")], read_key(tmp_path / "sheet.key.json"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_controls_are_labelled_readable_and_fit(scheme: Any, width: int, page: "Page") -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})

    def check() -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(UNLABELLED) == []
        assert page.evaluate(CONTRAST) == []

    check()
    begin(page)
    assert page.evaluate("document.activeElement.id") == "question", "a screen reader begins at the question"
    seen = set()
    while page.is_visible("#work"):
        if screen(page)["question"] not in seen:
            seen.add(screen(page)["question"])
            check()
            boxes = [box.bounding_box() for box in page.locator(".choices label").all()]
            assert all(box and box["height"] >= 44 and box["x"] + box["width"] <= width for box in boxes)
        for _ in range(screen(page)["n"]):
            page.keyboard.press("1")
        page.keyboard.press("Enter")
    assert len(seen) == 3
    check()


def test_sheet_has_each_kind_of_screen() -> None:
    assert {item.task for item in small_sheet().items} == {"detection", "scale", "preference"}
