"""An explainer behind an HTTP endpoint that reads the latent's vector, and no text unless it is given some."""

import re
from typing import Any, Literal, get_args

import numpy as np
from inspect_ai.model import ModelOutput
from inspect_ai.solver import Generate, Solver, TaskState, solver

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.errors import UserError, one_line_errors
from inspect_autointerp.inspect_support.dataset import latent_named, store_of
from inspect_autointerp.inspect_support.explanation import Explanation
from inspect_autointerp.latent import Latent
from inspect_autointerp.models.spending import note_call
from inspect_autointerp.solvers.costs import costed
from inspect_autointerp.solvers.trained_on import read_trained_on
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.render import delimiters, marked
from inspect_autointerp.vectors.endpoint import Endpoint, EndpointError, texts_in, usage_in
from inspect_autointerp.vectors.rows import check_side
from inspect_autointerp.vectors.sources import rows_of

VERSION = "verbalizer/1"
FORMAT = "inspect_autointerp.verbalize/1"
"""The request's format: changes when a key is renamed or means something else."""
ENDPOINT = "endpoint"
"""Key in the sample's metadata: what the endpoint says of itself and of the cost."""
LONGEST = 10_000
"""Characters of an explanation at most, as in files."""
Vector = Literal["decoder", "encoder", "random", "none"]
Part = Literal["all", "first", "last"]


@solver
def verbalizer(
    url: str | None = None,
    vector: Vector = "decoder",
    vectors: str | None = None,
    contexts: int = 0,
    paragraph: Part = "all",
    endpoint_model: str | None = None,
    trained_on: str | list[str] | None = None,
    timeout: float = 120.0,
    connections: int = 8,
    attempts: int = 5,
    seed: int = 0,
) -> Solver:
    """Have an HTTP endpoint explain latents from their vectors (docs/vectors.md has the JSON).

    An endpoint that fails leaves the latent without an explanation, unscored with the reason.

    Args:
        url: The endpoint's address.
        vector: `decoder` (what the latent writes), `encoder` (what it reads); or a control: `random` (a random vector
            of the decoder row's length) or `none` (only contexts).
        vectors: A file of vectors (`autointerp export-vectors`), so that neither torch nor the coder is needed; by
            default the store's coder is loaded.
        contexts: Activating contexts of the explain split to send along. With vector=none it must be at least 1.
        paragraph: Paragraphs of the answer to keep: `all`, or the `first` or `last`.
        endpoint_model: The model that the endpoint should use, sent as `model`.
        trained_on: Scores that the verbalizer was trained on; the leaderboard does not rank it by these.
        timeout: Seconds that one attempt may take.
        connections: Requests at the same time.
        attempts: Attempts at a request that fails for a while.
        seed: Random seed of the draw of contexts and of random vectors, also sent to the endpoint.
    """
    with one_line_errors():
        if not url:
            raise UserError(
                "explainer=verbalizer: give its endpoint: -T 'explainer={name: verbalizer, url: \"http://…\"}'"
            )
        endpoint = Endpoint(url, timeout, connections, attempts)
        check_side(vector, get_args(Vector))
        if paragraph not in get_args(Part):
            raise UserError(f"paragraph={paragraph}: give {', '.join(get_args(Part))}")
        if contexts < 0 or (vector == "none" and not contexts):
            raise UserError(f"contexts={contexts}: must be at least {int(vector == 'none')} with vector={vector}")
        scores = read_trained_on(trained_on)
    shown = [*(["contexts"] if contexts else []), *(["vector"] if vector in ("decoder", "encoder") else [])]

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        store, name = store_of(state), str(state.sample_id)
        with one_line_errors():
            latent = latent_named(store, name)
            row = await _vector(store, latent, vector, vectors, seed)
        request = _request(store, latent, vector, row, endpoint_model, seed) | _shown(store, latent, contexts, seed)
        text: str | None = None
        answer: dict[str, Any] = {}
        reason: str | None = None
        try:
            answer = await endpoint.post(request)
            text, reason = _kept(texts_in(answer, 1)[0], paragraph)
        except EndpointError as error:
            reason = str(error)
        usage, wrote = usage_in(answer), answer.get("model")
        model = wrote[:200] if isinstance(wrote, str) else endpoint_model
        note_call(usage.tokens)
        state.metadata[ENDPOINT] = {"model": model, **usage.record()}
        state.output = ModelOutput.from_content(model or "verbalizer", text or "")
        Explanation(
            text=text,
            reason=reason,
            source=VERSION,
            latent=name,
            store=store.digest if contexts else None,
            model=model,
            tokens=usage.tokens or None,
            read="+".join(shown) or "nothing",
            trained_on=scores,
            options={"vector": vector, "contexts": contexts, "paragraph": paragraph, "url": url, "seed": seed},
        ).put(state)
        return state

    return costed(solve)


async def _vector(store: Store, latent: Latent, vector: Vector, file: str | None, seed: int) -> np.ndarray | None:
    """Return the vector to send, float32 (d,); None for none."""
    if vector == "none":
        return None
    rows = await rows_of(store, latent.hookpoint, file, "explainer=verbalizer")
    own = rows.of(latent.index, "encoder" if vector == "encoder" else "decoder")
    if vector != "random":
        return own
    drawn = rng_of(seed, latent.id, "verbalizer").standard_normal(len(own))
    return (drawn * np.linalg.norm(own) / np.linalg.norm(drawn)).astype(np.float32)


def _request(
    store: Store,
    latent: Latent,
    vector: Vector,
    row: np.ndarray | None,
    model: str | None,
    seed: int,
) -> dict[str, Any]:
    """Return what is posted. It does not name the latent: an endpoint could look up an explanation of it."""
    return {
        "format": FORMAT,
        "subject": store.manifest.subject,
        "hookpoint": latent.hookpoint,
        "coder_sha256": store.at(latent.hookpoint).entry.sha256,
        "kind": vector,
        "vectors": [] if row is None else [row.astype(float).tolist()],
        "norms": [] if row is None else [float(np.linalg.norm(row))],
        "model": model,
        "seed": seed,
    }


def _shown(store: Store, latent: Latent, n: int, seed: int) -> dict[str, Any]:
    """Return the request's contexts, of the explain split, strongest first, and what stands around active tokens."""
    drawn = LatentContexts(store, latent).explain(n, seed) if n else []
    pair = delimiters(drawn)
    return {"texts": [marked(context, pair) for context in drawn], "delimiters": list(pair)}


def _kept(text: str, part: Part) -> tuple[str | None, str | None]:
    """Return the part of an answer that is the explanation, and where there is none, the reason."""
    paragraphs = [one.strip() for one in re.split(r"\n\s*\n", text) if one.strip()]
    if not paragraphs:
        return None, "empty_explanation"
    kept = text.strip() if part == "all" else paragraphs[0 if part == "first" else -1]
    if len(kept) > LONGEST:
        return None, "explanation_too_long"
    return (None, "nul_in_explanation") if "\0" in kept else (kept, None)
