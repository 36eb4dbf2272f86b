"""Intervention: does the explanation tell what steering with the latent does to what the subject writes?

Protocol of arXiv 2410.13928, §3.3.5: the subject goes on from prompts at which the latent fires, once as it is and once
with the latent's direction added at a strength of a given effect, and a language model says how much more probable the
explanation is after the steered text than after the clean one. Differences: the strength is tuned on prompts that are
not scored; clean and steered are drawn with the same random numbers; the wording; no part of the prompt stands twice in
it; per token beside the sum, which grows with an explanation's length.

Steering makes many explanations more probable, right or wrong. So the score is also a choice: the same is computed for
explanations of other latents, and the right one should rise most.
"""

from collections.abc import Sequence
from math import isfinite, nan
from typing import Any, Literal, get_args

import numpy as np
from inspect_ai.scorer import Scorer, scorer

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.errors import UserError, one_line_errors
from inspect_autointerp.inspect_support.verdicts import Verdict
from inspect_autointerp.models.from_store import steering_of
from inspect_autointerp.models.likelihood.interface import UNDEFINED, LogprobsOrReason, logprobs_or_reason, total
from inspect_autointerp.models.likelihood.role import likelihood, likelihood_name
from inspect_autointerp.models.steering import Direction, Generate, Generated, Tune, Tuned
from inspect_autointerp.scorers.intervention.foils import CHOICES, Foils, draw_foils
from inspect_autointerp.scorers.intervention.prompt import after, before
from inspect_autointerp.scorers.intervention.statistics import intervention_statistics
from inspect_autointerp.scorers.intervention.steering_prompts import Prompt, prompts
from inspect_autointerp.scorers.shared.score import LatentTest, Outcome, latent_scorer, score_metrics
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.render import ansi_block, visible

Steered = Literal["latent", "random"]
_DECIMALS = 4
"""Decimals of an effect: the last bits depend on which texts share a batch, and would part equal effects."""


@scorer(metrics=score_metrics("intervention"))
def intervention(
    target_kl: float = 1.0,
    direction: Steered = "latent",
    ablate: bool = False,
    scored_prompts: int = 30,
    tuned_prompts: int = 10,
    new_tokens: int = 8,
    temperature: float = 1.0,
    choices: int = CHOICES,
    store: str | None = None,
    window: int | None = None,
    seed: int | None = None,
) -> Scorer:
    """Grade an explanation by what steering with the latent does.

    The language model that says how probable the explanation is is the model role `likelihood`; without one it is the
    store's subject where that is SmolLM2, else the demo's. A latent whose strength cannot be tuned to the target is
    unscored, with that reason.

    Args:
        target_kl: KL(clean ‖ steered) of what comes right after a prompt, in nats, the mean over prompts.
        direction: `latent`, or `random`: another direction for every latent, at the same KL, as a floor.
        ablate: Take away what the latent writes, rather than adding to it: it is held at 0, and the error term is kept.
            Nothing is tuned then, and the KL is whatever results. What an explanation names is written less, so the
            effect of a true one is below 0. A random direction is taken away in the latent's own amounts.
        scored_prompts: How many to go on from.
        tuned_prompts: How many others to tune the strength on.
        new_tokens: How many the subject writes.
        temperature: At which it does.
        choices: Explanations among which the right one is ranked by how much steering raises them, itself included.
            The others are of other latents, see `draw_foils`. 1 for no choice.
        store: The context store; by default the one that the sample names. As for the next two, what the sample's
            metadata says holds unless it is given here, see `shared.score.SAMPLE_OPTIONS`.
        window: Tokens in a context; prompts are beginnings of contexts.
        seed: Random seed of the draw of prompts, of what the subject writes, and of random directions.

    Raises:
        UserError: The direction is neither of the two, or a number that has to be above 0 is not.
    """
    options = dict(locals())
    if direction not in get_args(Steered):
        raise UserError(f"direction={direction}: give {' or '.join(get_args(Steered))}")
    for name in ("target_kl", "scored_prompts", "tuned_prompts", "new_tokens", "choices"):
        if not options[name] > 0:
            raise UserError(f"{name} must be above 0, got {options[name]}")
    if not temperature >= 0:
        raise UserError(f"temperature must be at least 0, got {temperature}")

    async def grade(test: LatentTest) -> Outcome:
        contexts = LatentContexts(test.store, test.latent)
        tuning, scoring = prompts(test.store, contexts, tuned_prompts, scored_prompts, test.seed)
        if not scoring or not (tuning or ablate):
            report = "Unscored: no context begins before the latent fires in it."
            return Outcome(report=report, reason="too_few_contexts")
        with one_line_errors():
            model = await likelihood(test.store.manifest.subject)
            steering = await steering_of(test.store, test.latent.hookpoint)
            added = Direction(test.latent.index, test.seed if direction == "random" else None, ablate)
            tuned = Tuned(1.0, nan, 0) if ablate else await steering.tune(Tune(added, tuning, target_kl))
            metadata = {"strength": tuned.strength, "passes": tuned.n_passes, "prompts": len(scoring)}
            if tuned.strength is None:
                return Outcome(report=f"Unscored: {tuned.reason}.", metadata=metadata, reason="kl_not_reached")
            question = Generate(added, scoring, tuned.strength, test.seed, new_tokens, temperature)
            written = await steering.generate(question)
        clean, steered = (_texts(test.store, scoring, new) for new in (written.clean, written.steered))
        foils = draw_foils(test, choices - 1)
        explanations = [test.explanation, *foils.texts.values()]
        texts = list(dict.fromkeys([*clean, *steered]))  # each once: a strength may change nothing
        # One question per text and explanation: a foil that cannot be read leaves the effect as it is.
        pairs = [(text, number) for text in texts for number in range(len(explanations))]
        answers = await logprobs_or_reason(model, [[(before(text), after(explanations[i]))] for text, i in pairs])
        known = dict(zip(pairs, answers, strict=True))
        by_explanation = [
            differences([known[text, i] for text in clean], [known[text, i] for text in steered])
            for i in range(len(explanations))
        ]
        effects, others = by_explanation[0], list(zip(*by_explanation[1:], strict=True)) or [()] * len(scoring)
        verdicts = [
            Verdict(
                kind="prompt",
                value=effect,
                values=_complete(changes),
                text=_text(test.store, prompt),
                continuations=new,
                reason=reason,
            )
            for prompt, new, (effect, reason), changes in zip(
                scoring, _continuations(test.store, scoring, written), effects, others, strict=True
            )
        ]
        n_tokens = next((len(logprobs[0]) for (_, i), (logprobs, _) in known.items() if not i and logprobs), 0)
        values = intervention_statistics(verdicts, n_tokens, written.kl, falls=ablate)
        metadata |= {"foils": recorded_foils(foils, verdicts)} if foils.texts else {}
        return Outcome(values, verdicts, report_prompts(test.store, scoring, written, verdicts), metadata)

    async def base_model(test: LatentTest) -> str:
        return likelihood_name(test.store.manifest.subject)

    return latent_scorer("intervention", grade, options, base_model)


def differences(
    clean: Sequence[LogprobsOrReason], steered: Sequence[LogprobsOrReason]
) -> list[tuple[float | None, str | None]]:
    """Return per prompt the effect in nats; or None, and why one of the two is not known."""
    effects: list[tuple[float | None, str | None]] = []
    for (a, why), (b, why_not) in zip(clean, steered, strict=True):
        effect = nan if a is None or b is None else round(total(b[0]) - total(a[0]), _DECIMALS)
        # No number ranks as the best: it is greater than none and smaller than none.
        effects.append((effect, None) if isfinite(effect) else (None, why or why_not or UNDEFINED))
    return effects


def recorded_foils(foils: Foils, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return what the log says of the foils: their source, and each one's latent, text and mean effect in nats."""
    changes = [verdict.values for verdict in verdicts if verdict.values]
    means = np.mean(changes, axis=0).round(4).tolist() if changes else [None] * len(foils.texts)
    rows = zip(foils.texts.items(), means, strict=True)
    return {
        "source": foils.source,
        "explanations": [{"latent": latent, "text": text, "effect": mean} for (latent, text), mean in rows],
    }


def report_prompts(store: Store, scored: Sequence[Prompt], written: Generated, verdicts: Sequence[Verdict]) -> str:
    """Return what the subject wrote, clean and steered, the largest effect first, as one block in ANSI colours."""
    effects = np.array([nan if verdict.value is None else verdict.value for verdict in verdicts])
    lines: list[str] = []
    order: list[int] = np.argsort(-effects, kind="stable").tolist()
    for i in order:
        nats = "unscored" if np.isnan(effects[i]) else f"{effects[i]:+.2f} nats"
        lines.append(f"{nats} │ {visible(_text(store, scored[i]))}")
        for way, new in (("clean  ", written.clean), ("steered", written.steered)):
            lines.append(f"    {way} │ {visible(store.detokenizer.after(scored[i], new[i]))}")
    return ansi_block(lines)


def _complete(changes: Sequence[tuple[float | None, str | None]]) -> list[float] | None:
    """Return the foils' effects in one prompt; None if there are none, or one of them is not known."""
    effects = [effect for effect, _ in changes if effect is not None]
    return effects if effects and len(effects) == len(changes) else None


def _continuations(store: Store, scored: Sequence[Prompt], written: Generated) -> list[dict[str, str]]:
    """Return what was written after each prompt."""
    return [
        {"clean": store.detokenizer.after(prompt, clean), "steered": store.detokenizer.after(prompt, steered)}
        for prompt, clean, steered in zip(scored, written.clean, written.steered, strict=True)
    ]


def _texts(store: Store, scored: Sequence[Prompt], new: Sequence[Sequence[int]]) -> list[str]:
    """The prompts with what was written after each."""
    return [_text(store, [*prompt, *tokens]) for prompt, tokens in zip(scored, new, strict=True)]


def _text(store: Store, ids: Sequence[int]) -> str:
    return store.detokenizer(ids)[0] if ids else ""
