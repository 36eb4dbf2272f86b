"""`counted/ROLE`: a stand-in for the model of a role, which answers plausibly, so that everything else is asked."""

from inspect_ai.model import ChatMessage, GenerateConfig, Logprob, Logprobs, Model, ModelAPI, ModelOutput, modelapi
from inspect_ai.model import get_model as inspect_model
from inspect_ai.tool import ToolChoice, ToolInfo

from inspect_autointerp.builtin.lexical.provider import LexicalAPI
from inspect_autointerp.builtin.prompt_reader import asked
from inspect_autointerp.text.prompt_lines import ANSWER_TAG


@modelapi(name="counted")
def _counted() -> type[ModelAPI]:
    return Counted


def stand_in(role: str) -> Model:
    """The stand-in for a role; `main` for Inspect's main model."""
    return inspect_model(f"counted/{role}", memoize=False)


class Counted(LexicalAPI):
    """Return the lexical model's answer, at the length at which the prompt's worked examples say it.

    What is asked for the log-probabilities of its prompt gives them, all of it as one token.
    """

    def answer(self, input: list[ChatMessage], config: GenerateConfig) -> tuple[str, Logprobs | None]:
        """As the lexical model; an explanation has in front of it what the middling worked example thinks."""
        completion, logprobs = super().answer(input, config)
        if asked(input[-1].text) == "explain":
            completion = completion if ANSWER_TAG in completion else f"{ANSWER_TAG} {completion}"
            worked = [message.text.partition(ANSWER_TAG)[0] for message in input if message.role == "assistant"]
            completion = sorted(worked, key=len)[len(worked) // 2] + completion if worked else completion
        return completion, logprobs

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """Answer the prompt, or read it."""
        if not config.prompt_logprobs:
            return await super().generate(input, tools, tool_choice, config)
        output = ModelOutput.from_content(f"counted/{self.model_name}", ".")
        output.choices[0].prompt_logprobs = Logprobs(content=[Logprob(token=input[-1].text, logprob=-1.0)])
        return output
