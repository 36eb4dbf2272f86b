"""Brackets in an answer, nested as they are."""

from dataclasses import dataclass, field

_PAIRS = {"[": "]", "(": ")", "{": "}"}
_DEPTH = 8
"""Brackets deeper than that are of no form that is read."""


@dataclass(slots=True)
class Node:
    """A pair of brackets: the opening sign, where it begins, where it is over, and the pairs within it."""

    sign: str
    start: int
    end: int = -1
    children: list["Node"] = field(default_factory=list["Node"])


def brackets(text: str) -> list[Node]:
    """The outermost pairs of brackets. One that has no partner is passed over, as are those in quoted strings."""
    top, stack = Node("", 0), list[Node]()
    at, quoted = 0, False
    for at, sign in enumerate(text):
        if quoted:
            quoted = sign not in '"\n'
        elif sign == '"' and stack:
            quoted = text.find('"', at + 1, at + 2001) > 0
        elif sign in _PAIRS:
            stack.append(Node(sign, at))
            if len(stack) > _DEPTH:  # the outermost is given up: an answer is not as deep
                del stack[0]
        elif sign in "])}" and sign:
            while stack and _PAIRS[stack[-1].sign] != sign:
                lost = stack.pop()
                (stack[-1] if stack else top).children.extend(lost.children)
            if stack:
                node = stack.pop()
                node.end = at + 1
                (stack[-1] if stack else top).children.append(node)
    for lost in stack:
        top.children.extend(lost.children)
    return sorted(top.children, key=lambda node: node.start)
