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
from inspect_autointerp.text.prompt_lines import (
    ANSWER_TAG,
    BEGINNING,
    LATENT,
    LEAST_PROBABLE,
    LINE_BREAK,
    MORE_PROBABLE,
    MOST_PROBABLE,
    OTHER_TEXT,
    SILENT_TEXT,
    marks_line,
    numbered_line,
)
from inspect_autointerp.text.render import delimiters, visible

VERSION = "explain/3"
"""Changes whenever the wording below, or the worked examples', does: scores of explanations from different prompts are
told apart by it, and by the options, which change it as they say."""

_ROLE = f"You explain what one latent of a language model is active on. {LATENT}"
_EXAMPLES = f"""\
You get numbered examples: texts, each cut from a longer text, in which the latent is active. The tokens on which it \
is active are marked. The first line names the two signs around marked tokens; these signs are not part of the text. \
{LINE_BREAK}"""
_STRENGTHS = """ \
Below each example, its marked tokens are listed with their strengths, from 1 (weak) to 10 (the strongest in all \
examples)."""
_SILENT = " After the examples come silent texts: they look similar, but the latent is silent on all of their tokens."
_SUBJECTS = """\
The latent exists in two versions of the language model. You explain it in one of them; the other one is called the \
other model. Below an example a line may say whether the latent is active in this text in the other model, too. After \
the examples there may be texts of the other model: in these the latent is active in the other model and silent in \
the one that you explain. The tokens on which it is active in the other model are marked."""
_LOGITS = """\
You get the tokens that the latent, by itself, makes most probable as the next token, and the tokens that it makes \
least probable."""
_EFFECTS = """\
You get numbered beginnings of texts, each cut right after a token on which the latent is active. The latent was \
amplified on that token. Below each beginning are the tokens that this made more probable as the next token, each with \
the increase in percentage points."""

_LOOK = """\
Find what the marked tokens have in common, in themselves or in the text around them. Explain it so that a reader can \
predict, for a new text, whether the latent is active in it and on which tokens."""
_LOOK_AT_EFFECTS = """\
Find what the tokens that became more probable have in common. Explain it so that a reader can tell from what the \
model writes that the latent was amplified."""
_FURTHER = " The tokens that the latent makes more probable are a further clue to what it stands for."

_SPECIFIC = "- Be specific. Cover all examples, the weak ones too. Leave out what only some of the examples share."
_NOT_SILENT = "- The explanation must not fit the silent texts."
_NOT_OTHER = """\
- The texts of the other model are not examples: the explanation must not fit them. Do not mention the other model in \
it."""
_LENGTH = {"sentence": "Write one short sentence or phrase.", "label": "Write a label of two to five words."}
_NO_LIST = 'Do not list examples in it, and do not mention the marks, the strengths or "the latent".'
_THINK = "- You may think first. The last line of your answer must have this form:"
_IN_STEPS = """\
- Think first, in three steps: the marked tokens, one by one; the text around them; what all examples have in common, \
the weakest too. The last line of your answer must have this form:"""
_LAST = f"{ANSWER_TAG} <your explanation>"


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
    shown += [_SUBJECTS] if "subjects" in options.kinds else []
    shown += [_EFFECTS] if "effects" in options.kinds else []
    shown += [_LOGITS] if "logits" in options.kinds else []
    further = not {"effects", "logits"}.isdisjoint(options.kinds)
    look = (_LOOK + (_FURTHER if further else "")) if contexts else _LOOK_AT_EFFECTS
    rules = [_SPECIFIC, *([_NOT_SILENT] if options.contrastive else [])]
    rules += [_NOT_OTHER] if "subjects" in options.kinds else []
    rules.append(f"- {_LENGTH[options.style]} {_NO_LIST}")
    rules.append(_IN_STEPS if options.cot else _THINK)
    return "\n\n".join([_ROLE, *shown, "\n".join([look, *rules, _LAST])])


def question(gathered: Gathered, options: Options, errors: Errors | None = None) -> str:
    """Return what is shown of a latent, as an explainer reads it; the arguments are those of `explain_messages`."""
    missed, alarms = (errors.missed, errors.false_alarms) if errors else ((), ())
    everything = [*gathered.active, *missed, *gathered.alone]
    pair, maximum = delimiters([*everything, *alarms]), max((c.max_activation for c in everything), default=0.0)

    def active(contexts: Sequence[Context], first: int) -> list[str]:
        subjects = "subjects" in options.kinds
        return examples(contexts, first, pair, maximum, activations=options.activations, subjects=subjects)

    def silent(contexts: Sequence[Context], first: int) -> list[str]:
        return [""] * bool(contexts) + [
            numbered_line(SILENT_TEXT, n, visible(c.text)) for n, c in enumerate(contexts, first)
        ]

    lines = [marks_line(pair)] if everything else []
    lines += active(gathered.active, 1) + silent(gathered.silent, 1)
    lines += examples(gathered.alone, 1, pair, maximum, activations=options.activations, name=OTHER_TEXT)
    for number, effect in enumerate(gathered.effects, 1):
        raised = (f"{quoted(token.token)}: +{100 * (token.steered - token.clean):.1f}" for token in effect.raised)
        lines += ["", numbered_line(BEGINNING, number, visible(effect.prompt)), f"{MORE_PROBABLE}{', '.join(raised)}"]
    if gathered.promoted:
        lines += ["", f"{MOST_PROBABLE}{', '.join(map(quoted, gathered.promoted))}"]
        lines += [f"{LEAST_PROBABLE}{', '.join(map(quoted, gathered.suppressed))}"]
    if errors:
        lines += ["", f"An earlier explanation: {visible(errors.explanation)}"]
        if missed:
            lines += ["It misses these examples, in which the latent is active:"]
            lines += active(missed, len(gathered.active) + 1)
        if alarms:
            lines += [""] * bool(missed) + ["It wrongly fits these texts, on which the latent is silent:"]
            lines += silent(alarms, len(gathered.silent) + 1)
        lines += ["", "Write a better explanation, one that is right about these texts and about all the others."]
    return "\n".join(lines).strip()
