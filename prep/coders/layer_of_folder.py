"""`FOLDER:LAYER`: the coder of one layer, in a folder with coders of several."""

import re
from pathlib import Path

from inspect_autointerp.errors import UserError


def parted(source: str) -> tuple[Path, int | None]:
    """Part a coder's source into the folder and the layer, which is None where it names none.

    `transcoders:3` → `transcoders`, 3. A folder that exists under the whole name is that folder.
    """
    match = re.fullmatch(r"(.+):(\d+)", source)
    if match is None or Path(source).exists():
        return Path(source), None
    return Path(match[1]), int(match[2])


def chosen_layer(folder: Path, layer: int | None, n_layers: int, source: str) -> int:
    """Return the layer that was asked for.

    Raises:
        UserError: None was asked for, or one that the folder does not have.
    """
    if layer is None:
        raise UserError(
            f"coder {source}: it has {n_layers} layers; give one from 0 to {n_layers - 1}, as in {folder}:0"
        )
    if layer >= n_layers:
        raise UserError(f"coder {source}: there is no layer {layer}; it has layers 0 to {n_layers - 1}")
    return layer


def no_layer(layer: int | str | None, source: str) -> None:
    """Refuse a layer after the name of a folder with one coder alone.

    Raises:
        UserError: There is one.
    """
    if layer is not None:
        raise UserError(f"coder {source}: this folder holds one coder; leave out the :{layer}")
