"""A warning at the end of an evaluation in which many latents have the same explanation."""

from collections import defaultdict
from functools import cache
from logging import getLogger

from inspect_ai.hooks import Hooks, SampleEnd, TaskEnd, hooks

from inspect_autointerp.inspect_support.explanation import KEY, normalised, share_identical
from inspect_autointerp.text.json_values import is_dict

_MOST = 0.25
"""The share of latents that may have an explanation which another one has, too."""
_LEAST = 4
"""Latents with an explanation; no warning for fewer."""
_MEANT = ("constant", "verbose", "empty")
"""Explainers that say the same of every latent, as they should."""
_SHOWN = 60
"""Characters of an explanation that the warning quotes."""


@cache
def warn_of_identical() -> None:
    """Have evaluations warned of, from now on; called where a task is made, see `unscored_warning`."""
    hooks(name="identical", description="Says when many latents have the same explanation.")(_Identical)


class _Identical(Hooks):
    def __init__(self) -> None:
        self._texts: dict[str, dict[str, str]] = defaultdict(dict)

    async def on_sample_end(self, data: SampleEnd) -> None:
        explanation = (data.sample.metadata or {}).get(KEY)
        if is_dict(explanation) and explanation.get("source") not in _MEANT and explanation.get("text"):
            self._texts[data.eval_id][str(data.sample.id)] = explanation["text"]

    async def on_task_end(self, data: TaskEnd) -> None:
        if line := warning(list(self._texts.pop(data.eval_id, {}).values())):
            getLogger(__name__).warning(line)


def warning(texts: list[str]) -> str | None:
    """Return what to say of the explanations of an evaluation, one of each latent; None where few are identical."""
    share = share_identical(texts)
    if len(texts) < _LEAST or not share > _MOST:
        return None
    keys = [normalised(text) for text in texts]
    commonest = max(dict.fromkeys(keys), key=keys.count)
    example = texts[keys.index(commonest)]
    example = example if len(example) <= _SHOWN else f"{example[: _SHOWN - 1]}…"
    return (
        f"{share:.0%} of {len(texts)} latents have an explanation that another latent has, too; {keys.count(commonest)}"
        f" have {example!r}. The explainer may not look at what it is shown: read some of its answers."
    )
