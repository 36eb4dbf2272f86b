"""Values in brackets: lists, and objects of JSON or like it."""

import re

from inspect_autointerp.scorers.shared.parsing.brackets import Node
from inspect_autointerp.scorers.shared.parsing.parts import NOUN, WORTH, Atom, Form, Run, atom_at

_INDEX = re.compile(rf"{NOUN}|id|index|idx|#|n|{NOUN}[ _]?(?:id|index|number|no\.?)", re.IGNORECASE)


def forms_of(text: str, node: Node) -> list[Form]:
    """The list that brackets hold, or else those within them."""
    keyed = _object(text, node) if node.sign == "{" else None
    if keyed:
        return [keyed]
    if node.children and all(child.sign == "{" for child in node.children) and len(node.children) > 1:
        rows = [_record(text, child) for child in node.children]
        run = Run(start=node.start, end=node.end)
        for row in rows:
            if row is not None:
                run.atoms.append(row[1])
                run.keys += [row[0]] if row[0] is not None else []
        if None not in rows and len(run.keys) in (0, len(rows)):
            form = run.form()
            return [Form(form.atoms, form.keys, node.start, node.end)]
    atoms = _items(text, node)
    if atoms is not None and (node.sign != "(" or len(atoms) > 1):
        return [Form(tuple(atoms), None, node.start, node.end)]
    within = [form for child in node.children for form in forms_of(text, child)]
    inner = {form.start for form in within}
    if len(within) == 1 and inner and not _rest(text, node, node.children[0]):
        return [Form(within[0].atoms, within[0].keys, node.start, node.end)]
    return within


def _rest(text: str, node: Node, child: Node) -> str:
    return (text[node.start + 1 : child.start] + text[child.end : node.end - 1]).strip(" \n\t,")


def _items(text: str, node: Node) -> list[Atom] | None:
    """The values between brackets, each bare or in brackets of its own; None if any is none."""
    at = node.start + 1
    if node.children:
        plain = all(child.sign in "[(" and not child.children for child in node.children)
        if not plain or len(node.children) == 1 or _without(text, node).strip():
            return None
        single = [atom_at(text, child.start + 1, child.end - 1) for child in node.children]
        return None if None in single else [atom for atom in single if atom]
    inside = text[at : node.end - 1]
    if not inside.strip():
        return []
    pattern = r"[^,;]+|[,;]" if re.search(r"[,;]", inside) else r"\S+"
    parts = [(match[0], at + match.start(), at + match.end()) for match in re.finditer(pattern, inside)]
    atoms: list[Atom] = []
    separated = True
    for i, (part, start, end) in enumerate(parts):
        if part in (",", ";"):
            if separated:
                return None
            separated = True
            continue
        if not part.strip() and i == len(parts) - 1:  # after a last comma
            continue
        atom = atom_at(text, start, end)
        if atom is None:
            return None
        atoms.append(atom)
        separated = False
    return atoms


def _without(text: str, node: Node) -> str:
    pieces: list[str] = []
    at = node.start + 1
    for child in node.children:
        pieces.append(text[at : child.start])
        at = child.end
    return "".join([*pieces, text[at : node.end - 1]]).replace(",", " ").replace(";", " ")


_NAME = re.compile(r"\s*[,;]?\s*(?P<quote>[\"']?)(?P<name>[^\"'{}\[\],:]{1,60})(?P=quote)\s*[:=]>?\s*")
_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^'\n]*'|[^,{}\[\]\"]*")


def members(text: str, node: Node) -> list[tuple[str, int, int]] | None:
    """The names of an object, and where their values are."""
    at, inner = node.start + 1, {child.start: child for child in node.children}
    named: list[tuple[str, int, int]] = []
    while text[at : node.end - 1].strip(" \n\t\r,"):
        name = _NAME.match(text, at, node.end - 1)
        if name is None:
            return None
        start = name.end()
        child = inner.get(start)
        end = child.end if child else _STRING.match(text, start, node.end - 1).end()  # type: ignore[union-attr]
        if end <= start:
            return None
        named.append((name["name"].strip(), start, end))
        at = end
        if not re.match(r"\s*(?:[,;]|\Z)", text[at : node.end - 1]):
            return None
    return named


_NUMBERED = re.compile(rf"(?:{NOUN})?[ _#-]*(\d{{1,4}})", re.IGNORECASE)


def _object(text: str, node: Node) -> Form | None:
    """`{"1": 0, "Text 2": 1}`, or `{"labels": …}` with a list or such an object."""
    pairs = members(text, node)
    if not pairs:
        return None
    numbers = [_NUMBERED.fullmatch(name) for name, _, _ in pairs]
    atoms = [atom_at(text, start, end) for _, start, end in pairs]
    run = Run(start=node.start, end=node.end)
    for number, atom in zip(numbers, atoms, strict=True):
        if number and atom:
            run.keys.append(int(number[1]))
            run.atoms.append(atom)
    if len(run.atoms) == len(pairs):
        form = run.form()
        return Form(form.atoms, form.keys, node.start, node.end)
    worth = [i for i, (name, _, _) in enumerate(pairs) if re.fullmatch(rf"{WORTH}s?|output|result|list", name, re.I)]
    if len(pairs) == 1 or len(worth) == 1:
        i = worth[0] if worth else 0
        inner = next((child for child in node.children if child.start == pairs[i][1]), None)
        if inner:
            held = forms_of(text, inner)
            return Form(held[0].atoms, held[0].keys, node.start, node.end) if len(held) == 1 else None
        atom = atoms[i]
        if atom and worth:
            return Form((atom,), None, node.start, node.end)
    return None


def _record(text: str, node: Node) -> tuple[int | None, Atom] | None:
    """`{"text": 2, "label": 1}`: the number, if there is one, and the value."""
    pairs = members(text, node) or []
    worth = [i for i, (name, _, _) in enumerate(pairs) if re.fullmatch(WORTH, name, re.IGNORECASE)]
    index = [atom_at(text, start, end) for name, start, end in pairs if _INDEX.fullmatch(name)]
    if len(pairs) == 1 and not worth:
        number = _NUMBERED.fullmatch(pairs[0][0])
        atom = atom_at(text, *pairs[0][1:])
        return (int(number[1]), atom) if number and atom else None
    if len(worth) != 1:
        return None
    atom = atom_at(text, *pairs[worth[0]][1:])
    numbers = [int(part.text) for part in index if part and part.text.isdecimal()]
    return (numbers[0] if len(numbers) == 1 else None, atom) if atom else None
