"""Output choice: given the explanation, can a grader pick the text that was steered with the latent among three?

The subject goes on from one beginning three times, steered with the latent and with two other latents, all at the same
KL. So a text's oddness tells nothing, and neither does its strength. The beginnings are the same for all latents and
were drawn without regard to any, so what a text shares with its beginning tells nothing either: a grader that has not
read the explanation is at chance, one third, whatever it looks at.
"""

from collections.abc import Sequence
from typing import get_args

import anyio
import numpy as np
from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Scorer, scorer

from inspect_autointerp.errors import UserError, one_line_errors
from inspect_autointerp.inspect_support.verdicts import Verdict
from inspect_autointerp.models.steering import Direction
from inspect_autointerp.scorers.intervention.scorer import Steered as SteeredBy
from inspect_autointerp.scorers.intruder.parse import parse_choice
from inspect_autointerp.scorers.output_choice.prompt import SHOWN, output_choice_messages
from inspect_autointerp.scorers.output_choice.statistics import FOIL, STEERED, output_choice_statistics
from inspect_autointerp.scorers.output_choice.steered_texts import (
    FOILS,
    Setting,
    Steered,
    SteeredTexts,
    foil_latents,
    steered_texts,
)
from inspect_autointerp.scorers.output_choice.trials import Trial, trials
from inspect_autointerp.scorers.shared.ask import Question, Reply, ask, grader, grader_name
from inspect_autointerp.scorers.shared.report import in_sections
from inspect_autointerp.scorers.shared.score import LatentTest, Outcome, latent_scorer, score_metrics
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.render import visible

_TITLES = ("WRONG · another latent's text was picked", "UNSCORED", "RIGHT · the latent's own text was picked")
_PROMOTED = 5
"""Promoted tokens shown of each latent."""


@scorer(metrics=score_metrics("output_choice"))
def output_choice(
    target_kl: float = 1.0,
    direction: SteeredBy = "latent",
    questions: int = 20,
    tuned_prompts: int = 10,
    foils: int = FOILS,
    promoted: bool = False,
    new_tokens: int = 16,
    temperature: float = 1.0,
    store: str | None = None,
    window: int | None = None,
    seed: int | None = None,
) -> Scorer:
    """Grade an explanation by whether a grader picks, by it, the text that was steered with the latent.

    The grader is the model role `grader`, or the explainer. A latent whose strength cannot be tuned is unscored.

    Args:
        target_kl: KL(clean ‖ steered) of the token right after a beginning, in nats, the mean over beginnings.
        direction: `latent`, or `random`: a random direction at the same KL in place of the latent's, as a floor.
        questions: Questions per latent, each with another beginning.
        tuned_prompts: Other beginnings on which strengths are tuned.
        foils: Latents that steer the other texts, the same for all latents; each question uses two of them.
        promoted: Also show the tokens that each of the three latents promotes.
        new_tokens: Tokens that the subject writes.
        temperature: Sampling temperature of the subject.
        store: The context store; by default the one that the sample names. As for the next two, what the sample's
            metadata says holds unless it is given here, see `shared.score.SAMPLE_OPTIONS`.
        window: Tokens in a context; beginnings are parts of contexts.
        seed: Random seed of beginnings, texts, foils, places and random directions.

    Raises:
        UserError: A value is not allowed.
    """
    options = dict(locals())
    if direction not in get_args(SteeredBy):
        raise UserError(f"direction={direction}: give {' or '.join(get_args(SteeredBy))}")
    for name, least in (("questions", 1), ("tuned_prompts", 1), ("foils", SHOWN), ("new_tokens", 1)):
        if options[name] < least:
            raise UserError(f"{name} must be at least {least}, got {options[name]}")
    if not target_kl > 0:
        raise UserError(f"target_kl must be above 0, got {target_kl}")
    if promoted and direction == "random":
        raise UserError("promoted=true and direction=random do not go together: a random direction promotes no tokens")
    if not temperature >= 0:
        raise UserError(f"temperature must be at least 0, got {temperature}")

    async def grade(test: LatentTest) -> Outcome:
        setting = Setting(target_kl, questions, tuned_prompts, new_tokens, temperature, test.seed)
        own = Direction(test.latent.index, test.seed if direction == "random" else None)
        others = foil_latents(test.store, test.latent.hookpoint, foils, test.seed)
        with one_line_errors():
            texts = await steered_texts(test.store, test.latent.hookpoint, setting)
            steered = await _all_along(texts, [own, *(Direction(i) for i in others if i != own.latent)])
        mine = steered.pop(own)
        metadata = {"strength": mine.strength}
        if mine.strength is None:
            return Outcome(report=f"Unscored: {mine.reason}.", metadata=metadata, reason="kl_not_reached")
        theirs = {by.latent: one for by, one in steered.items() if one.strength is not None}
        metadata |= {"foils": sorted(theirs)}
        asked = trials(test, texts.asked, mine, theirs)
        if not asked:
            report = "Unscored: too few latents can be steered at this KL, or all write the same."
            return Outcome(report=report, metadata=metadata, reason="too_few_contexts")
        with one_line_errors():
            tokens = promoted_tokens(test, {one.latent for trial in asked for one in trial.candidates}, promoted)
        answers = await ask(grader(), [_question(test, number, trial, tokens) for number, trial in enumerate(asked, 1)])
        verdicts = _verdicts(test.store, asked, answers)
        report = report_trials(test.store, asked, answers)
        return Outcome(output_choice_statistics(verdicts), verdicts, report, metadata)

    return latent_scorer("output_choice", grade, options, grader_name)


async def _all_along(texts: SteeredTexts, directions: Sequence[Direction]) -> dict[Direction, Steered]:
    """Return the texts of all directions, which are asked for together."""
    steered: dict[Direction, Steered] = {}

    async def one(direction: Direction) -> None:
        steered[direction] = await texts.along(direction)

    try:
        async with anyio.create_task_group() as group:
            for direction in directions:
                group.start_soon(one, direction)
    except ExceptionGroup as errors:  # a user's mistake, which is known by its type
        raise errors.exceptions[0] from None
    return steered


def promoted_tokens(test: LatentTest, latents: set[int], wanted: bool) -> dict[int, list[str]] | None:
    """Return the tokens that each latent's direction makes most probable, the most first; None if none are shown.

    Raises:
        UserError: The store does not know them.
    """
    if not wanted:
        return None
    store, at = test.store, test.store.at(test.latent.hookpoint)
    known = {latent: at.logits(latent)[0][:_PROMOTED] for latent in sorted(latents)}
    return {latent: [store.detokenizer([id])[0] for id in ids] for latent, ids in known.items()}


def _question(test: LatentTest, number: int, trial: Trial, promoted: dict[int, list[str]] | None) -> Question[int]:
    messages = output_choice_messages(
        test.explanation,
        visible(_beginning(test.store, trial)),
        [visible(one.text) for one in trial.candidates],
        None if promoted is None else [promoted[one.latent] for one in trial.candidates],
    )
    return Question(f"question {number}", messages, _read, f"one number from 1 to {SHOWN}")


def _read(output: ModelOutput) -> int:
    """Return the place, from 0, that an answer names."""
    return parse_choice(output.completion, SHOWN, odd=False) - 1


def _beginning(store: Store, trial: Trial) -> str:
    return store.detokenizer(trial.beginning.ids)[0]


def _verdicts(store: Store, asked: Sequence[Trial], replies: Sequence[Reply[int]]) -> list[Verdict]:
    """Return a verdict for every text that was shown."""
    starts = [trial.beginning.start for trial in asked]
    documents = store.document(np.array(starts, dtype=np.int64)).tolist()
    return [
        Verdict(
            kind=STEERED if place == trial.place else FOIL,
            start=trial.beginning.start,
            document=document,
            label=None if reply.value is None else int(place == reply.value),
            value=one.kl,
            question=number,
            text=one.text,
            reason=reply.reason,
        )
        for number, (trial, document, reply) in enumerate(zip(asked, documents, replies, strict=True))
        for place, one in enumerate(trial.candidates)
    ]


def report_trials(store: Store, asked: Sequence[Trial], replies: Sequence[Reply[int]]) -> str:
    """Return the questions in sections (wrong, unscored, right), as one block in ANSI colours."""
    sections: dict[str, list[str]] = {title: [] for title in _TITLES}
    for trial, reply in zip(asked, replies, strict=True):
        title = _TITLES[1 if reply.value is None else 2 * (reply.value == trial.place)]
        result = reply.reason if reply.value is None else f"{reply.value + 1} was picked"
        lines = [f"  {visible(_beginning(store, trial))} │ the latent's own is {trial.place + 1} · {result}"]
        for place, one in enumerate(trial.candidates):
            sign = "▸" if place == trial.place else " "
            lines.append(f"  {sign} {place + 1} │ {visible(one.text)} · by latent {one.latent}, KL {one.kl:.2f}")
        sections[title].append("\n".join(lines))
    return in_sections(sections, len(asked))
