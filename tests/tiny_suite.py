"""A small suite's definition, over the store of the fixture `store_folder` if nothing else is said."""

from typing import Any


def content(
    *,
    store: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    evaluation: dict[str, Any] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """Return what its file holds; the arguments are what differs, of the parts of these names or of the whole."""
    given = {"corpus": "stdlib", "tokens": 60_000, "context_length": 64, "window": 32, "seed": 0} | (settings or {})
    return {
        "format": 1,
        "name": "tiny",
        "version": 1,
        "description": "A random model.",
        "state": "defined",
        "store": {"subject": "subject", "revision": None, "settings": given} | (store or {}),
        "digest": None,
        "evaluation": {
            "hookpoint": "layers.1",
            "latents": 6,
            "scores": ["detection"],
            "grader": "inspect_autointerp/lexical",
            "negatives": ["random"],
            "min_contexts": 10,
            "test_activating": 10,
            "test_nonactivating": 10,
            "texts_per_call": 5,
            "confidence": False,
            "window": None,
            "seed": 0,
        }
        | (evaluation or {}),
    } | changes
