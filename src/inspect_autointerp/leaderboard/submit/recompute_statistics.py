"""Each latent's statistics, computed anew from the verdicts that its scores recorded, and compared with the log's.

The statistics are computed by the code that computed them in the run (`ScoreSpec.recompute`). Simulation and
intervention need more than a log holds; so does a score whose verdicts a log lacks, or that another version computed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isclose, isnan, nan
from typing import Any

from inspect_autointerp.contexts.negatives import HARD
from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict, recorded_verdicts
from inspect_autointerp.leaderboard.load.judgements import recorded_graders
from inspect_autointerp.scorers.fuzzing.marks import MISMARKED
from inspect_autointerp.scorers.shared.several_graders import SHOWN, aggregate
from inspect_autointerp.scorers.shared.specs import SCORES, ScoreSpec
from inspect_autointerp.scorers.shared.threshold import KEY as THRESHOLD
from inspect_autointerp.text.json_values import is_mapping

_ROOM = 0.6e-4
"""One rounding to four digits."""
_BY_SHARE = ("f1", "precision", "auprc", "effective_n", "clarity", "clarity_signed")
"""The statistics that the share of windows on which a latent fires comes into."""


@dataclass(frozen=True)
class FromVerdicts:
    """Result of computing a log's statistics again."""

    differences: list[str] = field(default_factory=list[str])
    """A sentence for each statistic that is not that of the verdicts, and for verdicts that cannot be read."""
    n_latents: dict[str, int] = field(default_factory=dict[str, int])
    """By score, of how many latents the statistics were computed."""
    skipped: dict[str, str] = field(default_factory=dict[str, str])
    """By score, why they were not."""


def compare_statistics(
    samples: Iterable[Mapping[str, Any]], edited: Mapping[str, set[str]] | None = None
) -> FromVerdicts:
    """Compute each score's statistics of each latent from its verdicts, and compare them with those that it says.

    Args:
        samples: Each with `id`, `metadata` and `scores`, as Inspect has them in JSON.
        edited: By score, ids of latents whose score was edited after the run: an edit is known, and shown as such.

    Returns:
        Differences are in the order of the samples. Statistics are compared as far as they are rounded in logs.
    """
    result = FromVerdicts()
    bare: dict[str, list[str]] = {}
    for sample in samples:
        latent = str(sample["id"])
        scores: dict[str, dict[str, Any]] = sample.get("scores") or {}
        for name, score in scores.items():
            values = score.get("value")
            if not is_mapping(values) or latent in (edited or {}).get(name, ()):
                continue
            if why := _why_not(name, score):
                result.skipped[name] = why
                continue
            try:
                verdicts = recorded_verdicts(score.get("metadata"), f"the verdicts of {name} of {latent}")
            except UserError as error:
                result.differences.append(str(error))
                continue
            if verdicts:
                result.n_latents[name] = result.n_latents.get(name, 0) + 1
                result.differences.extend(_differences(name, latent, score, verdicts, sample.get("metadata") or {}))
            elif any(key != "unscored" and not isnan(_number(value)) for key, value in values.items()):
                bare.setdefault(name, []).append(latent)
    for name, latents in bare.items():
        if name in result.n_latents:
            result.differences.append(f"{name} of {latents[0]} has statistics, and no verdicts as others have")
        else:
            result.skipped[name] = "its log holds no verdicts"
    return result


def latent_facts(
    name: str, score: Mapping[str, Any], verdicts: Sequence[Verdict], sample_metadata: Mapping[str, Any]
) -> LatentFacts:
    """Return what the statistics of a recorded score have to know of its latent.

    Args:
        name: The score's name in the log.
        score: The score, as Inspect has it in JSON.
        verdicts: Its verdicts.
        sample_metadata: Of its sample.
    """
    metadata: dict[str, Any] = score.get("metadata") or {}
    options = _options(score)
    same_window = options.get("window") == sample_metadata.get("window")  # else the latent fires on another share
    together = options.get("texts_per_call")
    minimum = options.get("min_texts", options.get("min_contexts"))
    return LatentFacts(
        firing_share=_number(sample_metadata.get("firing_share")) if same_window else nan,
        hard=_hard_kinds(_spec(name), options, verdicts, score["value"]),
        min_contexts=minimum if isinstance(minimum, int) else 1,
        texts_per_call=together if isinstance(together, int) and together > 0 else 0,
        threshold=_threshold(metadata),
        median=_number(metadata.get("median")),
    )


def _why_not(name: str, score: Mapping[str, Any]) -> str | None:
    """Return why the statistics of a score cannot be computed from verdicts; None if they can."""
    spec = _spec(name)
    if spec is None:
        return "no score of this package"
    if spec.recompute is None:
        return "they need more than a log holds"
    metadata: dict[str, Any] = score.get("metadata") or {}
    version = metadata.get("prompt", spec.version)
    return None if version in spec.versions else f"it is of {version}, and this version computes {spec.version}"


def _differences(
    name: str, latent: str, score: Mapping[str, Any], verdicts: list[Verdict], sample_metadata: Mapping[str, Any]
) -> Iterable[str]:
    spec = _spec(name)
    assert spec and spec.recompute
    facts = latent_facts(name, score, verdicts, sample_metadata)
    asked = str(_options(score).get("negatives") or "random").split(",")
    kinds = {"activating", "importance" if "importance" in [kind.strip() for kind in asked] else "random", *facts.hard}
    if spec.by_kind and (odd := sorted({verdict.kind for verdict in verdicts} - kinds)):
        yield f"{name} of {latent}: its verdicts are of a kind that it was not tested on, {odd[0]}"
        return
    unknown_share = isnan(facts.firing_share)
    try:
        computed = spec.recompute(verdicts, _with_some_share(facts) if unknown_share else facts)
    except Exception as error:  # verdicts that were made up can fail anywhere
        yield f"{name} of {latent}: its statistics cannot be computed from its verdicts ({type(error).__name__})"
        return
    for statistic, recorded in score["value"].items():
        if statistic not in computed or (unknown_share and statistic in _BY_SHARE):
            continue
        here, there = computed[statistic], _number(recorded)
        if not _close(here, there):
            yield f"{name} of {latent}: {statistic} is {there:.6g}, but its verdicts give {here:.6g}"
    if not unknown_share:
        yield from _grader_differences(f"{name} of {latent}", score, verdicts, facts, spec)


def _grader_differences(
    where: str, score: Mapping[str, Any], verdicts: Sequence[Verdict], facts: LatentFacts, spec: ScoreSpec
) -> Iterable[str]:
    """Yield what is not as the labels of several graders make it: the aggregate's labels, and each one's statistics."""
    assert spec.recompute
    try:
        graders = recorded_graders(score.get("metadata") or {}, len(verdicts), where)
        each = [
            [
                replace(verdict, label=label, probability=probability, reason=reason)
                for verdict, label, probability, reason in zip(
                    verdicts,
                    *(one.get(column) or [None] * len(verdicts) for column in ("label", "probability", "reason")),
                    strict=True,
                )
            ]
            for one in graders
        ]
        labels = [label.label for label in aggregate(each)[0]] if each else []
        computed = [spec.recompute(own, facts) for own in each]
    except UserError as error:
        yield str(error)
        return
    except Exception as error:  # labels that were made up can fail anywhere
        yield f"{where}: the labels of its graders cannot be joined ({type(error).__name__})"
        return
    if each and labels != [verdict.label for verdict in verdicts]:
        yield f"{where}: its labels are not those that its graders' labels give together"
    for one, values in zip(graders, computed, strict=True):
        for statistic in SHOWN:
            recorded: Mapping[str, Any] = one.get("values") or {}
            there = _number(recorded.get(statistic))
            if not _close(values[statistic], there):
                yield (
                    f"{where}: {statistic} of the grader {one['name']} is {there:.6g}, but its labels give"
                    f" {values[statistic]:.6g}"
                )


def _close(here: float, there: float) -> bool:
    return isclose(here, there, rel_tol=0, abs_tol=_ROOM) or (isnan(here) and isnan(there))


def _with_some_share(facts: LatentFacts) -> LatentFacts:
    """Return the facts with a firing share, for statistics that it does not come into."""
    return replace(facts, firing_share=0.5)


def _hard_kinds(
    spec: ScoreSpec | None, options: Mapping[str, Any], verdicts: Sequence[Verdict], values: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return the kinds that have statistics of their own; of `negatives=all` those that the score says anything of."""
    asked = str(options.get("negatives") or "random")
    kinds = [kind for kind in HARD if kind in {part.strip() for part in asked.split(",")}]
    if asked.strip() == "all":
        there = {verdict.kind for verdict in verdicts}
        ends = [f"{name}_" for name in (spec.by_kind if spec else ())]
        kinds = [kind for kind in HARD if kind in there or any(f"{end}{kind}" in values for end in ends)]
    return (*kinds, MISMARKED) if options.get("mismarked") else tuple(kinds)


def _options(score: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata: dict[str, Any] = score.get("metadata") or {}
    options = metadata.get("options")
    return options if is_mapping(options) else {}


def _threshold(metadata: Mapping[str, Any]) -> float | None:
    """Return the threshold that a score was judged at, see `LatentFacts`."""
    recorded = metadata.get(THRESHOLD)
    return _number(recorded.get("value")) if is_mapping(recorded) else None


def _spec(name: str) -> ScoreSpec | None:
    return SCORES.get(name.rstrip("0123456789"))  # Inspect numbers a scorer that is added a second time


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and abs(value) < 1e300 else nan
