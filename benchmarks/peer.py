"""The setting in which the paper's own code was measured, as a task: detection and fuzzing, 41 calls per latent.

50 activating and 50 random contexts for each of the two scores, five to a call, and one call for the explanation. The
model `sleeping/MILLISECONDS` answers any prompt after that time. `benchmarks.sweep` runs it.
"""

import asyncio

from inspect_ai import Task, task
from inspect_ai.model import ChatMessage, GenerateConfig, ModelAPI, ModelOutput, ModelUsage, modelapi
from inspect_ai.tool import ToolChoice, ToolInfo

from inspect_autointerp.scorers.detection.scorer import detection
from inspect_autointerp.scorers.fuzzing.scorer import fuzzing
from inspect_autointerp.tasks._task import explainer_solver, open_latents, score_task

CALLS = 41
ANSWER = 10
"""Tokens that an answer of the sleeping model is counted as."""


@modelapi(name="sleeping")
class SleepingAPI(ModelAPI):
    """Says yes to every text, and calls every latent a word, after a while."""

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """Wait, and answer."""
        await asyncio.sleep(int(self.model_name) / 1000)
        question = input[-1].text
        judging = question.startswith("Explanation: ")
        answer = str([1] * question.count("\nText ")) if judging else "EXPLANATION: words"
        output = ModelOutput.from_content(f"sleeping/{self.model_name}", answer)
        output.usage = ModelUsage(
            input_tokens=len(question) // 4, output_tokens=ANSWER, total_tokens=len(question) // 4 + ANSWER
        )
        return output

    async def count_text_tokens(self, text: str) -> int:
        """A quarter of the characters."""
        return max(1, len(text) // 4)


@task
def peer(
    store: str,
    latents: str | int | list[int],
    min_contexts: int = 20,
    texts_per_call: int = 5,
    hookpoint: str | None = None,
) -> Task:
    """See the module's description."""
    data = open_latents(store, hookpoint, latents, "random", min_contexts, None, 0)
    solver = explainer_solver({"name": "explain", "cache": False}, None, data)
    scorers = {
        "detection": detection(50, 50, texts_per_call),
        "fuzzing": fuzzing(50, 50, mismarked=0, texts_per_call=texts_per_call),
    }
    return score_task(data, solver, scorers)
