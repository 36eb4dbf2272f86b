"""The tool `steer`: what the subject says when the latent is amplified, against what it says otherwise."""

from collections.abc import Sequence

import numpy as np
from inspect_ai.tool import Tool, ToolError, tool

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.models.from_store import steering_of
from inspect_autointerp.models.steering import Direction, Generate, Predict, Prompt, Tune
from inspect_autointerp.scorers.intervention.steering_prompts import prompts as explain_prompts
from inspect_autointerp.solvers.examples import quoted
from inspect_autointerp.solvers.steering_effects import raised_tokens
from inspect_autointerp.solvers.tools.latent_at_hand import LatentAtHand, at_hand, check_texts, tool_call
from inspect_autointerp.text.prompt_lines import BEGINNING, MORE_PROBABLE, numbered_line
from inspect_autointerp.text.render import visible

MOST_PROMPTS = 8
_DEFAULT_PROMPTS, _TUNED_PROMPTS = 5, 10
_NEW_TOKENS = 16
_RAISED = 5
_WEAKEST, _STRONGEST = 0.05, 10.0
"""KL targets in nats."""


@tool
def steer() -> Tool:
    """Let an agent see what the latent does."""

    async def execute(prompts: list[str] | None = None, strength: float = 1.0) -> str:
        """Amplify the latent at the end of prompts, and compare what the model writes with what it writes otherwise.

        Use it to find out what the latent makes the model write. That can differ from what the latent is active on.

        Args:
            prompts: Up to 8 beginnings of texts that you write. Leave it out to use beginnings of texts in which the
                latent is active.
            strength: Strength of the effect, from 0.05 to 10: how far the distribution of the next token moves, in nats
                of KL divergence. 1 is clearly visible, 3 is strong.
        """
        with tool_call():
            return await show_steering(at_hand(), prompts, strength)

    return execute


async def show_steering(at: LatentAtHand, prompts: list[str] | None, strength: float) -> str:
    """Return what comes after prompts, as it is and steered.

    Args:
        at: The latent.
        prompts: Beginnings of texts; None or none for beginnings of contexts of the explain split.
        strength: KL(clean ‖ steered) of the next token, in nats, the mean over prompts that are tuned on.

    Raises:
        ToolError: A prompt or the strength cannot be used, or no strength has such an effect.
        UserError: The subject cannot be loaded or steered.
    """
    if not _WEAKEST <= strength <= _STRONGEST:
        raise ToolError(f"strength={strength}: give {_WEAKEST} to {_STRONGEST:g}.")
    own: list[Prompt] = _tokenized(at, prompts) if prompts else []
    drawn, _ = explain_prompts(at.store, LatentContexts(at.store, at.latent), tuned=_TUNED_PROMPTS, scored=0, seed=0)
    asked = own or drawn[:_DEFAULT_PROMPTS]
    if not asked:
        raise ToolError("No context begins before the latent is active in it. Give prompts of your own.")
    steering = await steering_of(at.store, at.latent.hookpoint)
    direction = Direction(at.latent.index)
    tuned = await steering.tune(Tune(direction, drawn or own, strength))
    if tuned.strength is None:
        raise ToolError(f"The latent cannot be steered to strength {strength:g}: {tuned.reason}. Try another strength.")
    logprobs = await steering.predict(Predict(direction, asked, tuned.strength))
    written = await steering.generate(Generate(direction, asked, tuned.strength, 0, _NEW_TOKENS))
    lines: list[str] = []
    rows = zip(asked, np.exp(logprobs.clean), np.exp(logprobs.steered), written.clean, written.steered, strict=True)
    for number, (prompt, clean, steered, plain, changed) in enumerate(rows, 1):
        more = (
            f"{quoted(one.token)}: +{100 * (one.steered - one.clean):.1f}"
            for one in raised_tokens(at.store, prompt, clean, steered, _RAISED)
        )
        lines += [
            numbered_line(BEGINNING, number, visible(_text(at, prompt))),
            f"{MORE_PROBABLE}{', '.join(more) or 'nothing'}",
            f"Unsteered: {visible(at.store.detokenizer.after(prompt, plain))}",
            f"Steered: {visible(at.store.detokenizer.after(prompt, changed))}",
            "",
        ]
    return "\n".join([*lines, f"More probable: by how many percentage points. The effect was {tuned.kl:.2f} nats."])


def _tokenized(at: LatentAtHand, prompts: list[str]) -> list[Prompt]:
    check_texts(at.store, prompts, MOST_PROMPTS, "prompt")
    ids = [tuple(at.store.detokenizer.encode(prompt)) for prompt in prompts]
    most = at.store.settings.context_length - _NEW_TOKENS
    for number, prompt in enumerate(ids, 1):
        if len(prompt) > most:
            raise ToolError(f"prompt {number} has {len(prompt)} tokens. At most {most} are read.")
    return list(ids)


def _text(at: LatentAtHand, ids: Sequence[int]) -> str:
    return at.store.detokenizer(ids)[0] if ids else ""
