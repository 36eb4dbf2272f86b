"""Three latents with everything that an explainer can be shown of one, and what it should answer."""

import re
from dataclasses import dataclass, replace

import numpy as np

from inspect_autointerp.latent import Context
from inspect_autointerp.solvers.evidence import Gathered
from inspect_autointerp.solvers.options import Options
from inspect_autointerp.solvers.steering_effects import Effect, Raised
from inspect_autointerp.text.prompt_lines import ANSWER_TAG

_TOKEN = re.compile(r"⟦(.+?)\|(\d+)⟧")


@dataclass(frozen=True, kw_only=True)
class Worked:
    """One of them."""

    active: tuple[str, ...]
    """Texts, each active token as `⟦token|strength⟧`."""
    silent: tuple[str, ...]
    alone: tuple[str, ...]
    """Texts in which the other one of two models is active alone. In the last text of `active` it is silent."""
    effects: tuple[tuple[str, dict[str, float]], ...]
    """Beginnings of texts, and the tokens that become more probable, by how much."""
    promoted: tuple[str, ...]
    suppressed: tuple[str, ...]
    thought: str
    steps: str
    """The same in three steps."""
    of_effects: str
    """Reasoning where no contexts are shown."""
    of_effects_in_steps: str
    sentence: str
    label: str

    def gathered(self, options: Options) -> Gathered:
        """Return what of it is shown."""
        contexts = "contexts" in options.kinds
        logits, effects, subjects = (kind in options.kinds for kind in ("logits", "effects", "subjects"))
        active = [_context(text) for text in self.active] if contexts else []
        if subjects:
            active = [replace(c, in_other=number < len(active)) for number, c in enumerate(active, 1)]
        return Gathered(
            active=active,
            alone=[_context(text) for text in self.alone] if subjects else (),
            silent=[_context(text) for text in self.silent] if options.contrastive else (),
            effects=[_effect(*effect) for effect in self.effects] if effects else (),
            promoted=self.promoted if logits else (),
            suppressed=self.suppressed if logits else (),
        )

    def answer(self, options: Options) -> str:
        """Return what is answered to it."""
        if "contexts" in options.kinds:
            thought = self.steps if options.cot else self.thought
        else:
            thought = self.of_effects_in_steps if options.cot else self.of_effects
        return f"{thought}\n{ANSWER_TAG} {self.label if options.style == 'label' else self.sentence}"


def _context(text: str) -> Context:
    """A context of which everything between active tokens is one token."""
    tokens: list[tuple[str, int]] = []
    end = 0
    for match in _TOKEN.finditer(text):
        tokens += [(text[end : match.start()], 0), (match[1], int(match[2]))]
        end = match.end()
    tokens.append((text[end:], 0))
    ends = np.cumsum([len(token) for token, _ in tokens]).tolist()
    spans = tuple(zip([0, *ends[:-1]], ends, strict=True))
    activations = np.array([strength for _, strength in tokens], dtype=np.float32)
    return Context("activating", 0, "".join(token for token, _ in tokens), spans, activations)


def _effect(prompt: str, raised: dict[str, float]) -> Effect:
    return Effect(prompt, tuple(Raised(token, 0.0, points) for token, points in raised.items()))


WORKED = (
    Worked(
        active=(
            "We took the ferry across the bay⟦ on|3⟧⟦ Tuesday|10⟧, and",
            "the shop is closed every⟦ Sunday|9⟧\nfrom noon",
            "see you next⟦ Fri|8⟧day, she wrote",
        ),
        silent=("We took the ferry in May, and on", "the shop is closed every evening\nfrom nine"),
        alone=("We took the ferry in⟦ May|9⟧, and on",),
        effects=(
            ("the shop is closed on Sunday", {" and": 0.21, " Monday": 0.184, " Tuesday": 0.05}),
            ("see you next Fri", {"day": 0.302, ".,": 0.024}),
        ),
        promoted=(" Monday", " Friday", "day", " Sundays", " weekend"),
        suppressed=(" kilometres", "()", " copper"),
        thought="The marked tokens are days of the week, or begin one. A preposition before a day is weakly active.",
        steps=(
            "The tokens: on, Tuesday, Sunday, Fri.\nAround them: dates and opening hours. `on` comes before a day, and"
            " `Fri` begins one.\nIn common: they name a day of the week, or begin its name."
        ),
        of_effects="The tokens name days of the week, or complete the name of one.",
        of_effects_in_steps=(
            "The tokens: and, Monday, Tuesday, day, Friday, Sundays.\nAround them: each comes after the name of a day"
            " of the week, or after its beginning.\nIn common: they name days, or lead to the next one."
        ),
        sentence="names of days of the week",
        label="days of the week",
    ),
    Worked(
        active=(
            "for row in table⟦:|10⟧\n    total += row[2]",
            "while not done⟦:|9⟧\n    step()",
            "if x is None⟦:|9⟧\n        return",
        ),
        silent=("rows = table[2:5]\ntotal = {}", "the train leaves at 10:45, so"),
        alone=("rows = table[2⟦:|6⟧5]\ntotal = {}",),
        effects=(
            ("for row in table:", {"\n": 0.41, "\n    ": 0.22}),
            ("while not done:", {"\n        ": 0.335, " pass": 0.06}),
        ),
        promoted=("\n    ", "\n        ", "\n\t", " return", " pass"),
        suppressed=(" yesterday", "ness", " Mr"),
        thought="Each marked token is a colon at the end of a line that opens a block of Python code.",
        steps=(
            "The tokens: a colon each time.\nAround them: for, while or if before it, a line break and an indentation"
            " after it.\nIn common: the colon ends a line of Python that opens a block."
        ),
        of_effects="The tokens break the line and indent the next one, or begin the body of a block of Python code.",
        of_effects_in_steps=(
            "The tokens: line breaks with an indentation, return, pass.\nAround them: lines of Python that open a"
            " block.\nIn common: they begin the indented body of such a block."
        ),
        sentence="the colon that opens an indented block of Python code",
        label="block-opening Python colon",
    ),
    Worked(
        active=(
            "the soup was far⟦ better|10⟧ than I had",
            "a⟦ tall|4⟧⟦er|9⟧ fence would have kept",
            "it takes⟦ less|7⟧ time than walking",
        ),
        silent=("the soup was the best I had", "a tall fence, rather than a wall"),
        alone=("the soup was the⟦ best|8⟧ I had",),
        effects=(
            ("the soup was far better", {" than": 0.388, ",": 0.01}),
            ("a taller", {" and": 0.09, " than": 0.072}),
        ),
        promoted=(" than", " THAN", "-than", " compared"),
        suppressed=(" most", "est", " equally"),
        thought="Each marked token is a comparative or part of one.",
        steps=(
            "The tokens: better, tall and er, less.\nAround them: two things are compared, mostly with `than` after the"
            " token.\nIn common: each is a comparative or part of one, regular or irregular."
        ),
        of_effects="After a comparative, the tokens introduce what something is compared with.",
        of_effects_in_steps=(
            "The tokens: than, in several spellings, compared.\nAround them: a comparative comes before.\nIn common:"
            " they introduce what something is compared with."
        ),
        sentence="comparative forms of adjectives and adverbs",
        label="comparative forms",
    ),
)
