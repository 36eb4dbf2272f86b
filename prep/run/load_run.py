"""The subject, and at each of its hookpoints the coder that belongs there."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import JOIN, SECOND, TAG, in_subject, is_second, place_of
from inspect_autointerp.prep.coders import Coder, CrossCoder, Widthless, load_coder, set_places, writes_of
from inspect_autointerp.prep.run.run_spec import Job
from inspect_autointerp.prep.subject.pair import load_subjects
from inspect_autointerp.prep.subject.subject import Subject


def load_sites(job: Job) -> tuple[Subject, dict[str, Coder]]:
    """Load them, and coders by the name of their hookpoint.

    Raises:
        UserError: One of them cannot be loaded, or they do not belong together.
    """
    settings = job.settings
    # Who makes a job names its coders; names out of files are checked by the command line (`named_code`).
    options: dict[str, Any] = {"seed": settings.seed, "dtype": settings.coder_dtype, "run_code": True}
    loaded = [load_coder(source, job.device, **options) for source in job.coders]
    if not job.other_model:
        for coder in loaded:
            _same_model(coder, job)
    given = list(job.hookpoints) or [_own_hookpoint(coder) for coder in loaded]
    sites = [
        (name, coder, tag)
        for place, coder, tag in zip(given, loaded, job.tags, strict=True)
        for name in _in_both(place, coder, job)
    ]
    model = load_subjects(
        job.subject,
        [name for name, _, _ in sites],
        job.second_subject,
        revision=job.revision,
        second_revision=job.second_revision,
        device=job.device,
        dtype=settings.dtype,
        attention=settings.attention,
        device_map=job.device_map,
        quantization=settings.quantization,
        trust_remote_code=job.trust_remote_code,
        tags=[tag for _, _, tag in sites],
    )
    return model, _fitted(model, [coder for _, coder, _ in sites])


def _own_hookpoint(coder: Coder | Widthless) -> str:
    if coder.hookpoint is None:
        several = isinstance(coder, CrossCoder)
        example = f", {coder.n_places} places joined by {JOIN}, as in layers.3{JOIN}layers.5" if several else ""
        raise UserError(f"coder {coder.source}: it does not say which hookpoint it reads; give --hookpoint{example}")
    return coder.hookpoint


def _in_both(name: str, coder: Coder | Widthless, job: Job) -> list[str]:
    """Return the hookpoints at which a coder reads, by the name that is given.

    Of two subjects, a crosscoder of two places reads both at once, where one place is given; any other coder that reads
    one place reads it in each subject by itself.

    Raises:
        UserError: Such a coder is to read the second subject alone.
    """
    place, at, tag = name.partition(TAG)
    if job.second_subject is None or JOIN in place:
        return [name]
    if isinstance(coder, CrossCoder):
        return [f"{place}{JOIN}{SECOND}{place}{at}{tag}" if coder.n_places == 2 else name]
    if is_second(name):
        raise UserError(
            f"coder {coder.source} would read {place} alone; give --hookpoint {in_subject(name)}, which it reads in"
            " both subjects, or make another store with that model as the subject"
        )
    return [name, SECOND + name]


def _same_model(coder: Coder | Widthless, job: Job) -> None:
    """Compare the model a coder says it was trained on with the subjects, where all have names and not a folder's."""
    trained_on = None if isinstance(coder, Widthless) else coder.model_name
    subjects = [name for name in (job.subject, job.second_subject) if name is not None]
    if trained_on is None or any(Path(name).exists() for name in subjects):
        return
    if _base_name(trained_on) not in map(_base_name, subjects):
        raise UserError(
            f"coder {coder.source} was trained on {trained_on}, but the subject is {' or '.join(subjects)};"
            " --other-model accepts it anyway"
        )


def _base_name(model: str) -> str:
    """A model's name on the Hub without its owner, in small letters; TransformerLens's short names are resolved."""
    from transformer_lens.loading_from_pretrained import get_official_model_name

    with suppress(ValueError):  # a model that TransformerLens does not know
        model = get_official_model_name(model)
    return model.rpartition("/")[2].lower()


def _fitted(model: Subject, coders: Sequence[Coder | Widthless]) -> dict[str, Coder]:
    """Coders by the name of their hookpoint, made for the model's width there or checked against it."""
    sites: dict[str, Coder] = {}
    for hookpoint, coder in zip(model.hookpoints, coders, strict=True):
        name = hookpoint.name
        set_places(coder, [each.name for each in hookpoint.places])
        width, source = model.widths[name], model.source
        if is_second(name):
            assert model.second is not None, "its places were resolved"
            source = model.second.source
            if (other := in_subject(name)) not in sites:
                raise UserError(
                    f"subjects {model.source} and {source}: {place_of(name)} has another name in the first; one coder"
                    " for both needs two models of one architecture"
                )
            if width != (expected := model.widths[other]):
                raise UserError(
                    f"coder {coder.source}: {model.source} has {expected} dimensions at {place_of(other)} and {source}"
                    f" has {width}; one coder for both needs two models of one width"
                )
        if isinstance(coder, Widthless):
            coder = coder.of_width(width)
        if width != coder.d_in:
            raise UserError(
                f"coder {coder.source} reads {coder.d_in} dimensions and {source} has {width} at {name}:"
                " they do not fit together"
            )
        missing = [place for place in writes_of(coder) or () if not model.has_place(place)]
        if missing:
            raise UserError(
                f"coder {coder.source} writes to {missing[0]}, which {model.source} does not have:"
                " they do not fit together"
            )
        sites[name] = coder
    return sites
