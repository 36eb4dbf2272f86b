"""Answers of simulated raters to a sheet that was written, as the page exports them."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from inspect_autointerp.ratings.records import ANSWERS_FORMAT, checksum


def answers(key: Path, rater: str, error_rate: float = 0.0, seed: int = 0, likes: dict[Any, int] | None = None) -> Any:
    """Return what the page would export for a rater who labels texts right but for errors.

    Args:
        key: The sheet's key.
        rater: The id.
        error_rate: Share of labels, and of points on the scale, that are wrong.
        seed: Of the errors.
        likes: Points of the scale by latent and explanation; by default 3 for all.
    """
    content, rng, rows = json.loads(key.read_text()), np.random.default_rng(seed), []
    for name, item in content["items"].items():
        for part in range(item["questions"]):
            if item["task"] == "detection":
                errs = item["check"] is None and rng.random() < error_rate
                value = int(item["truths"][part] != errs)
            elif item["task"] == "scale":
                one = content["explanations"][item["which"][0]] if item["which"] else {"latent": "", "text": ""}
                liked = (likes or {}).get((one["latent"], one["text"]), 3)
                value = {"true": 4, "wrong": 1, None: liked}[item["check"]]
                if item["check"] is None and rng.random() < error_rate:
                    value = int(np.clip(value + rng.choice([-1, 1]), 1, 4))
            else:
                value = 1
            rows.append({"item": name, "part": part, "value": value, "ms": 900, "changes": 0})
    lines = [" ".join(str(row[one]) for one in ("item", "part", "value", "ms", "changes")) for row in rows]
    session = f"session-{rater}"
    return {
        "format": ANSWERS_FORMAT, "sheet": content["sheet"], "content": content["content"], "rater": rater,
        "session": session, "saved": "1", "answers": rows,
        "checksum": checksum([content["sheet"], rater, session, *lines]),
    }  # fmt: skip


def save(folder: Path, content: Any) -> Path:
    """Write a rater's answers to a folder, and return the file."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{content['rater']}.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
