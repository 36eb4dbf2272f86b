"""YAML without its traps: no name twice, no aliases (a few of which can stand for gigabytes), no Python objects."""

from typing import Any, cast

import yaml


class Unreadable(ValueError):
    """This is no YAML that can be relied on; the message is one line."""


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = cast(Any, self).peek_event()
            raise Unreadable(f"line {event.start_mark.line + 1}: an alias (*{event.anchor}); write out its value")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) != len(node.value):
            keys = [key for key, _ in node.value]
            names = [key.value for key in keys]
            again = next((key for i, key in enumerate(keys) if key.value in names[:i]), None)
            line, name = (again.start_mark.line, again.value) if again else (node.start_mark.line, "<<")
            raise Unreadable(f"line {line + 1}: {name} is given twice")
        return mapping


def load(text: str) -> Any:
    """Parse one document of YAML.

    Raises:
        Unreadable: It is none, a name stands twice in one mapping, or it has aliases or objects of other kinds.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except Unreadable:
        raise
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    except (yaml.YAMLError, ValueError) as error:
        raise Unreadable(" ".join(str(error).split())) from None
