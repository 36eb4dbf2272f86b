"""Files of coders, read without running code: configurations, safetensors, and pickles of tensors alone.

Tensors stay in the file, mapped into memory, until they are used: a weight in float32 on a CPU is never copied.
"""

import pickle
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.formats import strict_json
from inspect_autointerp.text import strict_yaml


def read_config(path: Path, source: str) -> dict[str, Any]:
    """Read a JSON or YAML file that holds one object.

    Args:
        path: The file.
        source: The coder's, with which an error begins.

    Raises:
        UserError: It cannot be read, or holds something else.
    """
    try:
        yaml = path.suffix in (".yaml", ".yml")
        content = strict_yaml.load(path.read_text("utf-8")) if yaml else strict_json.load(path.read_bytes())
    except (OSError, UnicodeDecodeError, strict_json.Unreadable, strict_yaml.Unreadable) as error:
        raise UserError(f"coder {source}: its {path.name} cannot be read ({reason(error)})") from error
    if not isinstance(content, dict):
        raise UserError(f"coder {source}: its {path.name} is not a list of names and values")
    return content


def read_safetensors(path: Path, source: str) -> dict[str, Tensor]:
    """Read all tensors of a safetensors file, on the CPU.

    Raises:
        UserError: It cannot be read.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, ValueError, SafetensorError) as error:
        raise UserError(f"coder {source}: its {path.name} cannot be read ({reason(error)})") from error


def read_pickle(path: Path, source: str) -> dict[str, Tensor]:
    """Read a state dictionary that `torch.save` wrote, on the CPU.

    Raises:
        UserError: It cannot be read, or holds anything but tensors by name: such a pickle could run code.
    """
    try:
        # Files in the format before torch 1.6 are no zip files, and cannot be mapped.
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zipfile(path))
    except pickle.UnpicklingError as error:
        raise UserError(
            f"coder {source}: its {path.name} is a pickle of more than tensors, which could run code, or is damaged;"
            " save its state_dict() again with torch.save"
        ) from error
    except Exception as error:  # torch raises anything from EOFError to RuntimeError for a damaged file
        raise UserError(f"coder {source}: its {path.name} cannot be read ({reason(error)})") from error
    if not isinstance(content, dict) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in content.items()
    ):
        raise UserError(f"coder {source}: its {path.name} holds something else than tensors by name (a state_dict())")
    return dict(content)


def check_names(weights: Mapping[str, Tensor], needed: Iterable[str], known: Iterable[str], what: str) -> None:
    """Check that nothing is missing, and that there is nothing whose meaning is unknown.

    Args:
        weights: The tensors by name.
        needed: Names that must be there.
        known: Names that may be there as well.
        what: What an error begins with: the coder and the file.

    Raises:
        UserError: A name is missing, or unknown.
    """
    needed = list(needed)
    if missing := [name for name in needed if name not in weights]:
        raise UserError(f"{what} lacks {_listed(missing)}; it holds {_listed(sorted(weights)) or 'nothing'}")
    if unknown := sorted(weights.keys() - {*needed, *known}):
        raise UserError(f"{what} holds {_listed(unknown)}, which this kind of coder does not have")


def check_shapes(weights: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]], what: str) -> None:
    """Check the shape of each tensor that is there, and that it holds floating-point numbers.

    Args:
        weights: The tensors by name.
        shapes: The shape that each must have.
        what: What an error begins with: the coder and the file.

    Raises:
        UserError: One is of another shape or type.
    """
    for name, shape in shapes.items():
        if name in weights and (tuple(weights[name].shape) != shape or not weights[name].is_floating_point()):
            all_of_them = ", ".join(f"{each} {tuple(weights[each].shape)}" for each in shapes if each in weights)
            raise UserError(
                f"{what}: {name} must be {shape} of floating-point numbers, but is"
                f" {tuple(weights[name].shape)} of {str(weights[name].dtype).removeprefix('torch.')} ({all_of_them})"
            )


def matrix(weights: Mapping[str, Tensor], name: str, what: str) -> tuple[int, int]:
    """Return the shape of a tensor of two dimensions.

    Raises:
        UserError: It has another number of dimensions, or no entries.
    """
    shape = tuple(weights[name].shape)
    if len(shape) != 2 or not all(shape):
        raise UserError(f"{what}: {name} must be a matrix, but is of shape {shape}")
    return shape[0], shape[1]


def reason(error: Exception) -> str:
    """Return an error's first line, at most 200 characters."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _listed(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
