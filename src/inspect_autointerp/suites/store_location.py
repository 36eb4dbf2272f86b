"""A suite's store: where it lies, and whether a store is it."""

import platform
from dataclasses import asdict
from pathlib import Path

from inspect_autointerp.builtin import demo
from inspect_autointerp.errors import UserError
from inspect_autointerp.store.manifest import Manifest
from inspect_autointerp.store.remote import cache_folder
from inspect_autointerp.store.settings import Settings
from inspect_autointerp.suites.suite import Suite

_NAMES = ("corpus", "corpus_split", "column", "separator", "chat")
"""Settings that say where data came from; the digest covers the data themselves."""


def suite_folder(suite: Suite) -> Path:
    """Return where `autointerp prep --suite` puts a suite's store: in the user's cache, or at the demo's own place."""
    return demo.store_folder() if is_demo(suite) else cache_folder() / f"suite-{suite.name}-{suite.definition[:12]}"


def is_demo(suite: Suite) -> bool:
    """Return whether a suite's store is the one that the demo makes for itself."""
    store = suite.store
    if store is None or suite.frozen:
        return False
    return store.subject == "demo" and not store.coder and store.complete() == Settings(tokens=demo.TOKENS)


def check_store(suite: Suite, manifest: Manifest, where: Path) -> None:
    """Refuse a store that is not a suite's.

    Raises:
        UserError: Its settings or the weights that it was made of are others; or its digest, where the suite has one
            store and publishes its digest.
    """
    if suite.frozen:
        if suite.digest != manifest.digest:
            raise UserError(
                f"{where}: its digest is {manifest.digest}, and that of suite {suite.name} is {suite.digest}: not the"
                f" suite's store, which is {suite.frozen}"
            )
        return
    odd = _differences(suite, manifest)
    if isinstance(suite.digest, str) and suite.digest != manifest.digest:
        odd = odd or [
            "settings and known weights are the suite's, so look at the corpus, and at the versions of packages and the"
            " device that made it"
        ]
        raise UserError(
            f"{where}: its digest is {manifest.digest}, and that of suite {suite.name} is {suite.digest};"
            f" {'; '.join(odd)}"
        )
    if odd:
        raise UserError(f"{where}: not the store of suite {suite.name}: {'; '.join(odd)}")


def unpublished(suite: Suite, manifest: Manifest) -> str | None:
    """Return what to say of a suite's store whose digest is not among those that the suite publishes; None if it is."""
    published = suite.published(manifest)
    if manifest.digest in published:
        return None
    which = f"no digest{'' if suite.one_store else f' for the library of this Python {platform.python_version()}'}"
    if published:  # not of one store, else it were refused
        which = f"{' and '.join(published)} for this library; other processors and versions of packages give others"
    return f"suite {suite.name} publishes {which}: rows compare with those over a store of the same digest"


def _differences(suite: Suite, manifest: Manifest) -> list[str]:
    """Return how a store's settings and weights differ from a suite's, in words."""
    assert suite.store is not None
    wanted, actual = (asdict(settings) for settings in (suite.store.complete(), manifest.settings))
    odd = [
        f"{name} is {actual[name]}, the suite's is {value}"
        for name, value in wanted.items()
        if name not in _NAMES and actual[name] != value
    ]
    for place, expected in suite.sha256.items():
        entry = manifest.hookpoints.get(place)
        sha256 = manifest.subject_sha256 if place == "subject" else entry.sha256 if entry else "not in the store"
        if sha256 != expected:
            odd.append(f"the weights of {place} have sha256 {sha256[:16]}, the suite's {expected[:16]}")
    return odd
