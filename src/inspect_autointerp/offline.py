"""What the models that the package itself provides have in common: they need no weights, key or network."""

import re
from abc import abstractmethod

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

NOT_UNDERSTOOD = "I answer this project's explainer and grader prompts only."
_TEXT = re.compile(r"^Text \d+: (.*)$", re.MULTILINE)
_EXAMPLE = re.compile(r"^Example \d+: (.*)$", re.MULTILINE)
_DELIMITERS = re.compile(r"stand between (\S+) and (\S+)\.")


def read_grading(question: str) -> tuple[str, list[str]]:
    """The explanation in a grader's question, empty where none was given, and the texts."""
    head, _, rest = question.partition("\n")
    said = head.removeprefix("Explanation: ")
    return "" if said == "(none was given)" else said, _TEXT.findall(rest)


def read_marked(question: str) -> list[tuple[str, set[int]]]:
    """The examples in an explainer's question without their marks, and which characters but spaces are marked."""
    pair = _DELIMITERS.search(question)
    if pair is None:
        return []
    either = re.compile(f"({re.escape(pair[1])}|{re.escape(pair[2])})")
    examples = []
    for line in _EXAMPLE.findall(question):
        text, marks, inside = "", set(), False
        for piece in either.split(line):
            if piece in pair.groups():
                inside = piece == pair[1]
                continue
            if inside:
                marks |= {len(text) + i for i, character in enumerate(piece) if character != " "}
            text += piece
        examples.append((text, marks))
    return examples


class OfflineAPI(ModelAPI):
    """A model that answers by a function of the prompt."""

    @abstractmethod
    def answer(self, input: list[ChatMessage], config: GenerateConfig) -> tuple[str, Logprobs | None]:
        """What it says, and the log-probabilities of that where it has them and they are asked for."""

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """Answer the prompt; a token is taken to be four characters."""
        answer, logprobs = self.answer(input, config)
        n_in, n_out = sum(len(message.text) for message in input) // 4, max(1, len(answer) // 4)
        return ModelOutput(
            model=f"inspect_autointerp/{self.model_name}",
            choices=[ChatCompletionChoice(message=ChatMessageAssistant(content=answer), logprobs=logprobs)],
            usage=ModelUsage(input_tokens=n_in, output_tokens=n_out, total_tokens=n_in + n_out),
        )

    async def count_text_tokens(self, text: str) -> int:
        """A quarter of the characters: the default would download a tokenizer."""
        return max(1, len(text) // 4)
