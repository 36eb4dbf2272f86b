"""Settings as a reader sees them: `contrastive=10 · activations=no` in place of JSON."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from inspect_autointerp.text.json_values import is_dict, is_mapping, is_sequence

SEPARATOR = " · "
_PLAIN = re.compile(r"[^\s=,·\"(){}\[\]]+")
_WORDS = {True: "yes", False: "no", None: "none"}
_NOT_TEXT = re.compile(r"yes|no|none|[-+]?[\d.]+(?:e[-+]?\d+)?", re.IGNORECASE)


def setting_words(settings: Mapping[str, Any]) -> list[str]:
    """Return each setting as `name=value`, in order of names; settings that differ give words that differ."""
    return [f"{name}={value}" for name, value in _flat(settings)]


def label_words(name: str, settings: Mapping[str, Any]) -> str:
    """Return a name with its settings: `lexical · contrastive=10`."""
    return SEPARATOR.join([name, *setting_words(settings)])


def without_json(text: str) -> str:
    """Return models' names from a log with their settings as words: `m {"temperature": 0}` is `m · temperature=0`."""
    begin = text.find(" {")
    if begin < 0:
        return text
    try:
        settings, end = json.JSONDecoder().raw_decode(text, begin + 1)
    except ValueError:
        return text
    if not is_dict(settings):
        return text
    return label_words(text[:begin], settings) + without_json(text[end:])


def short_labels(names: Iterable[str]) -> dict[str, str]:
    """Return each name without its provider (`openai/gpt-4o · contrastive=10` is `gpt-4o · contrastive=10`).

    Names that would then be the same keep their providers.
    """
    short = {name: _without_provider(name) for name in names}
    counts: dict[str, int] = {}
    for label in short.values():
        counts[label] = counts.get(label, 0) + 1
    return {name: label if counts[label] == 1 else name for name, label in short.items()}


def _without_provider(name: str) -> str:
    model, separator, settings = name.partition(SEPARATOR)
    return (model.rsplit("/", 1)[-1] or model) + separator + settings


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in sorted(settings.items()):
        if is_mapping(value) and value:
            yield from _flat({str(key): one for key, one in value.items()}, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", _word(value)


def _word(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) and not _NOT_TEXT.fullmatch(value) else json.dumps(value)
    if is_sequence(value):
        return f"({', '.join(map(_word, value))})" if len(value) != 1 else f"({_word(value[0])},)"
    return json.dumps(value, sort_keys=True)
