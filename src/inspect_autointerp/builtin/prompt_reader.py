"""Base of the models that the package provides: they need no weights, key or network."""

import json
import re
from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal

from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    Logprobs,
    ModelAPI,
    ModelOutput,
    ModelUsage,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from inspect_autointerp.text.prompt_lines import (
    BEGINNING,
    BEGINNING_LINE,
    CANDIDATE,
    CONFIDENCE,
    EXAMPLE,
    EXPLANATION,
    MARKS,
    MOST_PROBABLE,
    NONE_GIVEN,
    RATING,
    TEXT,
    WRITE,
    numbered_lines,
)
from inspect_autointerp.text.token_lines import read_numbered

OWN = "inspect_autointerp"
"""The provider of all of them."""
NOT_UNDERSTOOD = "I answer this project's explainer and grader prompts only."
_TEXT, _EXAMPLE = numbered_lines(TEXT), numbered_lines(EXAMPLE)
_STEERED = re.compile(rf"^{TEXT} \d+: (.*)(?:\n{MOST_PROBABLE}(.*))?$", re.MULTILINE)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_EXPLAINING = re.compile(rf"^({EXAMPLE}|{BEGINNING}) 1: |^{MOST_PROBABLE}", re.MULTILINE)

Passage = tuple[str, set[int] | None]
"""A text without its marks, and which of its characters but spaces are marked; None where nothing has marks."""

Asked = Literal["explain", "judge", "simulate", "intruder", "choose", "choose_steered", "write"]


def asked(question: str) -> Asked | None:
    """Return what a question of this project's prompts asks for; None of any other.

    An explanation, labels of texts, activations of their tokens, the text that does not belong, the candidate that is
    described, the text that was steered, or new texts.
    """
    if question.startswith(EXPLANATION):
        if CANDIDATE.search(question):
            return "choose"
        if WRITE.search(question):
            return "write"
        if f"\n{BEGINNING_LINE}" in question:
            return "choose_steered"
        return "simulate" if f"\n{TEXT} 1:\n" in question else "judge"
    if _EXPLAINING.search(question):
        return "explain"
    return "intruder" if MARKS.match(question) and _TEXT.search(question) else None


def asked_for_confidences(messages: Sequence[ChatMessage]) -> bool:
    """Return whether the instructions of a grader's prompt ask for 0 to 100 in place of 0 and 1."""
    return CONFIDENCE in messages[0].text


def asked_for_ratings(messages: Sequence[ChatMessage]) -> bool:
    """Return whether the instructions of a grader's prompt ask for 0, 1 or 2 in place of 0 and 1."""
    return RATING in messages[0].text


def read_grading(question: str) -> tuple[str, list[Passage]]:
    """The explanation in a grader's question, empty where none was given, and the texts."""
    explanation, rest = _explanation(question)
    return explanation, _passages(_TEXT.findall(rest), rest)


def read_choosing(question: str) -> tuple[str, list[list[Passage]]]:
    """The explanation in a question about candidates, empty where none was given, and the texts of each."""
    explanation, rest = _explanation(question)
    return explanation, [_passages(_TEXT.findall(block), rest) for block in CANDIDATE.split(rest)[1:]]


def read_steered(question: str) -> tuple[str, list[tuple[str, ...]]]:
    """The explanation in a question about steered texts, and each text with the tokens that are listed below it."""
    explanation, rest = _explanation(question)
    return explanation, [(text, *map(json.loads, _QUOTED.findall(below))) for text, below in _STEERED.findall(rest)]


def read_simulating(question: str) -> tuple[str, list[list[str]]]:
    """The explanation in a simulator's question, empty where none was given, and the texts as tokens."""
    explanation, rest = _explanation(question)
    return explanation, read_numbered(rest)


def read_writing(question: str) -> tuple[str, int]:
    """The explanation in a writer's question, empty where none was given, and how many texts of each kind to write."""
    explanation, rest = _explanation(question)
    [n] = WRITE.findall("\n" + rest)
    return explanation, int(n)


def written_answer(active: Sequence[str], silent: Sequence[str]) -> str:
    """The answer that gives these texts."""
    return json.dumps({"active": list(active), "silent": list(silent)}, ensure_ascii=False)


def _explanation(question: str) -> tuple[str, str]:
    """Return the text about the latent, and the rest."""
    head, _, rest = question.partition("\n")
    explanation = head.removeprefix(EXPLANATION)
    return "" if explanation == NONE_GIVEN else explanation, rest


def read_lineup(question: str) -> list[Passage]:
    """The texts in a question that shows texts alone, of which one does not belong."""
    return _passages(_TEXT.findall(question), question)


def read_examples(question: str) -> list[Passage]:
    """The examples in an explainer's question."""
    return _passages(_EXAMPLE.findall(question), question)


def _passages(lines: list[str], question: str) -> list[Passage]:
    pair = MARKS.search(question)
    if pair is None:
        return [(line, None) for line in lines]
    either = re.compile(f"({re.escape(pair[1])}|{re.escape(pair[2])})")
    passages: list[Passage] = []
    for line in lines:
        text, inside = "", False
        marks: set[int] = set()
        for piece in either.split(line):
            if piece in pair.groups():
                inside = piece == pair[1]
                continue
            if inside:
                marks |= {len(text) + i for i, character in enumerate(piece) if character != " "}
            text += piece
        passages.append((text, marks))
    return passages


class OfflineAPI(ModelAPI):
    """A model that answers by a function of the prompt."""

    @abstractmethod
    def answer(self, input: list[ChatMessage], config: GenerateConfig) -> tuple[str, Logprobs | None]:
        """Return what it says, and the log-probabilities of that where it has them and they are asked for."""

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """Answer the prompt; a token is taken to be four characters."""
        answer, logprobs = self.answer(input, config)
        return self.output(input, ChatMessageAssistant(content=answer), logprobs)

    def output(
        self, input: list[ChatMessage], message: ChatMessageAssistant, logprobs: Logprobs | None = None
    ) -> ModelOutput:
        """Return a message as Inspect takes it, with the usage."""
        n_in, n_out = sum(len(message.text) for message in input) // 4, max(1, len(message.text) // 4)
        return ModelOutput(
            model=f"inspect_autointerp/{self.model_name}",
            choices=[
                ChatCompletionChoice(
                    message=message, logprobs=logprobs, stop_reason="tool_calls" if message.tool_calls else "stop"
                )
            ],
            usage=ModelUsage(input_tokens=n_in, output_tokens=n_out, total_tokens=n_in + n_out),
        )

    async def count_text_tokens(self, text: str) -> int:
        """A quarter of the characters: the default would download a tokenizer."""
        return max(1, len(text) // 4)
