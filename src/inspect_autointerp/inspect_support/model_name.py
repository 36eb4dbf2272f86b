"""Name of a model in logs, with the settings and arguments that can change its answers."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from inspect_ai.model import GenerateConfig, Model

from inspect_autointerp.text.json_values import is_mapping

_NOT_SAMPLING = (
    *("max_connections", "adaptive_connections", "max_retries", "timeout", "attempt_timeout", "cache", "batch"),
    "fail_on_refusal",
)
"""Settings that change how a model is reached and not what it says."""

_NOT_TELLING = {
    *("device", "devices", "map", "cuda", "gpu", "gpus", "parallel", "port", "host", "region", "zone", "location"),
    *("cache", "dir", "folder", "download", "offload", "memory", "timeout", "retries", "retry", "connections"),
    *("concurrency", "batch", "client", "stream", "streaming", "workers", "proxy", "verify", "log", "logging"),
}
"""Words of arguments' names that say where a model runs and how it is reached."""

_SECRET = {
    *("key", "keys", "token", "secret", "secrets", "password", "passwd", "credential", "credentials", "auth"),
    *("authorization", "header", "headers", "cookie", "cookies", "url", "uri", "endpoint", "project", "organization"),
    *("account", "tenant", "user", "username", "email", "apikey", "bearer", "cert", "signature", "env", "environment"),
}
"""Words of arguments' names whose values are never logged."""

_LOOKS_SECRET = re.compile(
    r"://|@|\b(?:sk|pk|hf|ghp|gho|xox[a-z]|AKIA|AIza|eyJ)[-_]?[A-Za-z0-9]{12,}|[A-Za-z0-9+/=]{32,}"
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_TEXT = 80


def model_name(model: Model) -> str:
    """Return a model's name for the log, with what is set of its sampling and of its arguments.

    Two graders of one name that do not say the same must not be compared with each other, and so have two names here.
    """
    return _named(model, telling_arguments(model.model_args) | sampling(model.config))


def unsampled_name(model: Model) -> str:
    """Return the name of a model that is only asked how probable texts are, so that its sampling does not matter."""
    return _named(model, telling_arguments(model.model_args))


def _named(model: Model, told: Mapping[str, Any]) -> str:
    return f"{model} {json.dumps(told, sort_keys=True)}" if told else str(model)


def sampling(config: GenerateConfig) -> dict[str, Any]:
    """Return the settings that can change what a model says, without headers, which hold secrets."""
    settings = config.model_dump(exclude_none=True, exclude={*_NOT_SAMPLING, "extra_headers", "extra_body"})
    body = telling_arguments(config.extra_body or {})
    return settings | ({"extra_body": body} if body else {})


def telling_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model's arguments that can change what it says, in a form for the log.

    Left out are devices, folders, addresses, and whatever could be a secret by its name or by its look. Of a path the
    last part stays, since it is the name of a model; of an object its kind, and nothing of a function.
    """
    return {
        name: _told(name, value)
        for name, value in sorted(arguments.items())
        if value is not None and not callable(value) and not _words(name) & (_NOT_TELLING | _SECRET)
    }


def _words(name: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(name)}


def _told(name: str, value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        if "path" in _words(name):
            value = re.split(r"[/\\]", value.rstrip("/\\"))[-1]
        return "(hidden)" if _LOOKS_SECRET.search(value) else value[:_TEXT]
    if is_mapping(value):
        return telling_arguments({str(key): one for key, one in value.items()})
    if isinstance(value, list | tuple | set | frozenset):
        return [_told(name, one) for one in cast(Iterable[Any], value)]
    return str(value) if type(value).__name__ == "dtype" else type(value).__name__
