"""Three texts after one beginning: the latent's own, and two that other latents steered, in random order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.scorers.output_choice.beginnings import Beginning
from inspect_autointerp.scorers.output_choice.prompt import SHOWN
from inspect_autointerp.scorers.output_choice.steered_texts import Steered
from inspect_autointerp.scorers.shared.score import LatentTest
from inspect_autointerp.text.render import visible


@dataclass(frozen=True)
class Candidate:
    """One text of a question."""

    latent: int
    """Latent that it was steered with; the evaluated one also where a random direction stands in for it."""
    text: str
    kl: float
    """KL of the steering after this beginning, in nats."""


@dataclass(frozen=True)
class Trial:
    """The texts of one question, as they are shown."""

    beginning: Beginning
    candidates: tuple[Candidate, ...]
    place: int
    """Place of the latent's own text, from 0."""


def trials(test: LatentTest, asked: Sequence[Beginning], own: Steered, others: Mapping[int, Steered]) -> list[Trial]:
    """Return the questions of a latent. One in which two texts are the same is left out.

    Args:
        test: The latent.
        asked: The beginnings.
        own: The latent's own texts.
        others: Texts by the latents that steered them.
    """
    rng = rng_of(test.seed, test.latent.id, "output_choice")
    made: list[Trial] = []
    by_latent = {test.latent.index: own, **others}
    for number, beginning in enumerate(asked):
        drawn: list[int] = rng.permutation(sorted(others))[: SHOWN - 1].tolist()
        order: list[int] = rng.permutation(SHOWN).tolist()
        shown = [
            Candidate(latent, by_latent[latent].texts[number], by_latent[latent].kl[number])
            for latent in (test.latent.index, *drawn)
        ]
        if len(shown) == SHOWN and len({visible(one.text).strip() for one in shown}) == SHOWN:
            made.append(Trial(beginning, tuple(shown[i] for i in order), order.index(0)))
    return made
