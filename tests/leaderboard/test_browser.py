"""The page in a real browser, opened as a file: skipped where playwright or a Chromium is missing."""

import shutil
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from benchmarks.synthetic_results import synthetic
from tests.leaderboard.logs import write_logs

from inspect_autointerp.leaderboard.results import Results
from inspect_autointerp.leaderboard.show.page.write import write_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HOSTILE = '<script>window.hurt=1</script><img src=x onerror="window.hurt=1">\x1b[31m\u202eabc'
SHOWN = HOSTILE.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A Chromium of the system, or one that `playwright install chromium` has left; none is downloaded here."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        own = Path(driver.chromium.executable_path)
        executable = next(filter(None, map(shutil.which, CHROMIUMS)), str(own) if own.exists() else None)
        if executable is None:
            pytest.skip("no Chromium: install the system's, or run `playwright install chromium`")
        # Inside of a container there is no sandbox to be had; what is opened was written by these tests.
        browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def new_page(browser: "Browser", width: int = 1200, height: int = 900) -> "Page":
    """Return a page of a context of its own, with patience for a busy machine."""
    context = browser.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(180_000)
    return context.new_page()


def hostile(results: Results) -> Results:
    entries = results.entries.copy()
    entries.loc[entries["explainer"] == "provider/model-2", "explainer"] = HOSTILE
    entries["grader"] = HOSTILE
    apart = results.apart.assign(reason=HOSTILE)
    values = results.values.copy()  # the third explainer is as good as the last floor
    values.loc[values["entry"] == 2, "value"] = values.loc[values["entry"] == 4, "value"].to_numpy()
    return Results(entries, values, results.latents, results.estimates, apart)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = hostile(synthetic(explainers=5, latents=12, scores=2, hookpoints=2))
    results = write_logs(results, tmp_path_factory.mktemp("logs"), explanation=HOSTILE, hostile=HOSTILE, n=4)
    out = tmp_path_factory.mktemp("out") / "page"
    write_page(results, out)
    return out


@pytest.fixture
def page(browser: "Browser", folder: Path) -> "Iterator[Page]":
    """The page opened; nothing may be said on the console, no dialog open, nothing be fetched from elsewhere."""
    page = new_page(browser)
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("dialog", lambda dialog: messages.append(dialog.message))
    page.on(
        "request", lambda request: None if request.url.startswith(("file:", "data:")) else messages.append(request.url)
    )
    page.goto((folder / "index.html").as_uri())
    page.wait_for_selector("body[data-ready]")
    yield page
    assert page.evaluate("window.hurt") is None
    assert messages == []
    page.context.close()


def column(page: "Page", table: str, name: str) -> list[str]:
    """The texts of a column."""
    heads = page.locator(f"{table} thead th").all_inner_texts()
    at = [head.strip() for head in heads].index(name) + 1
    return page.locator(f"{table} tbody tr > :nth-child({at})").all_inner_texts()


def test_who_is_not_above_the_floors_is_grey(page: "Page") -> None:
    grey = page.locator("#board-table tr.below")
    assert grey.locator("th").all_inner_texts() == ["provider/model-3"]
    colour = "row => getComputedStyle(row.querySelector('th')).color"
    others = page.locator("#board-table tbody tr:not(.below)").first
    assert grey.evaluate(colour) != others.evaluate(colour)
    assert page.locator("#board-table tr.floor").count() == 2


def test_a_click_on_a_head_sorts_and_another_turns_it_around(page: "Page") -> None:
    before = column(page, "#board-table", "median")
    head = page.get_by_role("button", name="median")
    head.click()
    assert column(page, "#board-table", "median") == sorted(before, reverse=True)
    assert page.locator("#board-table th[aria-sort=descending]").inner_text().strip() == "median"
    head.press("Enter")  # by keyboard too
    assert column(page, "#board-table", "median") == sorted(before)


def test_the_filters_leave_what_fits(page: "Page") -> None:
    assert len(column(page, "#board-table", "explainer")) == 5
    page.fill("#text", "MODEL-3")
    assert column(page, "#board-table", "explainer") == ["provider/model-3"]
    assert len(column(page, "#latents", "latent")) == 12, "a name of explainers leaves all latents"
    page.fill("#text", "layers.0/11")
    assert column(page, "#latents", "latent") == ["layers.0/11"]
    assert len(column(page, "#board-table", "explainer")) == 5
    page.fill("#text", "")
    page.uncheck("#floors")
    assert len(column(page, "#board-table", "explainer")) == 3
    page.select_option("#hookpoint", "layers.1")
    page.select_option("#score", "fuzzing")
    assert "fuzzing/1" in page.inner_text("#common")
    page.locator("#latents tbody tr:first-child th", has_text="layers.1/0").wait_for()


def test_every_chart_is_drawn_and_its_rows_are_a_table_too(page: "Page") -> None:
    for name in ("forest", "deciles", "cost", "length", "spread", "correlations"):
        page.locator(f"#{name}").scroll_into_view_if_needed()
        page.wait_for_selector(f"#{name} .plot svg")
        assert int(page.locator(f"#{name} .plot").get_attribute("data-drawn") or 0) > 0
        page.locator(f"#{name} summary").click()
        page.wait_for_selector(f"#{name} details tbody tr")
    assert page.locator("#deciles details tbody tr").count() == 50  # five explainers, ten deciles
    boxes = [text.bounding_box() for text in page.locator("#cost .plot .mark-text text").all()]
    assert boxes, "explainers on the front have a label"
    for one, other in combinations([box for box in boxes if box], 2):
        across = one["x"] < other["x"] + other["width"] and other["x"] < one["x"] + one["width"]
        assert not (across and abs(one["y"] - other["y"]) < one["height"] * 0.8), "labels do not overlap"


def test_a_card_shows_explanations_contexts_and_verdicts(page: "Page") -> None:
    page.get_by_role("button", name="layers.0/3", exact=True).click()
    page.wait_for_selector("#card .verdicts tbody tr")
    assert page.inner_text("#card-title") == "layers.0/3"
    explanations = column(page, "#card-body > .wide", "explanation")
    assert sorted(explanations) == sorted([f"{SHOWN} 3"] * 4 + ["(no explanation)"])
    assert page.locator("#card .verdicts tbody tr").count() == 8
    assert SHOWN in page.locator("#card .verdicts .text").first.inner_text()
    failures = [int(text) for text in column(page, "#card .verdicts", "failures")]
    assert failures == sorted(failures, reverse=True)
    page.check("#card-failed")
    assert page.locator("#card .verdicts tbody tr").count() == sum(n > 0 for n in failures)
    page.locator("#card-title").click()
    page.keyboard.press("ArrowRight")
    page.locator("#card-title", has_text="layers.0/4").wait_for()
    page.keyboard.press("Escape")
    assert not page.locator("#card").is_visible()


def test_a_card_has_an_address(browser: "Browser", folder: Path) -> None:
    page = new_page(browser)
    page.goto(f"{(folder / 'index.html').as_uri()}#latent=layers.1%2F2")
    page.wait_for_selector("#card .verdicts tbody tr")
    assert page.inner_text("#card-title") == "layers.1/2"
    page.context.close()


def test_hostile_text_is_shown_and_does_nothing(page: "Page") -> None:
    assert SHOWN in page.inner_text("#board-table")
    assert SHOWN in page.inner_text("#common")
    assert SHOWN in page.inner_text("#apart")
    page.get_by_role("button", name="layers.0/3", exact=True).click()
    page.wait_for_selector("#card .verdicts tbody tr")
    page.wait_for_timeout(200)  # time to do harm
    everything = page.evaluate("document.documentElement.textContent")
    assert not {"\x1b", "\u202e"} & set(everything)
    assert page.locator("#card img, #card script, #board img").count() == 0


def test_the_theme_can_be_chosen_and_charts_follow(page: "Page") -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.locator("#forest").scroll_into_view_if_needed()
    page.wait_for_selector("#forest .plot svg")
    page.click("#theme")
    page.click("#theme")
    assert page.inner_text("#theme") == "Theme: dark"
    assert page.evaluate(paper) != light
    page.locator('#forest .plot svg text[fill="#e6e8ec"]').first.wait_for(state="attached")


def test_nothing_is_wider_than_a_phone(browser: "Browser", folder: Path) -> None:
    page = new_page(browser, 360, 780)
    page.goto((folder / "index.html").as_uri())
    page.wait_for_selector("body[data-ready]")
    page.locator("#correlations").scroll_into_view_if_needed()
    page.wait_for_selector("#correlations .plot svg")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.context.close()


def test_a_thousand_latents_by_twenty_explainers_open(browser: "Browser", tmp_path: Path) -> None:
    results = synthetic(explainers=20, latents=1000, scores=1)
    few = results.values["latent"] < 3  # cards are other files, which opening does not read: three latents' will do
    logs = Results(results.entries, results.values[few], results.latents[:3], results.estimates, results.apart)
    paths = write_logs(logs, tmp_path / "logs", n=1).entries["log"]
    entries = results.entries.assign(log=paths)
    write_page(Results(entries, results.values, results.latents, results.estimates, results.apart), tmp_path / "page")
    page = new_page(browser)
    page.goto((tmp_path / "page" / "index.html").as_uri())
    page.wait_for_selector("body[data-ready]")
    page.wait_for_selector("#latents tbody tr")
    assert page.locator("#board-table tbody tr").count() == 20
    page.context.close()
