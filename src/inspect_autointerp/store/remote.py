"""Context stores elsewhere: under any URL that fsspec reads (`s3://`, `hf://`, `gs://`, `memory://`, …).

A store is fetched whole into the user's cache and read from there. `manifest.json` is uploaded last and names every
other file with its sha256, so what is half uploaded is no store, and what is half downloaded is never taken for one.
"""

import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from inspect_autointerp.errors import UserError
from inspect_autointerp.store.atomic import atomic_folder
from inspect_autointerp.store.manifest import NAME, STORE, Manifest, written_files
from inspect_autointerp.store.store import file_sha256

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_URL = re.compile(r"[A-Za-z][\w+.:-]*://")


def is_url(place: object) -> bool:
    """Return whether this is a URL: `scheme://…`."""
    return isinstance(place, str) and bool(_URL.match(place))


def cache_folder() -> Path:
    """Return the folder for things made or fetched once: `INSPECT_AUTOINTERP_CACHE`, or the user's cache."""
    from platformdirs import user_cache_path

    if cache := os.environ.get("INSPECT_AUTOINTERP_CACHE"):
        return Path(cache)
    return user_cache_path("inspect_autointerp", appauthor=False)


@contextmanager
def file_system(url: str) -> "Generator[tuple[AbstractFileSystem, str]]":
    """The file system of a URL and the path in it; what goes wrong in the block is one line.

    Raises:
        UserError: The protocol is unknown or its package missing, or the place is missing, closed to the user or out
            of reach.
    """
    import fsspec

    if "reference" in re.split(r"::|://", url)[:-1]:  # its templates are programs
        raise UserError(f"{url}: reference:// is not read: a file of references can hold templates that run code")
    try:
        fs, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:  # fsspec says which package to install
        raise UserError(f"{url}: {_reason(error)}") from error
    except Exception as error:
        raise UserError(f"{url}: cannot be used ({_reason(error)})") from error
    try:
        fs.invalidate_cache()
        yield fs, str(path).rstrip("/")
    except UserError:
        raise
    except FileNotFoundError as error:
        raise UserError(f"{url}: not there ({_reason(error)})") from error
    except Exception as error:  # every protocol has errors of its own
        if isinstance(error, PermissionError) or "Credentials" in type(error).__name__:
            scheme = url.partition("://")[0]
            raise UserError(f"{url}: no access ({_reason(error)}); log in with the tools for {scheme}://") from error
        raise UserError(f"{url}: cannot be used ({_reason(error)})") from error


def fetch(url: str, cache: Path | None = None) -> Path:
    """Download a store, unless the cache holds it as it is there now.

    Args:
        url: The store's folder.
        cache: Where to keep it; `cache_folder()` by default.

    Returns:
        The folder in the cache: another one for another URL, and for another manifest under the same URL.

    Raises:
        UserError: There is no (complete) store, or it cannot be read. The cache is left as it was.
    """
    with file_system(url) as (fs, root):
        for attempt in (1, 2):
            content = _manifest(fs, root)
            if content is None:
                raise UserError(f"{url}: no context store (no {NAME}); if it was published, the upload was interrupted")
            name = f"{sha256(url.rstrip('/').encode()).hexdigest()[:16]}-{sha256(content).hexdigest()[:16]}"
            target = (cache or cache_folder()) / "stores" / name
            if target.exists():
                return target
            try:
                with atomic_folder(target, kind=STORE, overwrite=True) as partial:  # another process may be faster
                    _download(fs, root, url, content, partial)
                return target
            except UserError as error:
                fs.invalidate_cache()
                if _manifest(fs, root) == content:
                    raise
                if attempt == 2:
                    raise UserError(f"{url}: replaced while it was fetched; run again") from error
    raise AssertionError


def _download(fs: "AbstractFileSystem", root: str, url: str, manifest: bytes, partial: Path) -> None:
    """Fetch a store into an empty folder, and compare each file with the manifest."""
    (partial / NAME).write_bytes(manifest)
    try:
        files = Manifest.read(partial).files  # all of them paths inside the store
    except UserError as error:
        raise UserError(str(error).replace(str(partial), url)) from error
    for file, digest in files.items():
        path = partial / file
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            fs.get_file(f"{root}/{file}", str(path))
        except FileNotFoundError as error:
            raise UserError(f"{url}: incomplete, {file} is missing; publish the store again") from error
        if file_sha256(path) != digest:
            raise UserError(f"{url}: {file} does not match {NAME}; publish the store again")


def publish(folder: Path, url: str, *, overwrite: bool = False) -> None:
    """Upload a store: `manifest.json` last, and when overwriting the old one is deleted first.

    So a reader finds the old store, none, or the new one, and never a mixture. Files of the old store that the new
    one does not have are deleted; others that may lie there are left alone.

    Args:
        folder: The store.
        url: Where to; what `fetch` is to be given.
        overwrite: Replace a store, or the rest of an interrupted upload, that is there.

    Raises:
        UserError: `folder` holds no store, something is there already, or it cannot be written.
    """
    files = Manifest.read(folder).files
    if not overwrite:
        refuse_published(url)
    with file_system(url) as (fs, root):
        old = _manifest(fs, root)
        if old is not None:
            old_files = _old_files(old, url)
            fs.rm_file(f"{root}/{NAME}")
            for file in old_files - {NAME, *files}:
                if fs.exists(f"{root}/{file}"):
                    fs.rm_file(f"{root}/{file}")
        for file in [*files, NAME]:
            path = f"{root}/{file}"
            fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            fs.put_file(str(folder / file), path)


def refuse_published(url: str, *, overwrite: bool = False) -> None:
    """Check early whether `publish` will accept a place.

    Raises:
        UserError: Something is there that is not to be overwritten or is not a store, or it is out of reach.
    """
    with file_system(url) as (fs, root):
        old = _manifest(fs, root)
        if overwrite:
            if old is not None:
                _old_files(old, url)
            return
        there = old is not None
        if there or (fs.exists(root) and fs.find(root)):
            what = "exists" if there else "holds files already, perhaps of an interrupted upload"
            raise UserError(f"{url} {what}; give another URL, or --overwrite")


def _manifest(fs: "AbstractFileSystem", root: str) -> bytes | None:
    """A remote store's manifest; None if there is none."""
    try:  # `fs.exists` would also say no of what may not be read
        return fs.cat_file(f"{root}/{NAME}")
    except FileNotFoundError:
        return None


def _old_files(manifest: bytes, url: str) -> set[str]:
    """Return the files of a store that is to be replaced.

    Raises:
        UserError: Its manifest is not one that this package wrote.
    """
    try:
        files = written_files(manifest)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{url} is not a context store: it is not overwritten; give another --output") from error
    return {file for file in files if ".." not in PurePosixPath(file).parts}


def _reason(error: Exception) -> str:
    text = (str(error).strip().splitlines() or [""])[0]
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror
    return text if isinstance(error, ImportError | ValueError) and text else f"{type(error).__name__}: {text}"
