"""Large logs for `benchmarks.leaderboard`: a small one by Inspect's writer, whose samples are then repeated."""

import json
import re
import shutil
from pathlib import Path
from zipfile import ZipFile

HEADER = "header.json"
_METHOD = 93
"""Zstandard, which Inspect's logs are compressed with."""


def repeat(small: Path, folder: Path, times: int, logs: int) -> list[Path]:
    """Write logs with the samples of a small one, several times over, each time of other latents.

    All members of a log are there as Inspect lays them out: samples, the journal's summaries, summaries, and a header.
    The logs differ by the model that their header names.

    Args:
        small: A log whose samples are of layers.1/0, layers.1/1 and so on.
        folder: Where to write.
        times: How often.
        logs: How many logs.
    """
    body = folder / "body"
    with ZipFile(small) as source, ZipFile(body, "w", compression=_METHOD) as target:
        header = json.loads(source.read(HEADER))
        n = header["eval"]["dataset"]["samples"]
        samples = [source.read(_name(i)) for i in range(n)]
        summaries = re.split(rb',(?=\{"id":")', source.read("summaries.json")[1:-1])
        for latent in range(n * times):
            target.writestr(_name(latent), _of(samples[latent % n], latent % n, latent))
        for member in ("_journal/summaries/1.json", "summaries.json"):
            with target.open(member, "w", force_zip64=True) as file:
                for latent in range(n * times):
                    file.write((b"," if latent else b"[") + _of(summaries[latent % n], latent % n, latent))
                file.write(b"]")
    header["eval"]["dataset"] |= {"samples": n * times, "sample_ids": [f"layers.1/{i}" for i in range(n * times)]}
    header["results"] |= {"total_samples": n * times, "completed_samples": n * times}
    paths: list[Path] = []
    for number in range(logs):
        header["eval"]["model"] = f"provider/model-{number}"
        paths.append(folder / f"{number}.eval")
        shutil.copy(body, paths[-1])
        with ZipFile(paths[-1], "a", compression=_METHOD) as log:
            log.writestr(HEADER, json.dumps(header))
    body.unlink()
    return paths


def _name(latent: int) -> str:
    return f"samples/layers.1/{latent}_epoch_1.json"


def _of(raw: bytes, latent: int, other: int) -> bytes:
    """Return a sample, or its summary, as that of another latent."""
    raw = re.sub(rb"layers\.1/%d\b" % latent, b"layers.1/%d" % other, raw)
    return raw.replace(b'"index":%d,' % latent, b'"index":%d,' % other, 1)
