"""`--model inspect_autointerp/lexical`: an Inspect model without weights, key or network.

It reads the very text that a language model gets. Asked to explain, it lists the tokens that carry the activation;
It reads the very text that a language model gets. Asked to explain, it lists the tokens that carry the activation;
asked to judge, it says yes to the texts in which a listed token stands; asked to simulate, it expects their weights
on the tokens where they stand; asked which text does not belong, it names the one whose marked words the others share
least; asked which candidate is described, it names the one in whose texts listed tokens stand most; asked which text
was steered, it names the one with most of them; asked for texts, it writes short ones around the listed tokens, and
the same ones around tokens that only look like them. Given an agent's tools, it calls them in a fixed order, and keeps
of the listed tokens those on which the latent fires by themselves. It understands this project's prompts only. It is
the embedded default, and the floor that a language model has to beat.
"""

import json
from math import log

from inspect_ai.model import ChatMessage, GenerateConfig, Logprob, Logprobs, ModelOutput, TopLogprob
from inspect_ai.tool import ToolChoice, ToolInfo

from inspect_autointerp.builtin.lexical.agent import agent_turn
from inspect_autointerp.builtin.lexical.choose import choose
from inspect_autointerp.builtin.lexical.choose_steered import choose_steered
from inspect_autointerp.builtin.lexical.explain import explain
from inspect_autointerp.builtin.lexical.intruder import intruder
from inspect_autointerp.builtin.lexical.judge import judge
from inspect_autointerp.builtin.lexical.simulate import simulate
from inspect_autointerp.builtin.lexical.write import write
from inspect_autointerp.builtin.prompt_reader import (
    NOT_UNDERSTOOD,
    OfflineAPI,
    asked,
    asked_for_confidences,
    asked_for_ratings,
    read_simulating,
    read_writing,
    written_answer,
)
from inspect_autointerp.text.token_lines import EVERY, as_shown, spelled

_CLEARLY = 0.75
"""Belief from which on a text is rated 2: a listed token of weight 5 or more stands in it."""


class LexicalAPI(OfflineAPI):
    """See the module's description."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008 - as Inspect's own providers
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config)

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """Take an agent's turn where there are tools to call, else answer the prompt."""
        names = {tool.name for tool in tools}
        if "submit" in names:
            return self.output(input, agent_turn(input, names))
        return await super().generate(input, tools, tool_choice, config)

    def answer(self, input: list[ChatMessage], config: GenerateConfig) -> tuple[str, Logprobs | None]:
        """Answer an explainer's or a grader's prompt; anything else with a line that says what is understood."""
        question = input[-1].text
        match asked(question):
            case "explain":
                return explain(question), None
            case "judge":
                beliefs = judge(question)
                if asked_for_ratings(input):
                    return str([(p >= 0.5) + (p >= _CLEARLY) for p in beliefs]), None
                if asked_for_confidences(input):
                    return str([round(100 * p) for p in beliefs]), None
                logprobs = Logprobs(content=_spelled(beliefs)) if config.logprobs else None
                return str([int(p >= 0.5) for p in beliefs]), logprobs
            case "choose_steered":
                number, guess = choose_steered(question)
                why = "no text holds a token of the explanation, so this is a guess"
                return (json.dumps({"answer": number, "why": why}) if guess else str(number)), None
            case "intruder":
                return str(intruder(question)), None
            case "choose":
                number, shares = choose(question)
                logprobs = Logprobs(content=_number(number, shares)) if config.logprobs and number else None
                return str(number), logprobs
            case "simulate":
                texts = [as_shown(tokens) for tokens in read_simulating(question)[1]]
                return spelled(texts, simulate(question), EVERY in input[0].text), None
            case "write":
                return written_answer(*write(*read_writing(question))), None
            case None:
                return NOT_UNDERSTOOD, None


def _number(number: int, shares: list[float]) -> list[Logprob]:
    """The answer that is a number as one token, with the log-probabilities of all numbers."""
    every = [TopLogprob(token=str(i), logprob=log(share)) for i, share in enumerate(shares, 1)]
    return [Logprob(token=str(number), logprob=every[number - 1].logprob, top_logprobs=every)]


def _spelled(beliefs: list[float]) -> list[Logprob]:
    """The answer `[1, 0, …]` as tokens, the labels with the log-probabilities of both."""
    tokens: list[Logprob] = []
    for i, p in enumerate(beliefs):
        tokens.append(Logprob(token="[" if i == 0 else ", ", logprob=0.0))
        p = min(max(p, 1e-6), 1 - 1e-6)
        both = [TopLogprob(token="1", logprob=log(p)), TopLogprob(token="0", logprob=log(1 - p))]
        label = both[0] if p >= 0.5 else both[1]
        tokens.append(Logprob(token=label.token, logprob=label.logprob, top_logprobs=both))
    tokens.append(Logprob(token="]" if beliefs else "[]", logprob=0.0))
    return tokens
