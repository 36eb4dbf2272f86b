"""A latent that fires on one token needs no model to be explained."""

import json
from typing import Any

from inspect_ai.model import ModelOutput
from inspect_ai.solver import Generate, Solver, TaskState, solver

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.errors import UserError, one_line_errors
from inspect_autointerp.inspect_support.dataset import latent_named, store_of
from inspect_autointerp.inspect_support.explanation import Explanation
from inspect_autointerp.solvers.costs import costed
from inspect_autointerp.solvers.explain import explain_latent, explain_options
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.render import visible

SOURCE = "single_token/1"


@solver
def single_token(share: float = 0.95, otherwise: str = "explain", **options: Any) -> Solver:
    """Explain a latent that fires on one token as "the token X"; ask the model of the others.

    Args:
        share: Which share of the tokens that it fires on, in the explain split's contexts, have to be the same one, in
            (0, 1].
        otherwise: What becomes of a latent for which that does not hold: `explain`, or `none`: it has no explanation
            and is unscored.
        options: Those of `explain`.
    """
    with one_line_errors():
        if not 0 < share <= 1:
            raise UserError(f"share must be in (0, 1], got {share}")
        if otherwise not in ("explain", "none"):
            raise UserError(f"otherwise={otherwise}: give explain or none")
        asked = explain_options(options)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        store, id = store_of(state), str(state.sample_id)
        token = the_token(store, id, share)
        if token is None and otherwise == "explain":
            await explain_latent(state, id, asked)
            return state
        text, reason = (None, "not_single_token") if token is None else (f"the token {_quoted(token)}", None)
        state.output = ModelOutput.from_content("none", text or "")
        Explanation(text=text, source=SOURCE, latent=id, reason=reason, store=store.digest).put(state)
        return state

    return costed(solve)


def the_token(store: Store, latent_id: str, share: float) -> str | None:
    """The token on which a latent fires, by the explain split's contexts; None where there is no such one.

    A token that is a part of a character has no text, and is none.

    Args:
        store: The store.
        latent_id: Which latent.
        share: Of the tokens that it fires on, how many have to be this one.
    """
    counts: dict[int, int] = {}
    texts: dict[int, str] = {}
    for context in LatentContexts(store, latent_named(store, latent_id)).activating("explain"):
        tokens = context.tokens()
        for i in context.activations.nonzero()[0].tolist():
            id = int(store.tokens[context.start + i])
            counts[id] = counts.get(id, 0) + 1
            texts[id] = tokens[i]
    if not counts:
        return None
    most = max(counts, key=lambda id: (counts[id], -id))
    return texts[most] or None if counts[most] >= share * sum(counts.values()) else None


def _quoted(token: str) -> str:
    return json.dumps(visible(token), ensure_ascii=False)
