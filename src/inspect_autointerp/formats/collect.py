"""From rows to explanations by latent: which rows are meant, what refuses them all, and what costs a latent its own."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from inspect_autointerp.errors import UserError
from inspect_autointerp.formats.concepts import concept_problem
from inspect_autointerp.formats.errors import Faults
from inspect_autointerp.formats.records import Problem, Row, SuppliedText, is_unicode, short
from inspect_autointerp.inspect_support.explanation import read_concepts

LONGEST = 10_000
"""Characters of an explanation: a longer one is none, and would be paid for with every question."""
REPEATED = ("first", "last", "newest")
"""Which explanation to take of a latent that has several: by its place in the source, or by when it was written.

One that can be used comes before one that cannot.
"""
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
    """An explainer, a method or an author, the only one whose rows are wanted."""
    names: frozenset[str]
    """Names that the source may use for the hookpoint."""
    repeated: str | None = None
    """One of `REPEATED`; None where a latent must not have several."""
    texts: dict[int, SuppliedText] = field(default_factory=dict[int, SuppliedText])
    problems: list[Problem] = field(default_factory=list[Problem])
    passed_over: int = 0
    """Rows of other hookpoints, by others, or that `repeated` does not take."""

    def __post_init__(self) -> None:
        self._seen: dict[int, Row] = {}
        self._others: set[str] = set()
        self._makers: set[str] = set()
        self._repeats = False
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
                if row.model is not None:
                    self._subjects.add(row.model)
                if row.index in self._seen:
                    self._repeat(row, faults)
                else:
                    self._seen[row.index] = row
        self._check_subjects()
        faults.check(self._advice())
        for row in self._seen.values():
            self._take(row)
        self._check()

    def _advice(self) -> str:
        """Return how to go on with a source that has several explanations of a latent."""
        if not self._repeats:
            return ""
        makers = f"one of them as by=…: {_list(self._clashing)}; or " if self._clashing else ""
        return f"; give {makers}repeated={', '.join(REPEATED[:-1])} or {REPEATED[-1]}"

    def _repeat(self, row: Row, faults: Faults) -> None:
        """Take one of two rows of a latent, if the user said which."""
        first = self._seen[row.index]
        if self.repeated is None:
            self._repeats = True
            self._clashing |= set(_makers(row)) ^ set(_makers(first))
            faults.add(row.place, f"latent {row.index} again; it is at {first.place} already")
            return
        self.passed_over += 1
        if bool(_missing(row)) != bool(_missing(first)):
            later = bool(_missing(first))
        elif self.repeated == "newest":
            before, now = _date(first), _date(row)
            if before is None or now is None:
                odd = first if before is None else row
                when = "does not say when it was written" if odd.created is None else f"says {short(odd.created)}"
                faults.add(odd.place, f"repeated=newest: latent {row.index} {when}; give first or last")
                return
            later = now > before
        else:
            later = self.repeated == "last"
        if later:
            self._seen[row.index] = row

    def _fault(self, row: Row) -> str | None:
        """Why a row refuses its whole source."""
        if row.index >= self.width:
            return f"latent {row.index}, and the coder of {self.hookpoint} has {self.width} (0 to {self.width - 1})"
        if not isinstance(row.text, str | None):
            return f"latent {row.index} has {short(row.text)} where its explanation should be"
        if row.text is not None and not is_unicode(row.text):
            return f"latent {row.index} has half a surrogate pair in its explanation, which is not valid Unicode"
        return None

    def _take(self, row: Row) -> None:
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
            cost=row.cost,
            concepts=read_concepts(row.concepts),
            trained_on=row.trained_on,
        )

    def _check_subjects(self) -> None:
        """Refuse a source of several subjects, whose latents have nothing to do with each other."""
        if len(self._subjects) > 1:
            subjects = ", ".join(f"{short(name)}/…" for name in sorted(self._subjects)[:_NAMED])
            raise UserError(
                f"{self.source}: it has explanations for several subjects; put one of them in front of"
                f" the key ({subjects})"
            )

    def _check(self) -> None:
        """Refuse a source of which nothing is meant."""
        if self._seen:
            return
        if self._makers:
            raise UserError(f"{self.source}: nothing by {short(self.by)}; it is by {_list(self._makers)}")
        if self._others:
            raise UserError(
                f"{self.source}: nothing of {short(self.hookpoint)}, it is of {_list(self._others)};"
                " if those are the same latents, give that name as key=…"
            )
        raise UserError(f"{self.source}: it holds no explanations")


def _missing(row: Row) -> str | None:
    """Why a row's latent is without an explanation; None where it has one."""
    if row.text is None:
        return row.reason or "no_explanation"
    text = str(row.text)
    if not text.strip():
        return row.reason or "empty_explanation"
    if len(text) > LONGEST:
        return "explanation_too_long"
    return "nul_in_explanation" if "\0" in text else concept_problem(row.concepts, LONGEST)


def _makers(row: Row) -> list[str]:
    return [maker for maker in (row.explainer, row.method, row.author) if maker]


def _date(row: Row) -> datetime | None:
    """When a row was written; None where it does not say, or not in ISO 8601. Without an offset it is UTC."""
    try:
        date = datetime.fromisoformat(row.created or "")
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _list(names: Iterable[str]) -> str:
    """Some names for a message, in order."""
    ordered = sorted(names)
    more = f" and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
    return ", ".join(map(short, ordered[:_NAMED])) + more
