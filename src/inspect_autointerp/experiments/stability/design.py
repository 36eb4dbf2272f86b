"""The design of a stability study: its cells, and the latents that all of them have."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

from inspect_autointerp.builtin.locate import locate
from inspect_autointerp.contexts.selection import candidate_latents, nothing_usable, unusable
from inspect_autointerp.errors import UserError
from inspect_autointerp.experiments.definition import Level, Study, merged
from inspect_autointerp.experiments.plan import Planned, Run
from inspect_autointerp.experiments.stores import Place
from inspect_autointerp.store.halves import half_name
from inspect_autointerp.store.store import Store

NAME = "stability"
MIN_LATENTS = 5
_SEPARATOR = " | "


@dataclass(frozen=True)
class Cell:
    """One evaluation of the design: a level of each factor."""

    explainer: str
    sampling: str
    contexts: int
    half: int
    """0 for the whole corpus."""
    draw: int
    reseed: int
    grader: str
    """Empty where the explainer grades itself."""

    @property
    def name(self) -> str:
        """The cell's name in logs."""
        half = f"half {self.half}" if self.half else "whole"
        parts = [self.explainer, self.sampling, f"{self.contexts} contexts", half, f"draw {self.draw}"]
        return _SEPARATOR.join([*parts, f"explanation {self.reseed}", *([self.grader] if self.grader else [])])

    @property
    def explains(self) -> str:
        """The explainer with its sampling: cells of one are compared with those of another."""
        return f"{self.explainer}, {self.sampling}"


@dataclass(frozen=True)
class Design:
    """Everything that the study crosses."""

    store: str
    """Folder of the whole store."""
    digest: str
    hookpoint: str
    latents: tuple[int, ...]
    left_out: Mapping[str, int]
    """Number of candidates that a cell lacks contexts of, by reason."""
    scores: tuple[str, ...]
    explainers: tuple[str, ...]
    """Models."""
    samplings: tuple[str, ...]
    contexts: tuple[int, ...]
    halves: tuple[int, ...]
    draws: int
    reseeds: int
    graders: tuple[str, ...]
    seed: int

    @property
    def cells(self) -> list[Cell]:
        """All cells. Those that share an explanation follow each other, so that it is in the cache."""
        factors = (self.explainers, self.samplings, self.halves, range(1, self.reseeds + 1), self.contexts)
        inner = (range(1, self.draws + 1), self.graders)
        return [
            Cell(explainer, sampling, contexts, half, draw, reseed, grader)
            for explainer, sampling, half, reseed, contexts, draw, grader in product(*factors, *inner)
        ]

    def plan(self, more: Mapping[str, Any], roles: tuple[str, ...]) -> Planned:
        """Return the evaluations, as other studies have them.

        Args:
            more: Further arguments of all tasks.
            roles: `ROLE=MODEL`, of other roles than the grader.
        """
        runs = [self._run(cell, more, roles) for cell in self.cells]
        study = Study(about="how much of a score is luck", factor="cell", scores=list(self.scores))
        return Planned(NAME, study, {run.name: run.level for run in runs}, "", runs)

    def _run(self, cell: Cell, more: Mapping[str, Any], roles: tuple[str, ...]) -> Run:
        explainer = {"name": "explain", "sampling": cell.sampling, "seed": self.seed + cell.reseed - 1}
        own = {
            "latents": list(self.latents),
            "test_activating": cell.contexts // 2,
            "test_nonactivating": cell.contexts - cell.contexts // 2,
            "seed": self.seed + cell.draw - 1,
        }
        options = merged(merged({"explainer": {}}, more), own | {"explainer": explainer})
        options["explainer"]["name"] = dict(more.get("explainer", {})).get("name", "explain")
        place = Place(half_name(self.store, cell.half or None), self.hookpoint)
        return Run(cell.name, Level(), place, self.scores, options, cell.explainer, cell.grader or None, roles)


def usable_in_all(
    store: str | None, hookpoint: str | None, latents: str, halves: tuple[int, ...], least: int, seed: int
) -> tuple[Store, str, list[int], dict[str, int]]:
    """Choose the latents that have enough contexts in every half.

    Args:
        store: As the user names it.
        hookpoint: One of its hookpoints; None for the first.
        latents: See `contexts.selection.parse_latents`.
        halves: Halves of the corpus; 0 for the whole.
        least: Activating contexts that a latent needs in either split of each half, and random ones to test on.
        seed: Of a random draw of latents.

    Returns:
        The whole store, the hookpoint's name, the latents in order, and how many candidates were left out, by reason.

    Raises:
        UserError: The store or the latents are not there, or too few can be used.
    """
    whole = Store.open(locate(store))
    at = whole.at(hookpoint)
    parts = {half: Store.open(str(whole.folder), half=half or None) for half in halves}
    candidates, wanted = candidate_latents(at, latents, seed)
    usable: list[int] = []
    skipped: Counter[str] = Counter()
    for latent in at.latents(candidates):
        if len(usable) == wanted:
            break
        reasons = {half: unusable(part, latent, least) for half, part in parts.items()}
        lacking = next((half for half, reason in reasons.items() if reason), None)
        if lacking is None:
            usable.append(latent.index)
        else:
            skipped[f"{reasons[lacking]}" + (f" in half {lacking}" if lacking else "")] += 1
    if not usable:
        raise nothing_usable(whole, at.name, skipped)
    if len(usable) < MIN_LATENTS:
        why = ", ".join(f"{n} {reason}" for reason, n in skipped.items())
        raise UserError(
            f"{at.name}: {len(usable)} latents can be used ({why or 'no others were asked for'}); variance components"
            f" need at least {MIN_LATENTS}: ask for more latents, or give fewer --contexts"
        )
    return whole, at.name, sorted(usable), dict(skipped)


def checked_design(folder: Path, design: Design, more: Mapping[str, Any]) -> None:
    """Leave the design in the study's folder, or compare it with the one that is there.

    Raises:
        UserError: The folder is of a study of another design.
    """
    facts = asdict(design) | {"store": design.digest, "arguments": dict(more)}
    told = json.dumps(facts, sort_keys=True, indent=1)
    path = folder / "design.json"
    if path.exists() and path.read_text(encoding="utf-8") != told:
        raise UserError(
            f"{folder}: holds a stability study of other arguments; repeat them to continue it, or give another"
            " --log-dir"
        )
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(told, encoding="utf-8")
