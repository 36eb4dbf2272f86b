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
from inspect_autointerp.models.likelihood.chat_prompt import base_prompt
from inspect_autointerp.scorers.detection.probability_prompt import detection_question
from inspect_autointerp.scorers.detection.prompt import detection_messages
from inspect_autointerp.scorers.discrimination.prompt import discrimination_messages
from inspect_autointerp.scorers.fade.prompt import rating_messages
from inspect_autointerp.scorers.fuzzing.probability_prompt import fuzzing_question
from inspect_autointerp.scorers.fuzzing.prompt import fuzzing_messages
from inspect_autointerp.scorers.generation.prompt import generation_messages
from inspect_autointerp.scorers.intervention.prompt import after, before
from inspect_autointerp.scorers.intruder.prompt import intruder_messages
from inspect_autointerp.scorers.output_choice.prompt import output_choice_messages
from inspect_autointerp.scorers.shared.specs import SCORES
from inspect_autointerp.scorers.simulation.prompt import simulation_messages
from inspect_autointerp.scorers.surprisal.prompt import PSEUDO, surprisal_continuation, surprisal_prefix
from inspect_autointerp.solvers.evidence import Gathered
from inspect_autointerp.solvers.explain import explain_options
from inspect_autointerp.solvers.options import Options, Style
from inspect_autointerp.solvers.prompt import VERSION, Errors, explain_messages
from inspect_autointerp.solvers.steering_effects import Effect, Raised

WORDINGS = {
    "detection/4": "b4162629a4f33e27e1fd99cdd1fd08ef3a96a47e1670f4815dad6a37f8ecb83a",
    "fuzzing/4": "73b5619e40eb2d0fdaa6becd2f93cdc339fe780ae048466a1118f36fd35fb4c4",
    "detection-probability/1": "9934ad618f935d5bdd4b3c9a4fbb78aa0c58ef23bee58e3188ec9012edb48490",
    "fuzzing-probability/1": "b0dbd5fbbc7344fb82cd534b964f101fc87d58479ed5bfc8a9e92f4d97e39ff9",
    "intruder-probability/1": "71bef976023d17ffc508ebb7b05a6ecbb53df47ddd866a60dc8525a014dbb0e5",
    "simulation/2": "cb0aa83e5d06070a98fed0b1fced6b0a38ae264f906a1944882ec97401896b4b",
    "intruder/3": "82184bec014d6520d685f8bab6e4ded2f447119aeb9c8735d9428e48a9158a35",
    "discrimination/1": "38f9a949069fe4f17a822e8b6170a1ba8d4d8c98c61498ccd8fefff6e5593cb9",
    "surprisal/2": "cb3f1d6559853f370e93f455b50edb3e5bf2c960649fd0d3b279e4a8e91962b3",
    "intervention/3": "16b34557f9de57accd763b8302b4a2993b1e548f8a3506c4d8c4e1d0ddb5858e",
    "output_choice/1": "4b9779ba0ef9446e38271faf45e49c979a2f8f011ab6036981697a66ff89c0e7",
    "generation/2": "c3f614da135561b7996fdc1eac06f7d175a8513860a74bc67a7e8f767c7fc15f",
    "fade/1": "e1072c880962c048a401aefb13074b9da6119ada4c81efcdfb634787863dddb6",
    "explain/3": "fab60cc40cad379344760810d3cf5837f924b8ca7f6664d7da41108708169313",
    "explain/3-subjects": "de527757b96e0ab967d1acca5f4e431ca9f1e8cfa86716348b2da1797b9b7263",
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


def fade() -> Iterator[str]:
    for explanation, times in product((EXPLANATION, ""), (1, 5)):
        yield text_of(rating_messages(explanation, TEXTS * times))


def fuzzing() -> Iterator[str]:
    for confidence, explanation, times in product((False, True), (EXPLANATION, ""), (1, 5)):
        yield text_of(fuzzing_messages(explanation, TEXTS * times, ("<<", ">>"), confidence))


def detection_by_probability() -> Iterator[str]:
    for explanation in (EXPLANATION, ""):
        messages = detection_question(explanation, TEXTS[0])
        yield text_of(messages) + base_prompt(messages)


def fuzzing_by_probability() -> Iterator[str]:
    for explanation in (EXPLANATION, ""):
        messages = fuzzing_question(explanation, TEXTS[0], ("[[", "]]"))
        yield text_of(messages) + base_prompt(messages)


def intruder_by_probability() -> Iterator[str]:
    messages = intruder_messages([*TEXTS, *TEXTS, "five"], ("[[", "]]"))
    yield text_of(messages) + base_prompt(messages)


def simulation() -> Iterator[str]:
    for every, explanation in product((False, True), (EXPLANATION, "")):
        yield text_of(simulation_messages(explanation, TOKENS, every))


def intruder() -> Iterator[str]:
    yield text_of(intruder_messages([*TEXTS, *TEXTS, "five"], ("[[", "]]")))


def discrimination() -> Iterator[str]:
    for pair, explanation in product((("[[", "]]"), None), (EXPLANATION, "")):
        yield text_of(discrimination_messages(explanation, [TEXTS, TEXTS, TEXTS[:1]], pair))


def output_choice() -> Iterator[str]:
    promoted = ((" Rhine", "\n"), (" egg",), ("a", "b"))
    for explanation, shown in product((EXPLANATION, ""), (None, promoted)):
        yield text_of(output_choice_messages(explanation, "She went to", [*TEXTS, "three"], shown))


def generation() -> Iterator[str]:
    for explanation in (EXPLANATION, ""):
        yield text_of(generation_messages(explanation, 7))


def surprisal() -> Iterator[str]:
    for explanation in (EXPLANATION, PSEUDO):
        yield surprisal_prefix(explanation) + surprisal_continuation("the Rhine\nat Basel")


def intervention() -> Iterator[str]:
    yield before("the Rhine\nat Basel") + after(EXPLANATION)


def explain_subjects() -> Iterator[str]:
    marks = [
        Context(
            "activating",
            0,
            "the Rhine\nat",
            ((0, 3), (3, 9), (9, 12)),
            np.array([0, 2, 0.5], np.float32),
            1,
            in_other=x,
        )
        for x in (True, False, None)
    ]
    for activations, contrastive, alone in product((False, True), (0, 1), (0, 1)):
        options = explain_options(
            {"activations": activations, "contrastive": contrastive, "evidence": "contexts+subjects"}
        )
        yield text_of(explain_messages(Gathered(active=marks, alone=marks[:alone]), options))


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
    SCORES["detection"].versions[1]: detection_by_probability,
    SCORES["fuzzing"].versions[1]: fuzzing_by_probability,
    SCORES["intruder"].versions[1]: intruder_by_probability,
    SCORES["simulation"].version: simulation,
    SCORES["intruder"].version: intruder,
    SCORES["discrimination"].version: discrimination,
    SCORES["surprisal"].version: surprisal,
    SCORES["intervention"].version: intervention,
    SCORES["output_choice"].version: output_choice,
    SCORES["generation"].version: generation,
    SCORES["fade"].version: fade,
    VERSION: explain,
    f"{VERSION}-subjects": explain_subjects,
}


@pytest.mark.parametrize("version", PROMPTS)
def test_prompt_has_the_wording_of_its_version(version: str) -> None:
    digest = sha256("\n\n".join(PROMPTS[version]()).encode()).hexdigest()
    where = "solvers/prompt.py (VERSION)" if version.startswith(VERSION) else "scorers/shared/specs.py (version)"
    assert WORDINGS.get(version) == digest, (
        f"the wording of {version} is another than the one that had this version: raise the number in {where}, put"
        f' "NAME/NUMBER": "{digest}" in WORDINGS in place of the old line, and say in CHANGELOG.md what changed'
    )


def test_every_score_with_a_prompt_has_a_wording() -> None:
    assert {*PROMPTS} == {*WORDINGS}
    with_prompt = {name for name in SCORES if (ROOT / "scorers" / name / "prompt.py").exists()}
    names = {version.split("/")[0].removesuffix("-probability") for version in PROMPTS}
    assert with_prompt == names - {"explain"}


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
