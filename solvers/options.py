"""Options of what the explainer is shown and asked for: the paper's factors, one option each."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from inspect_autointerp.errors import UserError
from inspect_autointerp.latent import Negative, Sampling
from inspect_autointerp.solvers.trained_on import read_trained_on

Evidence = Literal["contexts", "effects", "logits", "subjects"]
Style = Literal["sentence", "label"]
EVIDENCE: tuple[Evidence, ...] = get_args(Evidence)
_BOTH = ("contexts", "logits")


@dataclass(frozen=True, kw_only=True)
class Options:
    """See `explain`, whose signature has the defaults.

    Raises:
        UserError: A value is none of those allowed.
    """

    examples: int
    sampling: Sampling
    activations: bool
    cot: bool
    contrastive: int
    evidence: str
    style: Style
    target_kl: float
    cache: bool
    seed: int
    trained_on: str | list[str] | None = None

    def __post_init__(self) -> None:
        for name, allowed in (("sampling", get_args(Sampling)), ("style", get_args(Style))):
            if (given := getattr(self, name)) not in allowed:
                raise UserError(f"{name}={given}: give {' or '.join(allowed)}")
        at_least_one(examples=self.examples)
        if isinstance(self.contrastive, bool) or self.contrastive < 0:
            raise UserError(
                f"contrastive={self.contrastive}: must be the number of silent texts to show, for instance 10"
            )
        if not self.target_kl > 0:
            raise UserError(f"target_kl={self.target_kl}: must be above 0")
        read_trained_on(self.trained_on)
        kinds = self.kinds
        if self.contrastive and "contexts" not in kinds:
            raise UserError(f"contrastive={self.contrastive}: contrasting silent texts needs evidence=contexts")
        if "subjects" in kinds and "contexts" not in kinds:
            raise UserError(f"evidence={self.evidence}: comparing two subjects needs contexts; give contexts+subjects")

    @property
    def kinds(self) -> tuple[Evidence, ...]:
        """Return what `evidence` names, in the order in which it is shown.

        Raises:
            UserError: It names nothing that there is.
        """
        named = _BOTH if self.evidence == "both" else self.evidence.split("+")
        if not set(named) <= set(EVIDENCE):
            raise UserError(
                f"evidence={self.evidence}: give {', '.join(EVIDENCE)}, several of them joined with +, or both"
                f" ({'+'.join(_BOTH)})"
            )
        return tuple(kind for kind in EVIDENCE if kind in named)

    def changed_from(self, defaults: "Options") -> dict[str, Any]:
        """Those that are not the defaults and have a say in what is written."""
        other = asdict(defaults)
        return {name: value for name, value in asdict(self).items() if value != other[name] and name != "cache"}


def at_least_one(**counts: int) -> None:
    """Check options that count something.

    Raises:
        UserError: One is below 1.
    """
    for name, count in counts.items():
        if count < 1:
            raise UserError(f"{name} must be at least 1, got {count}")


def hardest(held: Sequence[Negative]) -> tuple[Negative, ...]:
    """Return the kinds of silent contexts to show beside active ones: look-alikes, if the store holds any."""
    return tuple(kind for kind in held if kind != "random") or ("random",)
