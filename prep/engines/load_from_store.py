"""The subject and a coder that a store was made of, loaded again as its manifest names them, or refused.

What a manifest does not hold, since it is a matter of the machine and not of the store, is read from the environment:
`INSPECT_AUTOINTERP_TRUST_REMOTE_CODE=1` lets code run that comes with the subject or that the manifest names, and
`INSPECT_AUTOINTERP_DEVICE_MAP` is how transformers spreads it over devices, as prep's `--device-map`.
"""

import os
from logging import getLogger

import torch
from torch import Tensor

from inspect_autointerp.builtin.weights import weights_folder
from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import SECOND, TAG, in_subject, is_second, places_of
from inspect_autointerp.prep.coders import Coder, Widthless, load_coder, set_places
from inspect_autointerp.prep.subject.pair import load_subjects
from inspect_autointerp.prep.subject.subject import Subject
from inspect_autointerp.store.store import Store
from inspect_autointerp.store.trust import OPTION, VARIABLE, kernel_refusal, trusted

_DEVICE_MAP = "INSPECT_AUTOINTERP_DEVICE_MAP"
_OPTIONS = {OPTION: f"{VARIABLE}=1", "--device-map": _DEVICE_MAP}
"""Environment variable that replaces each option of prep."""


def reloaded(
    store: Store, hookpoint: str, purpose: str, *, device: str | None = None, whole: bool = False
) -> tuple[Subject, Coder]:
    """Load them.

    Args:
        store: The store.
        hookpoint: One of its hookpoints, whose coder is wanted.
        purpose: What they are for: an error's message begins with it.
        device: Where they run; by default on a GPU if there is one.
        whole: Load all of the subject, and not up to the store's deepest hookpoint alone.

    Returns:
        The subject in which the hookpoint is read, which knows all hookpoints that the store has in it (by their names
        there, see `latent.in_subject`), and the coder.

    Raises:
        UserError: One of them cannot be loaded, or its weights are not those that the store was made of: of the subject
            those up to the deepest hookpoint, since prep reads no others.
    """
    manifest, settings = store.manifest, store.settings
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    entry, source = manifest.hookpoints[hookpoint], store.at(hookpoint).subject
    getLogger(__name__).warning(
        "%s: loading %s and %s, %s on %s", purpose, source, entry.coder, settings.dtype, device
    )  # as a warning, since Inspect shows no less by default
    try:
        if not trusted() and (refusal := kernel_refusal(settings.attention)):
            raise UserError(refusal)
        coder = _loaded(store, hookpoint, device)
        names, second = _read_with(store, hookpoint)
        subject = load_subjects(
            weights_folder(source),
            names,
            None if second is None else weights_folder(second),
            revision=manifest.second_revision if is_second(hookpoint) else manifest.revision,
            second_revision=None if second is None else manifest.second_revision,
            device=device,
            dtype=settings.dtype,
            attention=settings.attention,
            device_map=os.environ.get(_DEVICE_MAP) or None,
            quantization=settings.quantization,
            trust_remote_code=trusted(),
            whole=whole,
        )
    except UserError as error:
        raise _needed(store, purpose, error) from error
    first, other = (None, subject) if is_second(hookpoint) else (subject, subject.second)
    if first is not None:
        _same(store, purpose, f"subject {manifest.subject}", first.sha256, manifest.subject_sha256)
    if other is not None:
        what = f"second subject {manifest.second_subject}"
        _same(store, purpose, what, other.sha256, manifest.second_sha256 or "")
    if isinstance(coder, Widthless):
        coder = coder.of_width(subject.widths[in_subject(hookpoint)])
    _same(store, purpose, f"coder {entry.coder}", coder.sha256, entry.sha256)
    return subject, coder


def _read_with(store: Store, hookpoint: str) -> tuple[list[str], str | None]:
    """Return the hookpoints that are read in the same subject as this one, by their names there; and a second subject.

    The second one is there for crosscoders that read both at once. Where the hookpoint is read in it alone, it is the
    subject, and what crosscoders read in it only says how deep it was loaded.
    """
    if not is_second(hookpoint):
        names = [name for name in store.hookpoints if not is_second(name)]
        return names, store.manifest.second_subject if any(SECOND in name for name in names) else None
    names = [in_subject(name) for name in store.hookpoints if is_second(name)]
    others = [place for name in store.hookpoints if not is_second(name) for place in places_of(name)]
    others = dict.fromkeys(place.removeprefix(SECOND) for place in others if place.startswith(SECOND))
    return [*names, *(f"{place}{TAG}crosscoder-{number}" for number, place in enumerate(others))], None


def coder_of(store: Store, hookpoint: str, purpose: str) -> Coder:
    """Return the coder of a store's hookpoint, on the CPU.

    The subject is loaded only where the coder takes its width from it. Arguments and errors are those of `reloaded`.
    """
    entry = store.at(hookpoint).entry
    try:
        coder = _loaded(store, hookpoint, "cpu")
    except UserError as error:
        raise _needed(store, purpose, error) from error
    if isinstance(coder, Widthless):
        coder = reloaded(store, hookpoint, purpose, device="cpu")[1]
    _same(store, purpose, f"coder {entry.coder}", coder.sha256, entry.sha256)
    return coder


def decoder(store: Store, hookpoint: str, purpose: str) -> Tensor | None:
    """Return each latent's write direction, float32 (latent, d_out), on the CPU; None where latents have none.

    Arguments and errors are those of `coder_of`.
    """
    coder = coder_of(store, hookpoint, purpose)
    return None if coder.decoder is None else coder.decoder.detach().float().cpu()


def _loaded(store: Store, hookpoint: str, device: str) -> Coder | Widthless:
    settings, entry = store.settings, store.at(hookpoint).entry
    coder = load_coder(
        weights_folder(entry.coder), device, seed=settings.seed, dtype=settings.coder_dtype, run_code=trusted()
    )
    set_places(coder, places_of(hookpoint))
    return coder


def _needed(store: Store, purpose: str, error: UserError) -> UserError:
    """The error of what cannot be loaded, with variables in place of prep's options."""
    reason = str(error)
    for option, variable in _OPTIONS.items():
        reason = reason.replace(option, variable)
    return UserError(f"{purpose} needs what {store.folder} was made of: {reason}")


def _same(store: Store, purpose: str, what: str, digest: str, wanted: str) -> None:
    if digest != wanted:
        raise UserError(
            f"{purpose}: the weights of {what} differ from those that {store.folder} was made with;"
            " make the store again"
        )
