"""Footnotes of an estimate: where its figures come from, and what they leave out."""

from collections.abc import Mapping
from math import fsum, isnan

from inspect_ai.model import ModelCost

from inspect_autointerp.cost.estimate import Estimate
from inspect_autointerp.cost.prices import FORM
from inspect_autointerp.cost.recorded_calls import EXPLANATION
from inspect_autointerp.cost.table import dollars, tokens
from inspect_autointerp.text.plural import plural

OUTPUT = (
    "ESTIMATED: output, from the form of answers: explanations are as long as the lexical baseline's, with the worked"
    " examples' thinking in front. No answer is asked for again; no reasoning is counted, which is billed as output."
)


def notes(
    estimate: Estimate,
    ways: Mapping[str, str],
    prices: Mapping[str, ModelCost | None],
    here: Mapping[str, str],
    cached: bool,
) -> list[str]:
    """The notes on an estimate, a sentence or two each.

    Args:
        estimate: The estimate.
        ways: By model, how its tokens were counted.
        prices: By model, what they cost.
        here: By score that calls no API, why.
        cached: Whether explanations are taken from Inspect's cache.
    """
    sentences = [_drawn(estimate)]
    sentences += counted(ways)
    sentences += [OUTPUT] if estimate.rows else ["No model is called."]
    constant = sum(row.constant for row in estimate.rows) * estimate.scale
    saved = fsum(row.saved for row in estimate.rows) * estimate.scale
    if constant:
        cheaper = "" if isnan(saved) else f", which would save {_money(saved)}"
        sentences.append(
            f"{tokens(constant)} of the input tokens are a prefix that all calls of a row share. Providers can read it"
            f" from their cache{cheaper}. Most cache prefixes of 1,024 tokens or more, and only if a call asks for it."
        )
    asked = [row for row in estimate.rows if row.purpose == EXPLANATION and row.role == "explainer"]
    if asked and cached:
        saved = fsum(row.money for row in asked) * estimate.scale
        money = "" if isnan(saved) else f" and {_money(saved)}"
        n = sum(row.calls for row in asked) * estimate.scale
        sentences.append(
            f"The explainer's answers stay in Inspect's cache: another score or grader for the same explanations"
            f" saves its {n:,.0f} calls{money}."
        )
    sentences += [f"{score}: {why}, so it calls no API." for score, why in here.items()]
    return sentences + unpriced(prices)


def counted(ways: Mapping[str, str]) -> list[str]:
    """Return how tokens were counted."""
    return [f"{model}: tokens by {how}." for model, how in ways.items()]


def unpriced(prices: Mapping[str, ModelCost | None]) -> list[str]:
    """Return what models have no price."""
    return [
        f"{model}: its price is unknown. To give one, in dollars per million tokens, add --model-cost-config FILE"
        f" with a line `{model}: {FORM}`."
        for model, price in prices.items()
        if price is None
    ]


def _drawn(estimate: Estimate) -> str:
    if estimate.drawn == estimate.latents:
        return f"Measured on {'the' if estimate.latents == 1 else 'all'} {plural(estimate.latents, 'latent')}."
    spread = (
        ""
        if isnan(estimate.spread)
        else f"; the draw makes the total of tokens uncertain by ± {100 * estimate.spread:.2g} % (95 %)"
    )
    return f"Measured on {estimate.drawn:,} of {plural(estimate.latents, 'latent')}{spread}."


def _money(value: float) -> str:
    return f"${dollars(value)}"
