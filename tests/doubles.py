"""Models for tests: answers from a function of the prompt, with usage given (mockllm alone would go to the network)."""

from collections.abc import Callable

from inspect_ai.model import ChatMessage, GenerateConfig, Model, ModelOutput, ModelUsage, get_model

from inspect_autointerp.builtin.prompt_reader import read_simulating

Answer = str | ModelOutput | Exception


def model(answer: Callable[[list[ChatMessage]], Answer], name: str = "model") -> Model:
    """A model that answers by a function of the messages; an exception it returns is raised."""

    def output(messages: list[ChatMessage], tools: object, choice: object, config: GenerateConfig) -> ModelOutput:
        reply = answer(messages)
        if isinstance(reply, Exception):
            raise reply
        output_ = reply if isinstance(reply, ModelOutput) else ModelOutput.from_content("mockllm/model", reply)
        output_.usage = ModelUsage(input_tokens=10, output_tokens=2, total_tokens=12)
        return output_

    return get_model(f"mockllm/{name}", custom_outputs=output, memoize=False)


def texts_of(messages: list[ChatMessage]) -> list[str]:
    """The texts that a grader's prompt asks about."""
    lines = _question(messages, "\nText 1: ").split("\n\n", 1)[1].splitlines()
    return [line.split(": ", 1)[1] for line in lines]


def tokens_of(messages: list[ChatMessage]) -> tuple[str, list[list[str]]]:
    """The explanation that a simulator's prompt gives, and the texts, as tokens, that it asks about."""
    return read_simulating(_question(messages, "\nText 1:\n"))


def _question(messages: list[ChatMessage], mark: str) -> str:
    """The last turn of the user's that has a mark; what follows says what was wrong with the answer."""
    return next(message.text for message in reversed(messages) if message.role == "user" and mark in message.text)
