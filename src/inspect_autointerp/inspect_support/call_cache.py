"""Inspect's cache of answers, with what its own key leaves out."""

import json
from collections.abc import Mapping

from inspect_ai.model import CachePolicy, Model

from inspect_autointerp.builtin.prompt_reader import OfflineAPI


def cache_policy(model: Model, expiry: str | None, scopes: Mapping[str, str]) -> CachePolicy | bool:
    """Return how a model's answers are cached; False where they are not.

    The package's own models cost nothing, and of models made of objects nobody knows whether they are the same: both
    are always asked. Inspect's key leaves out a model's arguments, so they are added.

    Args:
        model: The model.
        expiry: For how long, as Inspect writes it (`1W`); None without end.
        scopes: What else tells an answer apart from others to the same prompt.
    """
    if isinstance(model.api, OfflineAPI):
        return False
    try:
        arguments = json.dumps(model.model_args, sort_keys=True)
    except TypeError:
        return False
    return CachePolicy(expiry=expiry, scopes={**scopes, "model_args": arguments})


def of_attempt(policy: CachePolicy | bool, number: int) -> CachePolicy | bool:
    """Return the policy for one of several attempts, from 0: what an earlier one came to is no answer to a later."""
    if isinstance(policy, bool) or number == 0:
        return policy
    return policy.model_copy(update={"scopes": {**policy.scopes, "attempt": str(number)}})


def users_policy(model: Model, setting: CachePolicy | bool | None, number: int) -> CachePolicy | bool | None:
    """Return the policy of `--cache` for one of several attempts, with what Inspect's key leaves out.

    Args:
        model: The model.
        setting: What the user has set; None for nothing.
        number: Of the attempt, from 0.
    """
    if not setting:
        return None
    policy = CachePolicy() if isinstance(setting, bool) else setting
    own = cache_policy(model, policy.expiry, policy.scopes)
    return own if isinstance(own, bool) else of_attempt(own.model_copy(update={"per_epoch": policy.per_epoch}), number)
