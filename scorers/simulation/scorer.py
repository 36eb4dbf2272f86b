"""Simulation: does the explanation tell how strongly the latent fires on each token?

Protocol of Bills et al. 2023 as in arXiv 2410.13928, §3.3.5, all at once: the grader reads the explanation and some
texts token by token, and predicts each token's activation. Differences: the wording; several texts a call, and silent
tokens go without saying (with `every` they are named, as in the paper); tokens are answered by number and name, so that
what does not line up is caught; what was answered is read, and its log-probabilities, rather than those of a prompt;
random contexts go along with activating ones, and the natural base rate is accounted for.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cache

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser
from inspect_ai.scorer import Score, Scorer, Target, scorer
from inspect_ai.solver import TaskState

from inspect_autointerp.contexts.negatives import HARD, negative_kinds
from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.inspect_support.explanation import Explanation
from inspect_autointerp.scorers.shared.ask import grader
from inspect_autointerp.scorers.shared.score import (
    judged_metrics,
    judged_score,
    latent_of,
    made_by,
    too_few,
    without_explanation,
)
from inspect_autointerp.scorers.simulation.predict import predict
from inspect_autointerp.scorers.simulation.report import side_by_side
from inspect_autointerp.scorers.simulation.statistics import KEYS, correlation_keys, correlation_statistics
from inspect_autointerp.text.render import visible
from inspect_autointerp.text.token_lines import END, EVERY, PART, SILENT, SPACE, as_shown, numbered, spelled

VERSION = "simulation/1"
"""Changes whenever the wording below does."""

_SYSTEM = f"""\
One latent of a language model has an activation on every token of a text: 0 where it is silent, as it is on most, and \
more the stronger it responds. Somebody has explained what it responds to. You get the explanation and some numbered \
texts, cut out of longer ones, as tokens: on each line a token's number, a tab and the token. There {SPACE} stands for \
a space, ⏎ for the end of a line, and {PART} for a token that is only part of a character.

For each token predict the activation from the explanation alone, as a whole number from 0 (silent) to 10 (as active \
as it ever gets). The model reads from left to right: what stands behind a token has no influence on it. Any number of \
the texts, none and all included, can be silent throughout.

"""
_NAMED = f"""\
Answer for every text in order with its head, and below it a line for each token above 0 and for no other: the token's \
number, a tab, the token as it stands there, a tab, the activation. The head of a text without any ends in “{SILENT}”. \
The last line is “{END}”. Answer with nothing else."""
_EVERY = f"""\
Answer for every text in order with its head, and below it a line for {EVERY}: its number, a tab, the token as it \
stands there, a tab, the activation. The last line is “{END}”. Answer with nothing else."""

_WORKED = (
    (
        "names of days of the week",
        (
            {"the": 0, " ferry": 0, " leaves": 0, " on": 0, " Tuesday": 10, " at": 0},
            {"a": 0, " cup": 0, " of": 0, " sug": 0, "ar": 0, "\n": 0, "two": 0, " eggs": 0},
            {" See": 0, " you": 0, " Fri": 8, ".": 0, " or": 0, " Sat": 8, "urday": 9},
        ),
    ),
    (
        "words about heat in the kitchen, strongest on verbs",
        (
            {"Boil": 10, " the": 0, " water": 1, " in": 0, " a": 0, " hot": 6, " pan": 3, ",": 0, "\n": 0, "  ": 0},
            {"if": 0, " x": 0, ":": 0, "\n": 0, "    ": 0, "y": 0, " =": 0, ' "': 0, "": 0, "é": 0, '"': 0},
        ),
    ),
)


def simulation_messages(explanation: str, texts: Sequence[Sequence[str]], every: bool = False) -> list[ChatMessage]:
    """The prompt that puts one batch of texts to the grader.

    What never changes (instructions and worked examples) comes first, so that providers' prompt caches hit.

    Args:
        explanation: What the grader is to go by.
        texts: As tokens as `numbered.as_shown` gives them.
        every: Whether the answer is to name every token.
    """
    return [*_beginning(every), ChatMessageUser(content=_question(explanation, texts))]


@cache  # the same objects each time, see `detection`
def _beginning(every: bool) -> list[ChatMessage]:
    messages: list[ChatMessage] = [ChatMessageSystem(content=_SYSTEM + (_EVERY if every else _NAMED))]
    for worked, examples in _WORKED:
        tokens = [as_shown(example) for example in examples]
        messages.append(ChatMessageUser(content=_question(worked, tokens)))
        values = [list(example.values()) for example in examples]
        messages.append(ChatMessageAssistant(content=spelled(tokens, values, every)))
    return messages


def _question(explanation: str, texts: Sequence[Sequence[str]]) -> str:
    said = visible(explanation.strip()) or "(none was given)"
    return f"Explanation: {said}\n\n{numbered(texts)}"


@scorer(metrics=judged_metrics(HARD, KEYS))
def simulation(
    contexts: str | None = None,
    activating: int = 50,
    nonactivating: int = 50,
    shown: int = 5,
    every: bool = False,
    seed: int = 0,
    window: int | None = None,
    negatives: str = "random",
    min_contexts: int = 20,
) -> Scorer:
    """Grade an explanation by how well activations predicted from it go along with the true ones.

    The grader is the model role `grader`; without one the explainer grades itself, and the score's metadata says so.

    Args:
        contexts: The context store, see `evaluation.locate`.
        activating: Test contexts on which the latent fires, the deciles in equal shares.
        nonactivating: Test contexts of each kind of negative.
        shown: Texts per call to the grader.
        every: Have every token answered, not those above 0 alone: many more tokens, and expected values for all.
        seed: Of the draw and the order of contexts.
        window: Tokens in a context; the store's own by default.
        negatives: Kinds of negatives, see `negative_kinds`; each harder one than random gets a statistic of its own.
        min_contexts: A latent with fewer contexts of a harder kind is undefined there.
    """
    options = dict(locals())

    async def score(state: TaskState, target: Target) -> Score:
        store, latent = latent_of(state, contexts, window)
        model, name = grader()
        metadata = made_by(name, VERSION, options)
        kinds = negative_kinds(store, latent.hookpoint, negatives)
        hard = kinds[1:]
        explanation = Explanation.get(state)
        if explanation.text is None:
            return without_explanation(explanation, correlation_keys(hard), metadata)
        tests = LatentContexts(store, latent, centered=False).test(activating, nonactivating, seed, kinds)
        texts = [as_shown(context.tokens()) for context in tests]
        batches = [texts[i : i + shown] for i in range(0, len(texts), shown)]
        text = explanation.text
        predictions = await predict(model, batches, lambda batch: simulation_messages(text, batch, every), every=every)
        said = [prediction.values for prediction in predictions]
        values = correlation_statistics(tests, said, latent.firing_share, hard, min_contexts)
        counts = Counter(context.kind for context in tests)
        metadata |= {
            "tokens_named": sum(prediction.n_named for prediction in predictions),
            "expected_values": sum(prediction.n_weighed for prediction in predictions),
            **too_few(counts, hard, min_contexts),
        }
        reasons = [prediction.reason for prediction in predictions]
        return judged_score(values, text, reasons, side_by_side(tests, predictions), metadata)

    return score
