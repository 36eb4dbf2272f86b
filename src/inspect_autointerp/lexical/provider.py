"""`--model inspect_autointerp/lexical`: an Inspect model without weights, key or network.

It reads the very text that a language model gets. Asked to explain, it lists the tokens that carry the activation;
asked to judge, it says yes to the texts in which a listed token stands. It understands this project's prompts only. It
is the embedded default, and the floor that a language model has to beat.
"""

from math import log

from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    Logprob,
    Logprobs,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    TopLogprob,
    modelapi,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from inspect_autointerp.lexical.explain import explain
from inspect_autointerp.lexical.judge import judge


@modelapi(name="inspect_autointerp")
def lexical() -> type[ModelAPI]:
    """The provider; its one model is `lexical`."""
    return LexicalAPI


class LexicalAPI(ModelAPI):
    """See the module's description.

    Raises:
        ValueError: Another model than `lexical` is asked for.
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008 - as Inspect's own providers
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config)
        if model_name != "lexical":
            raise ValueError(f"inspect_autointerp/{model_name}: there is one model, inspect_autointerp/lexical")

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """Answer an explainer's or a grader's prompt; anything else with a line that says what is understood."""
        question = input[-1].text
        logprobs = None
        if question.startswith("Explanation: "):
            confidence = "whole numbers from 0 (" in input[0].text
            beliefs = judge(question)
            answer = str([round(100 * p) for p in beliefs] if confidence else [int(p >= 0.5) for p in beliefs])
            if config.logprobs and not confidence:
                logprobs = Logprobs(content=_spelled(beliefs))
        elif "\nExample 1: " in question:
            answer = explain(question)
        else:
            answer = "I answer this project's explainer and grader prompts only."
        n_in, n_out = sum(len(message.text) for message in input) // 4, max(1, len(answer) // 4)
        return ModelOutput(
            model="inspect_autointerp/lexical",
            choices=[ChatCompletionChoice(message=ChatMessageAssistant(content=answer), logprobs=logprobs)],
            usage=ModelUsage(input_tokens=n_in, output_tokens=n_out, total_tokens=n_in + n_out),
        )

    async def count_text_tokens(self, text: str) -> int:
        """A quarter of the characters: the default would download a tokenizer."""
        return max(1, len(text) // 4)


def _spelled(beliefs: list[float]) -> list[Logprob]:
    """The answer `[1, 0, …]` as tokens, the labels with the log-probabilities of both."""
    tokens = []
    for i, p in enumerate(beliefs):
        tokens.append(Logprob(token="[" if i == 0 else ", ", logprob=0.0))
        p = min(max(p, 1e-6), 1 - 1e-6)
        both = [TopLogprob(token="1", logprob=log(p)), TopLogprob(token="0", logprob=log(1 - p))]
        said = both[0] if p >= 0.5 else both[1]
        tokens.append(Logprob(token=said.token, logprob=said.logprob, top_logprobs=both))
    tokens.append(Logprob(token="]" if beliefs else "[]", logprob=0.0))
    return tokens
