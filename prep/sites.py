"""The subject, and at each of its hookpoints the coder that belongs there."""

from collections.abc import Sequence

import torch

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders import Coder, Widthless, load_coder
from inspect_autointerp.prep.job import Job
from inspect_autointerp.prep.subject import Subject


def load_sites(job: Job) -> tuple[Subject, dict[str, Coder]]:
    """Load them, and coders by the name of their hookpoint.

    Raises:
        UserError: One of them cannot be loaded, or they do not belong together.
    """
    loaded = [load_coder(source, job.device, seed=job.settings.seed) for source in job.coders]
    wanted = list(job.hookpoints) or [_own_hookpoint(coder) for coder in loaded]
    model = Subject(
        job.subject,
        wanted,
        revision=job.revision,
        device=job.device,
        dtype=job.settings.dtype,
        attention=job.settings.attention,
        device_map=job.device_map,
        quantization=job.settings.quantization,
        trust_remote_code=job.trust_remote_code,
    )
    return model, _fitted(model, loaded)


def _own_hookpoint(coder: Coder | Widthless) -> str:
    if coder.hookpoint is None:
        raise UserError(f"coder {coder.source}: it does not say to which hookpoint it belongs; give --hookpoint")
    return coder.hookpoint


def _fitted(model: Subject, coders: Sequence[Coder | Widthless]) -> dict[str, Coder]:
    """Coders by the name of their hookpoint, made for the model's width there or checked against it."""
    given: dict[str, Coder | Widthless] = {}
    for hookpoint, coder in zip(model.hookpoints, coders, strict=True):
        if hookpoint.name in given:
            raise UserError(f"two coders for {hookpoint.name}: make a store for each")
        given[hookpoint.name] = coder
    widths: dict[str, int] = {}
    ids = torch.zeros((1, 1), dtype=torch.int64, device=model.device)
    model.run(ids, lambda hookpoint, value: widths.__setitem__(hookpoint.name, value.shape[-1]))
    sites: dict[str, Coder] = {}
    for name, coder in given.items():
        if name not in widths:
            raise UserError(f"hookpoint {name}: {model.source} does not run this module; give another")
        if isinstance(coder, Widthless):
            coder = coder.of_width(widths[name])
        if widths[name] != coder.d_in:
            raise UserError(
                f"coder {coder.source} reads {coder.d_in} dimensions and {model.source} has {widths[name]} at {name}:"
                " they do not belong together"
            )
        sites[name] = coder
    return sites
