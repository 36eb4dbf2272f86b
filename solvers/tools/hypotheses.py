"""The tool `hypotheses`: what an agent believes so far, best first; its best counts if the budget runs out."""

from inspect_ai.tool import Tool, ToolError, tool
from inspect_ai.util import StoreModel, store_as
from pydantic import Field

from inspect_autointerp.solvers.parse_explanation import LONGEST
from inspect_autointerp.solvers.tools.latent_at_hand import tool_call

MOST = 10


class Notes(StoreModel):
    """Notes that an agent has written into the sample's store, which the transcript shows."""

    hypotheses: list[str] = Field(default_factory=list)
    """Best first."""
    submitted: str | None = None
    concepts: list[str] = Field(default_factory=list)


def notes() -> Notes:
    """Return the running sample's notes."""
    return store_as(Notes)


@tool
def hypotheses() -> Tool:
    """Let an agent write down what it believes."""

    async def execute(best_first: list[str]) -> str:
        """Note your hypotheses about what the latent is active on, the best one first.

        Note them before you test them, and again after every test. If your budget runs out before you submit, the first
        one counts as your explanation.

        Args:
            best_first: 1 to 10 hypotheses, each an explanation in one short sentence or phrase.
        """
        with tool_call():
            if not 0 < len(best_first) <= MOST:
                raise ToolError(f"{len(best_first)} hypotheses were given. Give 1 to {MOST}.")
            lines = [explanation_line(text) for text in best_first]
            notes().hypotheses = lines
            return f"Noted {len(lines)}. If your budget runs out, the first one is submitted."

    return execute


def explanation_line(text: str) -> str:
    """Return an explanation as it is scored, on one line.

    Raises:
        ToolError: It is empty or too long, or holds half of a character.
    """
    line = " ".join(text.split())
    if not line:
        raise ToolError("An explanation is empty. Write one short sentence or phrase.")
    if len(line) > LONGEST:
        raise ToolError(
            f"An explanation has {len(line):,} characters. At most {LONGEST:,} are read; write one sentence."
        )
    if "\0" in line or any("\ud800" <= character <= "\udfff" for character in line):
        raise ToolError("An explanation holds what is no character. Write it in plain text.")
    return line
