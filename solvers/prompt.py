"""Prompt of the explainer, and the parser of its answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

from inspect_autointerp.latent import Context
from inspect_autointerp.solvers.evidence import Gathered
from inspect_autointerp.solvers.examples import examples, quoted
from inspect_autointerp.solvers.few_shot import WORKED
from inspect_autointerp.solvers.options import Options
from inspect_autointerp.solvers.parse_explanation import parse_explanation as parse_explanation
from inspect_autointerp.text.render import delimiters, visible

VERSION = "explain/2"
"""Changes whenever the wording below, or the worked examples', does: scores of explanations from different prompts are
told apart by it, and by the options, which change it as they say."""

_WHAT = """\
You find out what one latent of a language model responds to. A latent is a direction inside the model that is silent \
on most text and active on some tokens."""
_EXAMPLES = """\
You get examples of text on which it was active. The tokens on which it was active stand between delimiters that are \
named at the top; the delimiters are not part of the text. ⏎ stands for the end of a line."""
_STRENGTHS = """ \
Below each example the active tokens are listed with their strength, from 1 (weak) to 10 (the strongest of all)."""
_SILENT = " After them come texts on which it was silent, though they are alike."
_LOGITS = """\
You get the tokens which the latent, by itself, makes most probable as the next one, and those which it makes least \
probable."""
_EFFECTS = """\
You get beginnings of text, cut where the latent became active. It was amplified there, and below each you see which \
tokens became more probable as the next one, and by how many percentage points."""

_LOOK = """\
Look for what the active tokens have in common, in themselves or in what stands around them, and say it so that \
somebody could predict from new text whether and where the latent will be active."""
_LOOK_AT_EFFECTS = """\
Look for what the tokens that it makes more probable have in common, and say it so that somebody could tell from what \
the model writes that the latent was amplified."""
_BESIDES = " What it makes more probable is a further sign of what it stands for."

_SPECIFIC = "- Be specific, and cover all examples, weak ones included. Leave out what only some of them share."
_NOT_SILENT = "- It must not hold of the texts on which the latent was silent."
_LENGTH = {"sentence": "One short sentence or phrase.", "label": "A label of two to five words."}
_NO_LIST = 'No list of examples, nothing about delimiters, strengths or "the latent".'
_THINK = "- You may think first. The last line of your answer must be"
_IN_STEPS = """\
- Think first, in three steps: what the tokens are, one by one; what stands around them; what all examples have in \
common, the weakest too. The last line of your answer must be"""
_LAST = "EXPLANATION: <your explanation>"


@dataclass(frozen=True, kw_only=True)
class Errors:
    """Errors of an explanation."""

    explanation: str
    missed: Sequence[Context]
    """Contexts on which the latent is active, though the explanation does not say so."""
    false_alarms: Sequence[Context]
    """Contexts on which it is silent, though the explanation says otherwise."""


def explain_messages(gathered: Gathered, options: Options, errors: Errors | None = None) -> list[ChatMessage]:
    """The prompt that asks for an explanation.

    What never changes (instructions and worked examples) comes first, so that providers' prompt caches hit.

    Args:
        gathered: What to show of the latent.
        options: In what manner.
        errors: What an earlier explanation got wrong.
    """
    return [*_beginning(options), ChatMessageUser(content=question(gathered, options, errors))]


@cache  # the same objects for every latent
def _beginning(options: Options) -> list[ChatMessage]:
    messages: list[ChatMessage] = [ChatMessageSystem(content=_system(options))]
    for worked in WORKED:
        messages.append(ChatMessageUser(content=question(worked.gathered(options), options)))
        messages.append(ChatMessageAssistant(content=worked.answer(options)))
    return messages


def _system(options: Options) -> str:
    shown: list[str] = []
    contexts = "contexts" in options.kinds
    if contexts:
        strengths, silent = _STRENGTHS if options.activations else "", _SILENT if options.contrastive else ""
        shown.append(_EXAMPLES + strengths + silent)
    shown += [_EFFECTS] if "effects" in options.kinds else []
    shown += [_LOGITS] if "logits" in options.kinds else []
    look = (_LOOK + (_BESIDES if len(options.kinds) > 1 else "")) if contexts else _LOOK_AT_EFFECTS
    rules = [_SPECIFIC, *([_NOT_SILENT] if options.contrastive else []), f"- {_LENGTH[options.style]} {_NO_LIST}"]
    rules.append(_IN_STEPS if options.cot else _THINK)
    return "\n\n".join([_WHAT, *shown, "\n".join([look, *rules]), _LAST])


def question(gathered: Gathered, options: Options, errors: Errors | None = None) -> str:
    """Return what is shown of a latent, as an explainer reads it; the arguments are those of `explain_messages`."""
    missed, alarms = (errors.missed, errors.false_alarms) if errors else ((), ())
    everything = [*gathered.active, *missed]
    pair, maximum = delimiters([*everything, *alarms]), max((c.max_activation for c in everything), default=0.0)

    def active(contexts: Sequence[Context], first: int) -> list[str]:
        return examples(contexts, first, pair, maximum, activations=options.activations)

    def silent(contexts: Sequence[Context], first: int) -> list[str]:
        return [""] * bool(contexts) + [f"Silent {n}: {visible(c.text)}" for n, c in enumerate(contexts, first)]

    lines = [f"Active tokens stand between {pair[0]} and {pair[1]}."] if everything else []
    lines += active(gathered.active, 1) + silent(gathered.silent, 1)
    for number, effect in enumerate(gathered.effects, 1):
        raised = (f"{quoted(token.token)}: +{100 * (token.steered - token.clean):.1f}" for token in effect.raised)
        lines += ["", f"Beginning {number}: {visible(effect.prompt)}", f"More probable: {', '.join(raised)}"]
    if gathered.promoted:
        lines += ["", f"Most probable: {', '.join(map(quoted, gathered.promoted))}"]
        lines += [f"Least probable: {', '.join(map(quoted, gathered.suppressed))}"]
    if errors:
        lines += ["", f"An earlier explanation was: {visible(errors.explanation)}"]
        if missed:
            lines += ["It does not cover these, on which the latent was active:"]
            lines += active(missed, len(gathered.active) + 1)
        if alarms:
            lines += [""] * bool(missed) + ["It covers these, on which the latent was silent:"]
            lines += silent(alarms, len(gathered.silent) + 1)
        lines += ["", "Find a better one, which is right about these and all the others."]
    return "\n".join(lines).strip()
