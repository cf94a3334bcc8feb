"""Import of national files into a new directory, which is put in force when it is whole and plausible.

What a source does not tell is kept of the directory in force; what operators changed meanwhile is done again.

Source: operators.md 4.4; issue of the directory (atomic, bad lines counted, truncated or shrunken files refused).
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Final

from mssante.flows.directory.rows import Piece
from mssante.model.errors import StoreError
from mssante.store.directory.engine import Counts, Delta, DirectoryShelf, Making
from mssante.wire.annuaire.lines import BadLine

BAD_LINES_KEPT: Final = 10_000
EXTRACTION: Final = "extraction"

Progress = Callable[[str, int], None]
"""Told the step and how many lines it has read."""


@dataclass(frozen=True, slots=True)
class Guard:
    """When an import is refused: what it would put in force is not plausible.

    Attributes:
        least_share: of what each kind held before, 0.9 allows a loss of a tenth; 0 allows any.
        bad_share: most bad lines of a source.
    """

    least_share: float = 0.9
    bad_share: float = 0.05


@dataclass(slots=True)
class SourceReport:
    """What one source gave."""

    name: str
    kind: str
    lines: int = 0
    kept: int = 0
    bad: int = 0
    bad_lines: list[BadLine] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Report:
    """What an import did."""

    sources: tuple[SourceReport, ...]
    before: Counts
    after: Counts
    delta: Delta
    caught_up: int


class ImportRefusedError(StoreError):
    """The import would put something implausible in force; the directory stays as it was."""

    def __init__(self, why: str, report: tuple[SourceReport, ...]) -> None:
        """Keep what was read, for the report."""
        super().__init__(why)
        self.report = report


def load(
    shelf: DirectoryShelf,
    files: Sequence[tuple[str, str]],
    pieces: Iterable[Piece],
    guard: Guard,
    now: datetime,
    progress: Progress,
) -> Report:
    """Import files; blocks until the new directory is in force, flushed.

    Args:
        files: name and kind of each, in the order of `rows.in_order`.
        pieces: what they hold, of `rows.pieces`.
        progress: told of each piece and each step.

    Raises:
        ImportRefusedError: it is not plausible (guard), or a source gave nothing.
        TheirProtocolError: a file has not the columns that it should have.
        StoreError: no room, or nothing can be kept there.
    """
    with shelf.making() as making:
        return _made(making, files, pieces, guard, now, progress)


def _made(
    making: Making,
    files: Sequence[tuple[str, str]],
    pieces: Iterable[Piece],
    guard: Guard,
    now: datetime,
    progress: Progress,
) -> Report:
    told = _read(making, files, pieces, progress)
    making.merge_specialities()
    _check_sources(told, guard)
    _keep_the_rest(making, {kind for _name, kind in files})
    before, after = making.counts(old=True), making.counts()
    _check_counts(before, after, guard, told)
    at = int(now.timestamp())
    delta = making.complete(at, "import", lambda step: progress(step, 0))
    number = making.note_import(
        at,
        ", ".join(one.name for one in told),
        sum(one.lines for one in told),
        sum(one.bad for one in told),
        json.dumps(asdict(delta)),
    )
    for one in told:
        making.add_bad_lines(number, one.name, [(bad.number, bad.reason, bad.text) for bad in one.bad_lines])
    caught_up = making.put_in_force()
    return Report(told, before, after, delta, caught_up)


def _read(
    making: Making, files: Sequence[tuple[str, str]], pieces: Iterable[Piece], progress: Progress
) -> tuple[SourceReport, ...]:
    told = tuple(SourceReport(name, kind) for name, kind in files)
    for piece in pieces:
        one = told[piece.source]
        one.lines += piece.lines
        one.bad += len(piece.bad)
        one.kept += piece.kept
        one.bad_lines += piece.bad[: BAD_LINES_KEPT - len(one.bad_lines)]
        for table, found in piece.rows.items():
            making.add(table, found)
        progress(one.name, one.lines)
    return told


def _check_sources(told: tuple[SourceReport, ...], guard: Guard) -> None:
    for one in told:
        if not one.kept:
            msg = f"{one.name} : aucune ligne utilisable ; vérifiez le fichier"
            raise ImportRefusedError(msg, told)
        if one.bad > guard.bad_share * one.lines:
            share = f"{100 * one.bad / one.lines:.1f} % de lignes fautives (au plus {100 * guard.bad_share:.0f} %)"
            first = f" ; la première, ligne {one.bad_lines[0].number} : {one.bad_lines[0].reason}"
            msg = f"{one.name} : {share}{first}"
            raise ImportRefusedError(msg, told)


def _keep_the_rest(making: Making, kinds: set[str]) -> None:
    """Take over from the directory in force what the files of this import do not tell of."""
    if EXTRACTION in kinds:
        making.keep("mailbox", "change")
    else:
        making.keep("mailbox")
    if not kinds & {"activities"}:
        making.keep("situation")
    if not kinds >= {EXTRACTION, "activities"}:
        making.keep("professional")
    if not kinds >= {EXTRACTION, "finess"}:
        making.keep("structure")


def _check_counts(before: Counts, after: Counts, guard: Guard, told: tuple[SourceReport, ...]) -> None:
    for name, old, new in (
        ("professionnels", before.professionals, after.professionals),
        ("structures", before.structures, after.structures),
        ("boîtes", before.mailboxes, after.mailboxes),
    ):
        if new < guard.least_share * old:
            why = f"{new} {name} au lieu de {old} : fichier tronqué ? L'annuaire en service est gardé"
            msg = f"{why} ; s'il est juste, relancez avec --accept-loss"
            raise ImportRefusedError(msg, told)
