"""The header of a card, as labels and values, for the terminal and the page."""

from inspect_autointerp.card.card import Card, Pair
from inspect_autointerp.latent import Context
from inspect_autointerp.text.plural import plural
from inspect_autointerp.text.render import visible


def facts(card: Card) -> list[tuple[str, str]]:
    """The facts, in order; every text in them shows what it holds and does nothing (`render.visible`)."""
    latent, available = card.latent, card.available
    listed = [
        ("subject", card.subject),
        ("coder", card.coder),
        ("corpus", card.corpus),
        ("store", card.store),
        ("density", f"{card.density:.3g} ({plural(latent.n_tokens, 'token')})"),
        ("windows", f"{latent.firing_share:.3g} of all ({latent.n_windows:,})"),
        ("maximum", f"{latent.max_activation:.4g}"),
        ("decile edges", "  ".join(f"{edge:.3g}" for edge in card.edges) if card.edges else "–"),
        ("promotes", _tokens(card.promoted)),
        ("suppresses", _tokens(card.suppressed)),
        ("neighbours", _neighbours(card)),
        ("contexts", f"{available['explain']:,} to explain, {available['test']:,} to test"),
    ]
    listed += [("decoder norms", _norms(card.norms))] if card.norms else []
    listed += _pair(card.pair) if card.pair else []
    listed += [("neuronpedia", card.link)] if card.link else []
    return [(name, visible(value)) for name, value in listed]


def section_names(card: Card) -> dict[str, str]:
    """Return what the sections of contexts are called: activating ones by split, negatives by kind."""
    titles = {split: f"Activating · {split} split" for split in card.activating}
    titles |= {kind: f"Silent · {kind}" for kind in card.negatives}
    if card.pair and "other_subject" in titles:
        first, second = card.pair.subjects
        titles["other_subject"] = f"Silent · active only in {first if card.subject == second else second}"
    return titles


def context_note(context: Context) -> str:
    """Return in which of two subjects an activating context is one; empty where that is unknown."""
    return {None: "", True: "both", False: "only here"}[context.in_other]


def _pair(pair: Pair) -> list[tuple[str, str]]:
    first, second = pair.subjects
    return [
        (name, f"{one:,} only in {first}  {both:,} in both  {other:,} only in {second}")
        for name, (one, both, other) in (("tokens by subject", pair.tokens), ("windows by subject", pair.windows))
    ]


def _tokens(texts: list[str] | None) -> str:
    return "  ".join(f"‹{visible(text)}›" for text in texts) if texts else "–"


def _norms(norms: list[tuple[str, float]]) -> str:
    """The length of the decoder vector at each place, and its share of all of them."""
    total = sum(norm for _, norm in norms)
    return "  ".join(f"{place} {norm:.3g} ({norm / total:.0%})" if total else f"{place} 0" for place, norm in norms)


def _neighbours(card: Card) -> str:
    if not card.neighbours:
        return "–"
    return "  ".join(
        str(index) + (f" ({cosine:.2f})" if cosine is not None else "") for index, cosine in card.neighbours
    )
