"""A sheet as a page, as CSV, and its key."""

import csv
import json
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from markupsafe import Markup

from inspect_autointerp.card.html import environment, styles
from inspect_autointerp.errors import UserError
from inspect_autointerp.ratings.items import Choices, Sheet
from inspect_autointerp.ratings.records import ANSWERS_FORMAT, KEY_FORMAT, SCALE, VALUES, Item, checksum
from inspect_autointerp.store.atomic import atomic_file
from inspect_autointerp.text.csv_text import harmless

_PACKAGE = "inspect_autointerp.ratings"
COLUMNS = ("sheet", "item", "part", "task", "explanation", "explanation_2", "text", "allowed", "answer", "rater")
_CONSENT = (
    "Your answers, the time that each takes and the rater id that you choose are written into a file on your own"
    " device. Nothing is sent anywhere. You decide whether to hand the file on, and you can stop at any time."
)
_ASKED = {
    "scale": "1 to 4: how relevant the explanation is to the marked parts of the text",
    "detection": "1 if the explanation applies to the text, else 0",
    "preference": "1 or 2 for the better explanation of the marked parts, 0 if neither is better",
}


def page_content(sheet: Sheet) -> str:
    """Return what the page knows of the items, as JSON on one line; neither sources nor right answers are in it."""
    items = [
        {
            "id": item.id,
            "task": item.task,
            "explanations": item.explanations,
            "parts": [part.pieces for part in item.parts],
        }
        for item in sheet.items
    ]
    text = json.dumps({"sheet": sheet.id, "items": items}, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def key_of(sheet: Sheet, store: str, choices: Choices) -> dict[str, Any]:
    """Return the key: what joins answers with explanations, explainers, scores and right answers.

    Args:
        sheet: The sheet.
        store: Digest of its store.
        choices: What it was made with.
    """
    return {
        "format": KEY_FORMAT,
        "sheet": sheet.id,
        "content": checksum([page_content(sheet)]),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "store": store,
        "settings": {name: getattr(choices, name) for name in ("contexts", "texts", "checks", "by", "seed")},
        "explanations": [
            {
                "latent": one.latent,
                "text": one.text,
                "explainers": one.explainers,
                "scores": one.scores,
                "density": sheet.density[one.latent],
            }
            for one in sheet.explained
        ],
        "items": {item.id: _key_item(item) for item in sheet.items},
    }


def write_sheet(sheet: Sheet, store: str, choices: Choices, page: Path, table: Path | None = None) -> Path:
    """Write the page, its key beside it and, where asked for, the same items as CSV.

    Args:
        sheet: The sheet.
        store: Digest of its store.
        choices: What it was made with.
        page: The page's file; it must not exist, since answers to it could not be joined any more.
        table: The CSV file.

    Returns:
        The key's path.

    Raises:
        UserError: A file exists, or cannot be written.
    """
    key = key_path(page)
    if len({page.resolve(), key.resolve(), *([] if table is None else [table.resolve()])}) < 2 + (table is not None):
        raise UserError(
            f"{page}: the page, its key and the CSV file need names of their own; give the page as NAME.html"
        )
    for path in filter(None, (page, key, table)):
        if path.exists():
            raise UserError(f"{path} exists; give another -o, for without its key no answer to a sheet can be read")
    with atomic_file(key, overwrite=False) as file:
        file.write_text(json.dumps(key_of(sheet, store, choices), indent=1, ensure_ascii=False) + "\n", "utf-8")
    with atomic_file(page, overwrite=False) as file:
        file.write_text(page_text(sheet), encoding="utf-8")
    if table is not None:
        with atomic_file(table, overwrite=False) as file, file.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(COLUMNS)
            writer.writerows([harmless(cell) for cell in row] for row in _rows(sheet))
    return key


def key_path(page: Path) -> Path:
    """Return where a page's key is written: `sheet.key.json` of `sheet.html`."""
    return page.with_suffix(".key.json")


def page_text(sheet: Sheet) -> str:
    """Return a sheet as an HTML page that needs no other file and no network."""
    content = page_content(sheet)
    return (
        environment(_PACKAGE)
        .get_template("rate.html")
        .render(
            styles=styles() + Markup(_template("rate.css")),
            script=Markup(_template("rate.js")),
            content=Markup(content),
            checksum=checksum([content]),
            scale=SCALE,
            consent=_CONSENT,
            format=ANSWERS_FORMAT,
            n_items=len(sheet.items),
        )
    )


def _template(name: str) -> str:
    return files(_PACKAGE).joinpath("templates", name).read_text(encoding="utf-8")


def _key_item(item: Item) -> dict[str, Any]:
    return {
        "task": item.task,
        "which": item.which,
        "check": item.check,
        "questions": item.n_questions,
        "truths": [part.truth for part in item.parts] if item.task == "detection" else None,
        "starts": [part.start for part in item.parts],
    }


def _rows(sheet: Sheet) -> list[list[str]]:
    rows: list[list[str]] = []
    for item in sheet.items:
        texts = ["".join(f"«{text}»" if depth else text for text, depth in part.pieces) for part in item.parts]
        allowed = f"{', '.join(map(str, VALUES[item.task]))} ({_ASKED[item.task]})"
        second = item.explanations[1] if len(item.explanations) > 1 else ""
        for number, text in enumerate(texts if item.task != "preference" else [" ⏎ ".join(texts)]):
            rows.append(
                [sheet.id, item.id, str(number), item.task, item.explanations[0], second, text, allowed, "", ""]
            )
    return rows
