"""Intervention: does the explanation tell what steering with the latent does to what the subject writes?

Protocol of arXiv 2410.13928, §3.3.5: the subject goes on from prompts at which the latent fires, once as it is and once
with the latent's direction added at a strength of a given effect, and a language model says how much more probable the
explanation is after the steered text than after the clean one. Differences: the strength is tuned on prompts that are
not scored; clean and steered are drawn with the same random numbers; the wording; no part of the prompt stands twice in
it; per token beside the sum, which grows with an explanation's length.
"""

from collections.abc import Sequence
from math import fsum, nan
from typing import Literal, get_args

import numpy as np
from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import TaskState

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.errors import UserError
from inspect_autointerp.inspect_support.evaluation import one_line_errors
from inspect_autointerp.inspect_support.explanation import Explanation
from inspect_autointerp.models.likelihood.role import likelihood, likelihood_name
from inspect_autointerp.models.likelihood.told import Told, told
from inspect_autointerp.models.steering import Direction, Generate, Generated, Tune, Tuned, steering_of
from inspect_autointerp.scorers.intervention.steering_prompts import Prompt, prompts
from inspect_autointerp.scorers.shared.metrics import estimate
from inspect_autointerp.scorers.shared.score import judged_score, latent_of, made_by, without_explanation
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.render import ansi_block, visible

VERSION = "intervention/1"
"""Changes whenever the wording below does."""

KEYS = ["effect", "effect_per_token", "effect_se", "kl", "unscored"]
Steered = Literal["latent", "random"]

_WORKED = (
    ("She unlocked the door and the whole street smelled of the sea, the salt, the boats coming in", "the sea"),
    ("def total(rows):⏎    return sum(row.price for row in rows) * 1.19 + 250 - 38 / 4", "numbers"),
    ("We met at noon and he said that on Tuesday, or Wednesday, or the Friday after", "names of days of the week"),
    ("the results are are shown in the table below below below", "saying the last word again"),
)
_HEAD = (
    "A language model wrote on at the end of each of these texts, and something in it was amplified while it did. Below"
    " each text stands what was amplified.\n\n"
)


def before(text: str) -> str:
    """What the likelihood model reads before the explanation.

    What never changes comes first, so that it is read once for all texts.

    Args:
        text: The prompt, and how the subject went on.
    """
    worked = "".join(f"{_asked(example)}{after(said)}\n" for example, said in _WORKED)
    return _HEAD + worked + _asked(visible(text))


def after(explanation: str) -> str:
    """The explanation as it stands there, with what shows that it ends."""
    return f" {visible(explanation.strip())}\n"


def _asked(text: str) -> str:
    return f"Text: {text}\nAmplified:"


@scorer(metrics={key: [estimate()] for key in KEYS})
def intervention(
    contexts: str | None = None,
    target_kl: float = 1.0,
    direction: Steered = "latent",
    ablate: bool = False,
    scored_prompts: int = 30,
    tuned_prompts: int = 10,
    new_tokens: int = 8,
    temperature: float = 1.0,
    seed: int = 0,
    window: int | None = None,
) -> Scorer:
    """Grade an explanation by what steering with the latent does.

    The language model that says how probable the explanation is is the model role `likelihood`; without one it is the
    demo's subject. A latent whose strength cannot be tuned to the target is unscored, with that reason.

    Args:
        contexts: The context store, see `evaluation.locate`.
        target_kl: KL(clean ‖ steered) of what comes right after a prompt, in nats, the mean over prompts.
        direction: `latent`, or `random`: a direction of its own for every latent, at the same KL, as a floor.
        ablate: Take away what the latent writes, rather than adding to it: it is held at 0, and the error term is kept.
            Nothing is tuned then, and the KL is what it comes to. What an explanation names is written less, so the
            effect of a true one is below 0. A random direction is taken away in the latent's own amounts.
        scored_prompts: How many to go on from.
        tuned_prompts: How many others to tune the strength on.
        new_tokens: How many the subject writes.
        temperature: At which it does.
        seed: Of the draw of prompts, of what it writes, and of random directions.
        window: Tokens in a context, of which prompts are the beginnings; the store's own by default.

    Raises:
        UserError: The direction is neither of the two, or a number that has to be above 0 is not.
    """
    options = dict(locals())
    if direction not in get_args(Steered):
        raise UserError(f"direction={direction}: give {' or '.join(get_args(Steered))}")
    for name in ("target_kl", "scored_prompts", "tuned_prompts", "new_tokens"):
        if not options[name] > 0:
            raise UserError(f"{name}={options[name]}: give a number above 0")

    async def score(state: TaskState, target: Target) -> Score:
        store, latent = latent_of(state, contexts, window)
        with one_line_errors():
            metadata = made_by(likelihood_name(), VERSION, options)
            model = await likelihood()
        explanation = Explanation.get(state)
        if explanation.text is None:
            return without_explanation(explanation, KEYS, metadata)
        tuning, scoring = prompts(store, LatentContexts(store, latent), tuned_prompts, scored_prompts, seed)
        if not scoring or not (tuning or ablate):
            return _unscored("too_few_contexts", "no context begins before the latent fires in it", metadata)
        with one_line_errors():
            steering = await steering_of(store, latent.hookpoint)
            added = Direction(latent.index, seed if direction == "random" else None, ablate)
            tuned = Tuned(1.0, nan, 0) if ablate else await steering.tune(Tune(added, tuning, target_kl))
            metadata |= {"strength": tuned.strength, "passes": tuned.n_passes, "prompts": len(scoring)}
            if tuned.strength is None:
                return _unscored("kl_not_reached", str(tuned.reason), metadata)
            written = await steering.generate(Generate(added, scoring, tuned.strength, seed, new_tokens, temperature))
        clean, steered = (_texts(store, scoring, new) for new in (written.clean, written.steered))
        texts = list(dict.fromkeys([*clean, *steered]))  # each once: a strength may change nothing
        answers = await told(model, [[(before(text), after(explanation.text))] for text in texts])
        said = dict(zip(texts, answers, strict=True))
        effects, reasons = differences([said[text] for text in clean], [said[text] for text in steered])
        n_tokens = next((len(found[0]) for found, _ in answers if found is not None), 0)
        values = statistics(effects, n_tokens, written.kl)
        shown = report(store, scoring, written, effects)
        return judged_score(values, explanation.text, reasons, shown, metadata)

    return score


def differences(clean: Sequence[Told], steered: Sequence[Told]) -> tuple[np.ndarray, list[str | None]]:
    """Per prompt the effect in nats, NaN where one of the two is not known, and then why."""
    effects, reasons = [], []
    for (a, why), (b, why_not) in zip(clean, steered, strict=True):
        effects.append(float("nan") if a is None or b is None else fsum(b[0]) - fsum(a[0]))
        reasons.append(why or why_not)
    return np.array(effects), reasons


def statistics(effects: np.ndarray, n_tokens: int, kl: Sequence[float]) -> dict[str, float]:
    """All statistics of one latent, by name.

    Args:
        effects: Per prompt, log p(explanation | steered) − log p(explanation | clean) in nats, over all its tokens; NaN
            where that is not known.
        n_tokens: Of the explanation, for the likelihood model.
        kl: Per prompt, KL(clean ‖ steered) of what comes right after it.

    Returns:
        - `effect`: the mean effect in nats; chance is 0.
        - `effect_per_token`: the same over the explanation's tokens, its end among them.
        - `effect_se`: the standard error of `effect` over prompts; NaN of fewer than two.
        - `kl`: the mean KL on the prompts scored, which the strength was not tuned on.
        - `unscored`: the share of prompts whose effect is not known.
    """
    known = effects[~np.isnan(effects)]
    effect, n = float(known.mean()) if len(known) else float("nan"), len(known)
    return {
        "effect": effect,
        "effect_per_token": effect / n_tokens if n_tokens else float("nan"),
        "effect_se": float(known.std(ddof=1) / n**0.5) if n > 1 else float("nan"),
        "kl": float(np.mean(kl)),
        "unscored": 1 - n / len(effects),
    }


def report(store: Store, scored: Sequence[Prompt], written: Generated, effects: np.ndarray) -> str:
    """What the subject wrote, clean and steered, the largest effect first, for a reader of the log."""
    lines: list[str] = []
    for i in np.argsort(-effects, kind="stable").tolist():
        nats = "unscored" if np.isnan(effects[i]) else f"{effects[i]:+.2f} nats"
        lines.append(f"{nats} │ {visible(_text(store, scored[i]))}")
        for way, new in (("clean  ", written.clean), ("steered", written.steered)):
            lines.append(f"    {way} │ {visible(_text(store, new[i]))}")
    return ansi_block(lines)


def _texts(store: Store, scored: Sequence[Prompt], new: Sequence[Sequence[int]]) -> list[str]:
    """The prompts with what was written after each."""
    return [_text(store, [*prompt, *tokens]) for prompt, tokens in zip(scored, new, strict=True)]


def _text(store: Store, ids: Sequence[int]) -> str:
    return store.decoder(ids)[0] if ids else ""


def _unscored(reason: str, why: str, metadata: dict) -> Score:
    return Score(
        value=dict.fromkeys(KEYS, float("nan")) | {"unscored": 1.0},
        reason=reason,
        explanation=f"Unscored: {why}.",
        metadata=metadata,
    )
