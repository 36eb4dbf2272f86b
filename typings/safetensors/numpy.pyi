from collections.abc import Mapping
from os import PathLike

import numpy as np

def save(tensor_dict: Mapping[str, np.ndarray], metadata: dict[str, str] | None = None) -> bytes: ...
def save_file(
    tensor_dict: Mapping[str, np.ndarray], filename: str | PathLike[str], metadata: dict[str, str] | None = None
) -> None: ...
def load_file(filename: str | PathLike[str]) -> dict[str, np.ndarray]: ...
