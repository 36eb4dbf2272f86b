"""The prompt of intruder. When its wording changes, its version in `shared.specs` does."""

from collections.abc import Sequence
from functools import cache

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

from inspect_autointerp.text.prompt_lines import LATENT, LINE_BREAK, TEXT, marks_line, numbered_line

_SYSTEM = f"""\
You find the text that does not belong with the others. All texts are about one latent. {LATENT}

You get five numbered texts, each cut from a longer text. In each text some tokens are marked. The first line names \
the two signs around marked tokens; these signs are not part of the text. {LINE_BREAK}

In four of the texts the marked tokens are those on which the latent is active. In the text that does not belong, the \
latent is silent everywhere and the marks mean nothing. Find what the marked tokens of four texts have in common, in \
themselves or in the text around them. The text that does not share it is the one to name. Ignore how many tokens are \
marked and where in the text they are: that tells you nothing.

Answer with the number of that text, for example `2`. Write only the number, without explaining it."""

_WORKED = (
    (
        (
            "the ferry leaves on <<Tuesday>> at noon",
            "the shop is closed every <<Sunday>>⏎from",
            "and two eggs,⏎well <<beaten>> with sugar",
            "I have not been there since last <<Friday>>",
            "see you on <<Mon>>. or Tue., she wrote",
        ),
        3,
    ),
    (
        (
            "x = rows[1<<:>>3] + rest⏎print(",
            "for row in table<<:>>⏎    total += row",
            "while not done<<:>>⏎    step()⏎⏎    #",
            "if x is None<<:>>⏎        return y",
            "class Reader<<:>>⏎    '''Reads.'''",
        ),
        1,
    ),
)


def intruder_messages(texts: Sequence[str], pair: tuple[str, str] = ("<<", ">>")) -> list[ChatMessage]:
    """The prompt that asks which of five marked texts does not belong.

    What never changes (instructions and worked examples) comes first, so that providers' prompt caches hit.
    """
    return [*_beginning(), ChatMessageUser(content=_question(texts, pair))]


@cache  # the same objects each time, see `detection`
def _beginning() -> list[ChatMessage]:
    messages: list[ChatMessage] = [ChatMessageSystem(content=_SYSTEM)]
    for examples, answer in _WORKED:
        messages.append(ChatMessageUser(content=_question(examples, ("<<", ">>"))))
        messages.append(ChatMessageAssistant(content=str(answer)))
    return messages


def _question(texts: Sequence[str], pair: tuple[str, str]) -> str:
    shown = [numbered_line(TEXT, i, text) for i, text in enumerate(texts, 1)]
    return "\n".join([marks_line(pair), "", *shown])
