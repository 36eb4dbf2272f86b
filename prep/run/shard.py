"""Which share of the corpus one of several processes takes."""

import os
import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from inspect_autointerp.errors import UserError
from inspect_autointerp.store.validation import STRICT, Count

# (rank from 0, processes, rank on this machine), as each launcher tells them.
_LAUNCHERS = {
    "torchrun": ("RANK", "WORLD_SIZE", "LOCAL_RANK"),
    "SLURM": ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"),
}


_Number = Annotated[int, Field(ge=1, le=1_000_000)]


@dataclass(frozen=True)
class Shard:
    """The batches of a corpus whose number leaves the same remainder: every process reads all text, and runs its own.

    So each knows every token's position, and a batch is the same whoever runs it.
    """

    __pydantic_config__ = STRICT

    number: _Number
    """From 1."""
    of: _Number
    local: Count = 0
    """This process's number on its machine, from 0: which GPU is its own."""

    def has(self, batch: int) -> bool:
        """Return whether a batch, by its number from 0, is of this shard."""
        return batch % self.of == self.number - 1

    @property
    def name(self) -> str:
        """`2-of-7`: the name of its folder."""
        return f"{self.number}-of-{self.of}"

    @staticmethod
    def parse(text: str | None) -> "Shard | None":
        """Read `2/7`; `auto`, and nothing at all under a launcher of several processes, stand for what it says.

        Raises:
            UserError: It is not understood, or `auto` without a launcher.
        """
        if text in (None, "auto"):
            launched = _launched()
            if text and not launched:
                raise UserError("--shard auto works under torchrun or srun only; give i/n")
            return launched
        match = re.fullmatch(r"(\d+)/(\d+)", text)
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise UserError(f"--shard {text}: give i/n with i from 1 to n, as in 2/7, or auto")
        return Shard(int(match[1]), int(match[2]))


WHOLE = Shard(1, 1)
"""All of the corpus."""


def _launched() -> Shard | None:
    for variables in _LAUNCHERS.values():
        rank, size, local = (os.environ.get(name, "") for name in variables)
        if rank.isdigit() and size.isdigit() and int(size) > 1:
            return Shard(int(rank) + 1, int(size), int(local) if local.isdigit() else 0)
    return None
