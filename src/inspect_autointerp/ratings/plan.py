"""`autointerp rate --plan`: how many explanations and raters, and which latents."""

from math import sqrt

from rich.console import Console
from rich.table import Table

from inspect_autointerp.errors import UserError
from inspect_autointerp.ratings.draw import LEVELS, draw, strata
from inspect_autointerp.ratings.items import Choices, densities
from inspect_autointerp.ratings.report import PAPER
from inspect_autointerp.ratings.sample_size import explanations_needed, half_width, mean_reliability, raters_needed
from inspect_autointerp.ratings.sources import Material

RATERS = (1, 2, 3, 5)
PAPER_N = 81
WANTED = 0.8
"""Reliability of a mean rating that is usually held to be good."""


def sizes(within: float, reliability: float) -> list[tuple[str, float, list[tuple[float, int]]]]:
    """Return for each of the paper's scores the coefficient that is to be seen, and the explanations that it needs.

    Args:
        within: Half of the interval's width.
        reliability: Of one rater, in (0, 1].

    Returns:
        Score, its coefficient with people, taken as that with raters who make no error, and per number of `RATERS` the
        coefficient with their mean and how many explanations have an interval of ±within.

    Raises:
        UserError: A value is out of range.
    """
    if not 0 < reliability <= 1:
        raise UserError(f"--reliability must be in (0, 1], got {reliability:g}")
    rows: list[tuple[str, float, list[tuple[float, int]]]] = []
    for score, true in PAPER.items():
        seen = [true * sqrt(mean_reliability(reliability, raters)) for raters in RATERS]
        rows.append((score, true, [(one, explanations_needed(one, within)) for one in seen]))
    return rows


def print_plan(material: Material, choices: Choices, within: float, reliability: float) -> None:
    """Print sample sizes, and the stratified draw from the explanations at hand."""
    console = Console(emoji=False)
    rows = sizes(within, reliability)
    table = Table(title=f"Explanations for an interval of ±{within:g}", title_justify="left")
    for head in ("true coefficient", *(f"{n} rater{'s' * (n > 1)}" for n in RATERS)):
        table.add_column(head, justify="right", overflow="fold")
    for score, true, seen in rows:
        table.add_row(f"{true:.2f} ({score})", *(f"{n} ({one:.2f})" for one, n in seen))
    console.print(table)
    reliable = ", ".join(f"{mean_reliability(reliability, n):.2f}" for n in RATERS)
    lines = [
        "In brackets: the coefficient that raters who err let you see.",
        "From Bonett and Wright (2000): var(z) = (1 + r²/2)/(n − 3) of Spearman's r. Explanations are of different"
        " latents; several of one latent count for less.",
        f"One rater's reliability is taken to be {reliability:g}; the mean's, by Spearman and Brown, is {reliable}."
        f" For a mean with a reliability of {WANTED:g} it takes {raters_needed(reliability, WANTED)} raters.",
        f"The paper's {PAPER_N} explanations give ±{half_width(0.6, PAPER_N):.2f} at a coefficient of 0.60.",
        f"{choices.contexts} contexts and {choices.texts} texts per explanation ask"
        f" {choices.contexts * ('scale' in choices.tasks) + choices.texts * ('detection' in choices.tasks)} questions"
        " of a rater; more contexts raise one rater's reliability. Ask few raters first, and read it off"
        " `autointerp ratings`.",
    ]
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
    places, by = strata(material.explained, densities(material), choices.by)
    chosen = set(draw(places, choices.latents, choices.seed))
    n_explained = sum(one.latent in chosen for one in material.explained)
    title = f"Latents drawn of those there are, by {by or 'no score'} and density: {len(chosen)} of {len(places)}"
    drawn = Table(title=title, title_justify="left")
    drawn.add_column("score")
    for level in LEVELS:
        drawn.add_column(f"{level} density", justify="right")
    for i, level in enumerate(LEVELS):
        inside = [[latent for latent, place in places.items() if place == (i, j)] for j in range(3)]
        drawn.add_row(level, *(f"{len(chosen.intersection(some))} of {len(some)}" for some in inside))
    console.print(drawn)
    console.print(
        f"A sheet with --latents {choices.latents} has {n_explained} explanations; --seed {choices.seed} draws these"
        " latents again.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
