"""A file written in parts is the one that safetensors writes at once, byte for byte."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.numpy import save_file

from inspect_autointerp.prep.write.tensor_file import TensorFile

TYPES = [np.dtype(name) for name in ("int64", "uint32", "int32", "float16", "int16", "uint8")]
columns = st.dictionaries(
    st.text("abz_é", min_size=1, max_size=4),
    st.sampled_from(TYPES).flatmap(lambda dtype: arrays(dtype, st.integers(0, 9))),
    min_size=1,
)


@given(columns=columns, data=st.data())
def test_parts_make_the_bytes_of_the_whole(
    columns: dict[str, np.ndarray], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("files")
    save_file(columns, folder / "whole")
    with TensorFile(folder / "parts", {name: (array.dtype, len(array)) for name, array in columns.items()}) as file:
        left = dict(columns)
        while left:  # a part of any column, in any order
            name = data.draw(st.sampled_from(sorted(left)))
            n = data.draw(st.integers(0, len(left[name])))
            file.append(name, left[name][:n])
            left[name] = left[name][n:]
            if not len(left[name]):
                del left[name]
    assert (folder / "parts").read_bytes() == (folder / "whole").read_bytes()


def test_a_column_that_is_not_whole_is_a_mistake(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match=r"^columns are not as long as was said: \{'a': 16\} bytes are left$"),
        TensorFile(tmp_path / "file", {"a": (np.dtype(np.int64), 3)}) as file,
    ):
        file.append("a", np.zeros(1, dtype=np.int64))


def test_a_failure_on_the_way_is_what_is_told(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="on the way"), TensorFile(tmp_path / "file", {"a": (np.dtype("i8"), 3)}):
        raise RuntimeError("on the way")
