"""The setting of a leaderboard entry. Only entries of the same setting are compared."""

from dataclasses import dataclass, fields

from inspect_autointerp.store.validation import STRICT


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Settings that must agree for two entries to be compared: text, empty where a log lacks it."""

    __pydantic_config__ = STRICT

    score: str
    suite: str
    """The suite's label; empty without a suite."""
    store: str
    """The store's digest."""
    hookpoint: str
    grader: str
    prompt: str
    options: str
    """The score's options, as JSON."""
    latents: str
    """See `log_entry.digest_of`."""


UNKNOWN = Setting(**dict.fromkeys((field.name for field in fields(Setting)), ""))
"""The setting of a log that cannot be read, or was not finished."""
