"""Hookpoints to compare: a store's hookpoint, as the user names it, and the check that two of them share a space."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inspect_autointerp.builtin.locate import locate
from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import place_of
from inspect_autointerp.models.from_store import load_decoder
from inspect_autointerp.store.remote import is_url
from inspect_autointerp.store.store import Store

_RESIDUAL = re.compile(r"(h|layers)\.\d+(\.\w+)?(:input)?")
"""Places whose dimensions are those of the residual stream: a layer, or a module of it that reads or writes it."""


@dataclass(frozen=True)
class Site:
    """One hookpoint of a store."""

    store: Store
    hookpoint: str
    given: str
    """The store as the user named it."""

    @property
    def width(self) -> int:
        """The number of latents."""
        return self.store.at(self.hookpoint).width

    @property
    def coder(self) -> str:
        """Return where the coder came from."""
        return self.store.at(self.hookpoint).entry.coder

    def decoder(self) -> np.ndarray | None:
        """Return what each latent writes, float32 (latent, d); None where latents have no directions of their own.

        Raises:
            UserError: The coder cannot be loaded or is another than it was, or torch is missing.
        """
        weights = load_decoder(self.store, self.hookpoint, "cosine")
        return None if weights is None else weights.numpy()


def find_sites(given: str) -> list[Site]:
    """The sites that `STORE` or `STORE:HOOKPOINT` names: all hookpoints of the store, or that one.

    A store is a folder, a URL, `smollm2`, `demo` or `planted`.

    Raises:
        UserError: There is no such store, or it has no such hookpoint.
    """
    name, hookpoint = _parted(given)
    store = Store.open(locate(name))
    store.check_whole("comparing coders")
    names = [store.at(hookpoint).name] if hookpoint else sorted(store.hookpoints, key=_by_layer)
    return [Site(store, one, name) for one in names]


def _by_layer(hookpoint: str) -> list[tuple[int, str]]:
    """For sorting: numbers by their size, so that layer 10 comes after layer 2."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", hookpoint)]


def _parted(given: str) -> tuple[str, str | None]:
    """The store and the hookpoint in what was given: a colon in the last part of the path stands between them."""
    if not is_url(given) and Path(given).exists():
        return given, None
    head, slash, last = given.rpartition("/")
    name, colon, hookpoint = last.partition(":")
    if colon and not hookpoint:
        raise UserError(f"{given}: give a hookpoint after the colon, or leave out the colon for all of them")
    return head + slash + name, hookpoint or None


def same_subject(a: Site, b: Site) -> bool:
    """Return whether two stores are of one subject.

    The manifest's sha256 is of the weights up to the deepest hookpoint: where the hookpoints differ so may it, and the
    names have to do.
    """
    one, other = a.store.manifest, b.store.manifest
    if one.subject_sha256 == other.subject_sha256:
        return True
    names = (one.subject, one.revision) == (other.subject, other.revision)
    return names and set(one.hookpoints) != set(other.hookpoints)


def why_apart(a: Site, b: Site) -> str | None:
    """Why the directions of two sites' latents have no cosine, as far as the manifests tell; None if they have one.

    Width alone does not tell: the heads of two layers are as wide as each other, and often as the residual stream.
    """
    if not same_subject(a, b):
        return f"the subjects are {a.store.manifest.subject} and {b.store.manifest.subject}, of other weights"
    residual = all(_RESIDUAL.fullmatch(place_of(site.hookpoint)) for site in (a, b))
    if not residual and place_of(a.hookpoint) != place_of(b.hookpoint):
        return f"{a.hookpoint} and {b.hookpoint} are not both of the residual stream's dimensions"
    return None
