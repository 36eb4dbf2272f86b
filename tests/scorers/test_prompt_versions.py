"""Prompts are measuring instruments: a changed wording needs a changed version, by which scores are told apart.

Each prompt is rendered for a fixed input, in every variant, and the sha256 of the text stands below beside its version.
"""

from collections.abc import Iterator
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from inspect_ai.model import ChatMessage

from inspect_autointerp.latent import Context
from inspect_autointerp.scorers.detection.prompt import detection_messages
from inspect_autointerp.scorers.fuzzing.prompt import fuzzing_messages
from inspect_autointerp.scorers.generation.prompt import generation_messages
from inspect_autointerp.scorers.intervention.prompt import after, before
from inspect_autointerp.scorers.intruder.prompt import intruder_messages
from inspect_autointerp.scorers.shared.specs import SCORES
from inspect_autointerp.scorers.simulation.prompt import simulation_messages
from inspect_autointerp.scorers.surprisal.prompt import PSEUDO, surprisal_continuation, surprisal_prefix
from inspect_autointerp.solvers.evidence import Gathered
from inspect_autointerp.solvers.options import Options, Style
from inspect_autointerp.solvers.prompt import VERSION, Errors, explain_messages
from inspect_autointerp.solvers.steering_effects import Effect, Raised

WORDINGS = {
    "detection/3": "003d248da1600ae701d7cdd35753d003fa13c781c69d7fc9ce5de2fcafd0633e",
    "fuzzing/3": "97e8f9cabca0cbfbcbb7ecbde95bc24f9f715c78f7dc392b0dfcd863ee9ee000",
    "simulation/1": "de260e8991d33ee2adbd7f0d10abdc82f74c3a2ff1061aafa6a45c5070f6917b",
    "intruder/2": "786cb90d2058e4fcf57dc8c18b336b860b8c95e9f1c24d71f4db9925757591d7",
    "surprisal/1": "a89f63e4615c962e51b70153ecc081c2b29a738a636e1d1f09c61f030e3a72e0",
    "intervention/1": "96afbdd8a8b4493ee3e5278bcf3fa9248756203fce3ef5281ba717bc2095b187",
    "generation/1": "f5617c1ee48adb3736e213d2fea7a345c7985fa1a1eda4ca18acad5aabe80276",
    "explain/2": "4bbc223f3f624e08a425b6a7316b0e4ab7c2eb3d8dc91da0a0a82257ced8e052",
}
"""By version, the sha256 of its text in all variants."""
ROOT = Path(__file__).parents[2]

EXPLANATION = "names of rivers\nin Europe"
TEXTS = ("the <<Rhine>> at Basel⏎and", "two eggs, <<well>> beaten")
TOKENS = (["the", "␣Rhine", "⏎"], ["two", "␣eggs", "◌"])


def text_of(messages: list[ChatMessage]) -> str:
    return "\n".join(f"[{message.role}] {message.text}" for message in messages)


def detection() -> Iterator[str]:
    for confidence, explanation, times in product((False, True), (EXPLANATION, ""), (1, 5)):
        yield text_of(detection_messages(explanation, TEXTS * times, confidence))


def fuzzing() -> Iterator[str]:
    for confidence, explanation, times in product((False, True), (EXPLANATION, ""), (1, 5)):
        yield text_of(fuzzing_messages(explanation, TEXTS * times, ("<<", ">>"), confidence))


def simulation() -> Iterator[str]:
    for every, explanation in product((False, True), (EXPLANATION, "")):
        yield text_of(simulation_messages(explanation, TOKENS, every))


def intruder() -> Iterator[str]:
    yield text_of(intruder_messages([*TEXTS, *TEXTS, "five"], ("[[", "]]")))


def generation() -> Iterator[str]:
    for explanation in (EXPLANATION, ""):
        yield text_of(generation_messages(explanation, 7))


def surprisal() -> Iterator[str]:
    for explanation in (EXPLANATION, PSEUDO):
        yield surprisal_prefix(explanation) + surprisal_continuation("the Rhine\nat Basel")


def intervention() -> Iterator[str]:
    yield before("the Rhine\nat Basel") + after(EXPLANATION)


def explain() -> Iterator[str]:
    rhine = Context("activating", 0, "the Rhine\nat", ((0, 3), (3, 9), (9, 12)), np.array([0, 2, 0.5], np.float32))
    eggs = Context("random", 3, "two eggs\n", ((0, 3), (3, 9)), np.zeros(2, np.float32))
    effect = Effect("the Rhine", (Raised(" at", 0.1, 0.35), Raised("\n", 0, 0.02)))
    errors = [Errors(explanation="lakes", missed=m, false_alarms=f) for m, f in (([rhine], [eggs]), ([], [eggs]))]
    defaults: dict[str, Any] = {"sampling": "quantiles", "target_kl": 1.0, "cache": True, "seed": 0}
    kinds = ("contexts", "effects", "logits", "both", "contexts+effects", "effects+logits", "contexts+effects+logits")
    for evidence, activations, contrastive, style, cot, error in product(
        kinds, (False, True), (0, 1), get_args(Style), (False, True), (None, *errors)
    ):
        if contrastive and evidence in ("effects", "logits", "effects+logits"):
            continue
        options = Options(
            examples=1, activations=activations, cot=cot, contrastive=contrastive, evidence=evidence, style=style,
            **defaults,
        )  # fmt: skip
        gathered = Gathered(
            active=[rhine] if "contexts" in options.kinds else (),
            silent=[eggs] if contrastive else (),
            promoted=(" Danube",) if "logits" in options.kinds else (),
            suppressed=(" cup\n",) if "logits" in options.kinds else (),
            effects=(effect,) if "effects" in options.kinds else (),
        )
        yield text_of(explain_messages(gathered, options, error))


PROMPTS = {
    SCORES["detection"].version: detection,
    SCORES["fuzzing"].version: fuzzing,
    SCORES["simulation"].version: simulation,
    SCORES["intruder"].version: intruder,
    SCORES["surprisal"].version: surprisal,
    SCORES["intervention"].version: intervention,
    SCORES["generation"].version: generation,
    VERSION: explain,
}


@pytest.mark.parametrize("version", PROMPTS)
def test_prompt_has_the_wording_of_its_version(version: str) -> None:
    digest = sha256("\n\n".join(PROMPTS[version]()).encode()).hexdigest()
    where = "solvers/prompt.py (VERSION)" if version == VERSION else "scorers/shared/specs.py (version)"
    assert WORDINGS.get(version) == digest, (
        f"the wording of {version} is another than the one that had this version: raise the number in {where}, put"
        f' "NAME/NUMBER": "{digest}" in WORDINGS in place of the old line, and say in CHANGELOG.md what changed'
    )


def test_every_score_with_a_prompt_has_a_wording() -> None:
    assert {*PROMPTS} == {*WORDINGS}
    with_prompt = {name for name in SCORES if (ROOT / "scorers" / name / "prompt.py").exists()}
    assert with_prompt == {version.split("/")[0] for version in PROMPTS} - {"explain"}


@pytest.mark.parametrize("name", SCORES)
def test_version_names_its_score(name: str) -> None:
    score, _, number = SCORES[name].version.partition("/")
    assert score == name
    assert int(number) >= 1


@pytest.mark.parametrize("version", PROMPTS)
def test_rendered_variants_differ(version: str) -> None:
    variants = list(PROMPTS[version]())
    assert all(variants)
    if version != VERSION:  # an explainer's options without contexts change nothing: activations, for one
        assert len(set(variants)) == len(variants)
