"""From rows to explanations by latent: which rows are meant, what refuses them all, and what costs a latent its own."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from inspect_autointerp.errors import UserError
from inspect_autointerp.exchange.faults import Faults
from inspect_autointerp.exchange.records import Problem, Row, SuppliedText, is_unicode, short

LONGEST = 10_000
"""Characters of an explanation: a longer one is none, and would be paid for with every question."""
_NAMED = 5
"""Names that a message lists."""


@dataclass(kw_only=True)
class Collected:
    """The explanations of one hookpoint's latents."""

    source: str
    hookpoint: str
    """As the store calls it."""
    width: int
    by: str | None
    """An explainer or a method, the only one whose rows are wanted."""
    names: frozenset[str]
    """What the source may call the hookpoint."""
    texts: dict[int, SuppliedText] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    passed_over: int = 0
    """Rows of other hookpoints or by others."""

    def __post_init__(self) -> None:
        self._seen: dict[int, Row] = {}
        self._others: set[str] = set()
        self._makers: set[str] = set()
        self._clashing: set[str] = set()
        self._subjects: set[str] = set()

    def collect(self, rows: Iterable[Row], faults: Faults) -> None:
        """Take all rows of a source.

        Raises:
            UserError: One of them is broken, or there is none that is meant.
        """
        for row in rows:
            if row.hookpoint is not None and self.names.isdisjoint((row.hookpoint, f"{row.model}/{row.hookpoint}")):
                self._others.add(row.hookpoint)
                self.passed_over += 1
            elif self.by is not None and self.by not in _makers(row):
                self._makers.update(_makers(row))
                self.passed_over += 1
            elif fault := self._fault(row):
                faults.add(row.place, fault)
            else:
                self._take(row)
        faults.check(f"; give one of them as by=…: {_list(self._clashing)}" if self._clashing else "")
        self._check()

    def _fault(self, row: Row) -> str | None:
        """Why a row refuses its whole source."""
        if row.index >= self.width:
            return f"latent {row.index}, and the coder of {self.hookpoint} has {self.width} (0 to {self.width - 1})"
        if first := self._seen.get(row.index):
            if set(_makers(row)) != set(_makers(first)):
                self._clashing.update(_makers(row), _makers(first))
            return f"latent {row.index} again, which stands at {first.place} already"
        if not isinstance(row.text, str | None):
            return f"latent {row.index} has {short(row.text)} where its explanation should be"
        if row.text is not None and not is_unicode(row.text):
            return f"latent {row.index} has half a surrogate pair in its explanation, which is no valid Unicode"
        return None

    def _take(self, row: Row) -> None:
        self._seen[row.index] = row
        if row.model is not None:
            self._subjects.add(row.model)
        if reason := _missing(row):
            self.problems.append(Problem(place=row.place, latent=row.index, reason=reason))
            return
        self.texts[row.index] = SuppliedText(
            text=str(row.text),
            place=row.place,
            explainer=row.explainer,
            method=row.method,
            written_for=row.written_for,
            store=row.store,
            scores=row.scores,
        )

    def _check(self) -> None:
        """Refuse a source of which nothing is meant, or that of several subjects."""
        if len(self._subjects) > 1:
            subjects = ", ".join(f"{short(name)}/…" for name in sorted(self._subjects)[:_NAMED])
            raise UserError(f"{self.source}: of several subjects; give one of them in front of the key ({subjects})")
        if self._seen:
            return
        if self._makers:
            raise UserError(f"{self.source}: nothing by {short(self.by)}; it is by {_list(self._makers)}")
        if self._others:
            raise UserError(
                f"{self.source}: nothing of {short(self.hookpoint)}, it is of {_list(self._others)};"
                " if those are the same latents, give that name as key=…"
            )
        raise UserError(f"{self.source}: there is no explanation in it")


def _missing(row: Row) -> str | None:
    """Why a row's latent is without an explanation; None where it has one."""
    if row.text is None:
        return row.reason or "no_explanation"
    text = str(row.text)
    if not text.strip():
        return row.reason or "empty_explanation"
    if len(text) > LONGEST:
        return "explanation_too_long"
    return "nul_in_explanation" if "\0" in text else None


def _makers(row: Row) -> list[str]:
    return [maker for maker in (row.explainer, row.method) if maker]


def _list(names: Iterable[str]) -> str:
    """Some names for a message, in order."""
    found = sorted(names)
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(map(short, found[:_NAMED])) + more
