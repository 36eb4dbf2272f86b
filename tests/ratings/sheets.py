"""A small sheet made by hand, and answers to it as the page exports them."""

import json
from pathlib import Path
from typing import Any

from inspect_autointerp.ratings.checks import check_items
from inspect_autointerp.ratings.items import Choices, Sheet
from inspect_autointerp.ratings.page import page_content, write_sheet
from inspect_autointerp.ratings.records import ANSWERS_FORMAT, Explained, Item, Part, checksum

SECRETS = ("provider/secret-model", "method/9", "layers.1/", "other-model")
HOSTILE = '</script><script>window.hurt=1</script><img src=x onerror="window.hurt=1">'


def small_sheet(n_latents: int = 2, checks: int = 2) -> Sheet:
    """Two explanations of each latent, each with two contexts to rate and two texts to label."""
    explained, items = [], []
    for latent in range(n_latents):
        name = f"layers.1/{latent}"
        coloured = [Part(pieces=[("some ", 0), (f"word{i}", 8)], start=i) for i in range(2)]
        for writer in range(2):
            text = f"explanation {latent}{writer} {HOSTILE if latent == writer == 0 else ''}".strip()
            score = {"detection.balanced_accuracy": 0.5 + 0.1 * latent + 0.05 * writer}
            explainer = ("provider/secret-model method/9", "other-model method/9")[writer]
            explained.append(Explained(latent=name, text=text, explainers=[explainer], scores=score))
            number, alone = len(explained) - 1, {"explanations": [text], "latent": name}
            texts = [Part(pieces=[(f"text {i}", 0)], truth=i % 2, start=i) for i in range(2)]
            items.append(Item(id=f"s{number}", task="scale", parts=coloured, which=[number], **alone))
            items.append(Item(id=f"d{number}", task="detection", parts=texts, which=[number], **alone))
        pair = [explained[-2].text, explained[-1].text]
        which = [len(explained) - 2, len(explained) - 1]
        items.append(
            Item(id=f"p{latent}", task="preference", explanations=pair, parts=coloured, latent=name, which=which)
        )
    items += check_items(checks, ("scale", "detection"), 2, 4, 0, [f"c{i}" for i in range(checks)])
    density = {one.latent: 0.01 for one in explained}
    return Sheet(id="sheet-1", explained=explained, items=items, density=density, notes=[])


def written(folder: Path, sheet: Sheet | None = None) -> Path:
    """Write a sheet with its key and CSV, and return the page."""
    page = folder / "sheet.html"
    write_sheet(sheet or small_sheet(), "d1", Choices(), page, folder / "sheet.csv")
    return page


def right_answers(sheet: Sheet) -> list[dict[str, Any]]:
    """Rows of a rater who passes every check and likes the second explanation of each latent."""
    rows = []
    for item in sheet.items:
        for part in range(item.n_questions):
            if item.task == "detection":
                value = item.parts[part].truth
            elif item.task == "scale":
                value = {"true": 4, "wrong": 1, None: 2 + item.which[0] % 2 if item.which else 0}[item.check]
            else:
                value = 2
            rows.append({"item": item.id, "part": part, "value": value, "ms": 1200, "changes": 0})
    return rows


def export(sheet: Sheet, rater: str, rows: list[dict[str, Any]], session: str = "", saved: str = "1") -> dict[str, Any]:
    """Return what the page would export."""
    session = session or f"session-{rater}"
    lines = [" ".join(str(row[name]) for name in ("item", "part", "value", "ms", "changes")) for row in rows]
    return {
        "format": ANSWERS_FORMAT, "sheet": sheet.id, "content": checksum([page_content(sheet)]), "rater": rater,
        "session": session, "saved": saved, "answers": rows, "checksum": checksum([sheet.id, rater, session, *lines]),
    }  # fmt: skip


def save(path: Path, content: dict[str, Any]) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
