"""A safetensors file that is written part by part, so that what goes into it need not be in memory at once."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import save_file

_NAMES = {"int64": "I64", "uint32": "U32", "int32": "I32", "float16": "F16", "int16": "I16", "uint8": "U8"}
"""safetensors' names of numpy's types, in the order in which safetensors itself lays them out."""


def save_tensors(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays as safetensors.

    Raises:
        OSError: They cannot be written. safetensors' own error is no OSError.
    """
    try:
        save_file(arrays, path)
    except SafetensorError as error:
        raise OSError(str(error).removeprefix("Error while serializing: ")) from error


class TensorFile:
    """The file that safetensors' own `save_file` writes of the same columns, byte for byte.

    Used in a `with` block, at whose end every column must be whole.

    Args:
        path: The file.
        columns: Of each column its type and length.
    """

    def __init__(self, path: Path, columns: Mapping[str, tuple[np.dtype, int]]) -> None:
        types = list(_NAMES)
        entries, self._at, self._left, end = {}, {}, {}, 0
        for name in sorted(columns, key=lambda name: (types.index(columns[name][0].name), name)):
            dtype, length = columns[name]
            begin, end = end, end + length * dtype.itemsize
            entries[name] = {"dtype": _NAMES[dtype.name], "shape": [length], "data_offsets": [begin, end]}
            self._at[name], self._left[name] = begin, end - begin
        header = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
        header += b" " * (-len(header) % 8)
        self._at = {name: 8 + len(header) + begin for name, begin in self._at.items()}
        self._file = path.open("wb")
        self._file.write(len(header).to_bytes(8, "little") + header)

    def append(self, name: str, part: np.ndarray) -> None:
        """Write the next part of a column, of the type that was said."""
        self._file.seek(self._at[name])
        self._file.write(np.ascontiguousarray(part).data)
        self._at[name] += part.nbytes
        self._left[name] -= part.nbytes

    def __enter__(self) -> "TensorFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()
        if error is None and any(self._left.values()):
            raise ValueError(f"columns are not as long as was said: {self._left} bytes are left")
