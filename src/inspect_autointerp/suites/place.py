"""A suite's store: where it lies, and whether a store is it."""

import platform
from dataclasses import asdict
from pathlib import Path

from inspect_autointerp import demo
from inspect_autointerp.errors import UserError
from inspect_autointerp.manifest import Manifest
from inspect_autointerp.remote import cache_folder
from inspect_autointerp.settings import Settings
from inspect_autointerp.suites.suite import Suite

_NAMES = ("corpus", "corpus_split", "column")
"""Settings that say where data came from; the digest covers the data themselves."""


def suite_folder(suite: Suite) -> Path:
    """Where `autointerp prep --suite` puts a suite's store: in the user's cache; the demo's own, if it is that."""
    return demo.store_folder() if is_demo(suite) else cache_folder() / f"suite-{suite.name}-{suite.definition[:12]}"


def is_demo(suite: Suite) -> bool:
    """Whether a suite's store is the one that the demo makes for itself."""
    store = suite.store
    return store.subject == "demo" and not store.coder and store.complete() == Settings(tokens=demo.TOKENS)


def check_store(suite: Suite, manifest: Manifest, where: Path) -> None:
    """Refuse a store that is not a suite's.

    Raises:
        UserError: Its digest is not the published one, or, where none is published, its settings or the weights that it
            was made of are others.
    """
    odd = _differences(suite, manifest)
    if suite.published not in (None, manifest.digest):
        if not odd:
            odd = ["settings and known weights are the suite's, so look at the corpus"]
            odd[0] += (
                f", which is this Python's library ({platform.python_version()}; distributors change it)"
                if suite.store.complete().corpus == "stdlib"
                else ", and at the versions of packages and the device that made it"
            )
        raise UserError(
            f"{where}: its digest is {manifest.digest}, and that of suite {suite.name} is {suite.published};"
            f" {'; '.join(odd)}"
        )
    if odd:
        raise UserError(f"{where}: not the store of suite {suite.name}: {'; '.join(odd)}")


def unpublished(suite: Suite) -> str:
    """What to say where a suite has no digest to compare with."""
    version = f" for Python {platform.python_version()}" if isinstance(suite.digest, dict) else ""
    return f"suite {suite.name} publishes no digest{version}: rows compare with those over a store of the same digest"


def _differences(suite: Suite, manifest: Manifest) -> list[str]:
    """How a store's settings and weights differ from a suite's, in words."""
    wanted, found = (asdict(settings) for settings in (suite.store.complete(), manifest.settings))
    odd = [
        f"{name} is {found[name]}, the suite's is {value}"
        for name, value in wanted.items()
        if name not in _NAMES and found[name] != value
    ]
    for place, expected in suite.sha256.items():
        entry = manifest.hookpoints.get(place)
        actual = manifest.subject_sha256 if place == "subject" else entry.sha256 if entry else "not in the store"
        if actual != expected:
            odd.append(f"the weights of {place} have sha256 {actual[:16]}, the suite's {expected[:16]}")
    return odd
