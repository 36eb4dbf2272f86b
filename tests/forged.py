"""A store's manifest, forged: changed by hand, under a checksum that fits."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

Change = Callable[[dict[str, Any]], object]


def forge(folder: Path, change: Change) -> None:
    """Change a manifest's content in place."""
    path = folder / "manifest.json"
    content = json.loads(path.read_text())
    del content["checksum"]
    change(content)
    content["checksum"] = sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps(content))


def forge_coder(folder: Path, coder: str) -> None:
    """Give every hookpoint another coder."""

    def change(content: dict[str, Any]) -> None:
        for entry in content["hookpoints"].values():
            entry["coder"] = coder

    forge(folder, change)


def forge_file(folder: Path, name: str, content: bytes) -> None:
    """Replace one of the files, and its sha256 in the manifest."""
    (folder / name).write_bytes(content)
    forge(folder, lambda manifest: manifest["files"].__setitem__(name, sha256(content).hexdigest()))
