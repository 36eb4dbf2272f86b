from contextlib import AbstractContextManager
from typing import Any, BinaryIO

from fsspec import core as core
from fsspec.spec import AbstractFileSystem as AbstractFileSystem

def filesystem(protocol: str, **storage_options: Any) -> AbstractFileSystem: ...
def open(urlpath: str, mode: str = "rb", **options: Any) -> AbstractContextManager[BinaryIO]: ...
