"""Models for tests: answers from a function of the prompt, with usage given (mockllm alone would go to the network)."""

from collections.abc import Callable

from inspect_ai.model import ChatMessage, GenerateConfig, Model, ModelOutput, ModelUsage, get_model

Answer = str | ModelOutput | Exception


def model(answer: Callable[[list[ChatMessage]], Answer], name: str = "model") -> Model:
    """A model that answers by a function of the messages; an exception it returns is raised."""

    def output(messages: list[ChatMessage], tools: object, choice: object, config: GenerateConfig) -> ModelOutput:
        said = answer(messages)
        if isinstance(said, Exception):
            raise said
        found = said if isinstance(said, ModelOutput) else ModelOutput.from_content("mockllm/model", said)
        found.usage = ModelUsage(input_tokens=10, output_tokens=2, total_tokens=12)
        return found

    return get_model(f"mockllm/{name}", custom_outputs=output, memoize=False)


def texts_of(messages: list[ChatMessage]) -> list[str]:
    """The texts that a grader's prompt asks about."""
    question = next(
        message for message in reversed(messages) if message.role == "user" and "\nText 1: " in message.text
    )
    lines = question.text.split("\n\n", 1)[1].splitlines()
    return [line.split(": ", 1)[1] for line in lines]
