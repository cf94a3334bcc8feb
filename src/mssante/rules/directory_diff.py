"""What is wrong between our mailboxes, the directory in force and what the national directory answers, and the repair.

Source: operators.md 4.2, 4.4 (public extraction: no description, responsible or rank), 4.5, 4.6 (FHIR: responsible is
written and not shown); issue of the directory.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from mssante.model.directory import ListedMailbox
from mssante.model.mailbox import MailboxType
from mssante.model.publication import PublicationState

# What FHIR has of each type (operators.md 4.2): a text that has no place there is no difference.
_DESCRIBED: Final = frozenset({MailboxType.ORG, MailboxType.APP, MailboxType.CAB})
_SERVED: Final = frozenset({MailboxType.ORG, MailboxType.APP, MailboxType.PER})
_ON_ITS_WAY: Final = frozenset({PublicationState.TO_PUBLISH, PublicationState.SENT})


class What(enum.Enum):
    """What is wrong."""

    MISSING = "missing"
    GHOST = "ghost"
    WRONG_HOLDER = "wrong-holder"
    DUPLICATE = "duplicate"
    STALE = "stale"
    RED_LEAK = "red-leak"


class Source(enum.Enum):
    """Where it was seen."""

    OURS = "ours"
    EXTRACT = "extract"
    FHIR = "fhir"


class Said(enum.Enum):
    """What a source says of an address."""

    THERE = "there"
    OUT_OF_SERVICE = "out-of-service"
    ABSENT = "absent"
    UNKNOWN = "unknown"  # it was not asked, or did not answer: never the same as absent


@dataclass(frozen=True, slots=True)
class Own:
    """A mailbox of ours.

    Attributes:
        wanted: what the directory is to have of it; None: nothing, because it is suspended or closed.
        state: of its publication.
        changed_at: when that state was reached.
    """

    wanted: ListedMailbox | None
    state: PublicationState
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What the three say of one address.

    Attributes:
        own: None: the address is none of ours.
        extract: its lines; None: there is no extract.
        extract_at: when the extract was put in force, or None.
        fhir: what was answered; None: nothing was asked, or there was no answer.
    """

    address: str
    own: Own | None
    extract: tuple[ListedMailbox, ...] | None
    extract_at: datetime | None = None
    fhir: tuple[ListedMailbox, ...] | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong.

    Attributes:
        detail, repair: in French.
        command: that does the repair, or that shows more when nobody here can do it.
        waits: it will pass by itself.
        ours, extract, fhir: what each of the three says of the address.
    """

    what: What
    source: Source
    address: str
    detail: str
    repair: str
    command: str
    waits: bool = False
    ours: Said = Said.UNKNOWN
    extract: Said = Said.UNKNOWN
    fhir: Said = Said.UNKNOWN


def judge(facts: Facts) -> tuple[Finding, ...]:
    """Return what is wrong with one address, by source.

    Source: issue of the directory (missing, ghost, wrong structure, duplicate, stale; each with its repair).
    """
    found: list[Finding] = []
    for source, lines in ((Source.EXTRACT, facts.extract), (Source.FHIR, facts.fhir)):
        if lines is None:
            continue
        if facts.own is None:
            found += _stranger(facts.address, source, lines)
        else:
            found += _own(facts, facts.own, source, lines)
    ours, extract, fhir = _ours(facts.own), _said(facts.extract), _said(facts.fhir)
    return tuple([replace(one, ours=ours, extract=extract, fhir=fhir) for one in found])


def _ours(own: Own | None) -> Said:
    if own is None:
        return Said.ABSENT
    return Said.OUT_OF_SERVICE if own.wanted is None else Said.THERE


def _said(lines: Sequence[ListedMailbox] | None) -> Said:
    if lines is None:
        return Said.UNKNOWN
    return Said.THERE if lines else Said.ABSENT


def _stranger(address: str, source: Source, lines: Sequence[ListedMailbox]) -> list[Finding]:
    if not lines:
        return []
    repair = "ouvrez cette boîte si elle doit exister, sinon faites-la retirer par le gestionnaire de l'annuaire"
    command = f"mssante directory show {address}"
    detail = f"{_the(source)} a cette adresse de notre domaine, qui n'est pas une de nos boîtes"
    return [Finding(What.GHOST, source, address, detail, repair, command)]


def _own(facts: Facts, own: Own, source: Source, lines: Sequence[ListedMailbox]) -> list[Finding]:
    address, wanted = facts.address, own.wanted
    found: list[tuple[What, str]] = []
    if wanted is None:
        if lines:
            found.append((What.GHOST, f"{_the(source)} a encore cette boîte, qui n'est plus en service"))
    elif not lines:
        if not wanted.is_red:
            found.append((What.MISSING, f"{_the(source)} n'a pas cette boîte"))
    else:
        found += _compared(wanted, source, lines)
    if len({(one.professional, one.structure) for one in lines}) > 1:
        found.append((What.DUPLICATE, f"{_the(source)} a cette adresse sur {len(lines)} fiches"))
    made = []
    for what, detail in found:
        repair, command, waits = _repair(what, own, source, facts.extract_at, address)
        made.append(Finding(what, source, address, detail, repair, command, waits))
    return made


def _compared(wanted: ListedMailbox, source: Source, lines: Sequence[ListedMailbox]) -> list[tuple[What, str]]:
    """Compare with the line of our holder; only when there is none is the holder wrong."""
    found: list[tuple[What, str]] = []
    if wanted.is_red and any(not one.is_red for one in lines):
        found.append((What.RED_LEAK, f"{_the(source)} montre cette boîte, qui est sur liste rouge"))
    right = [one for one in lines if (one.professional, one.structure) == (wanted.professional, wanted.structure)]
    if not right:
        found.append((What.WRONG_HOLDER, _wrong(wanted, source, lines[0])))
        return found
    changed = [
        f"{name} « {there} » au lieu de « {ours} »"
        for name, ours, there in _attributes(wanted, right[0], source)
        if ours != there
    ]
    if changed:
        found.append((What.STALE, f"{_the(source)} n'est pas à jour : {', '.join(changed)}"))
    return found


def _wrong(wanted: ListedMailbox, source: Source, there: ListedMailbox) -> str:
    parts = []
    if there.professional != wanted.professional:
        parts.append(f"à la personne {there.professional or 'aucune'} au lieu de {wanted.professional or 'aucune'}")
    if there.structure != wanted.structure:
        parts.append(f"à la structure {there.structure or 'aucune'} au lieu de {wanted.structure or 'aucune'}")
    return f"{_the(source)} attache cette boîte {' et '.join(parts)}"


def _attributes(wanted: ListedMailbox, there: ListedMailbox, source: Source) -> list[tuple[str, str, str]]:
    """Return name, our value, the value there, of what that source shows; what we do not say is not compared.

    Source: operators.md 4.2 (who is responsible is in no open access), 4.4 (columns of the extraction), 4.6.
    """
    in_fhir = source is Source.FHIR
    found = [("type", wanted.kind.value, there.kind.value)]
    if not in_fhir or wanted.kind in _SERVED:
        found.append(("service", _text(wanted.service), _text(there.service)))
    # Not every FHIR directory shows it: its extension is an older one (operators.md 4.2).
    if wanted.is_paperless is not None and not (in_fhir and there.is_paperless is None):
        found.append(("zéro papier", _yes(wanted.is_paperless), _yes(there.is_paperless)))
    if in_fhir and wanted.kind in _DESCRIBED:
        found.append(("description", _text(wanted.description), _text(there.description)))
    if in_fhir:
        found.append(("rang", str(wanted.rank or "sans"), str(there.rank or "sans")))
    if in_fhir and there.is_red and not wanted.is_red:
        found.append(("liste rouge", "non", "oui"))
    return found


def _repair(what: What, own: Own, source: Source, extract_at: datetime | None, address: str) -> tuple[str, str, bool]:
    """Return the repair, its command, and whether it is only a matter of waiting.

    What was accepted after the extract was put in force cannot stand in it yet.
    """
    publish = f"mssante directory publish --address {address}"
    if what is What.DUPLICATE:
        repair = "faites retirer les fiches en trop par le gestionnaire de l'annuaire"
        return repair, f"mssante directory show {address}", False
    if own.state in _ON_ITS_WAY:
        return "la publication est en cours : elle se termine seule, ou tout de suite ainsi", publish, True
    is_done = own.state in {PublicationState.ACCEPTED, PublicationState.WITHDRAWN}
    if source is Source.EXTRACT and is_done and extract_at is not None and own.changed_at > extract_at:
        repair = "l'annuaire l'a accepté après cette extraction : importez la suivante, puis comparez"
        return repair, "mssante directory import FICHIER", True
    if own.state is PublicationState.REFUSED:
        repair = "l'annuaire a refusé la publication : lisez la raison, corrigez, publiez de nouveau"
        return repair, "mssante directory publications --state refused", False
    return _SAID[what], publish, False


_SAID: Final = {
    What.MISSING: "publiez-la de nouveau",
    What.GHOST: "faites-la retirer : son retrait est redemandé ainsi",
    What.WRONG_HOLDER: "si notre attachement est juste, publiez-la de nouveau ; sinon corrigez-le d'abord avec "
    "mssante mailbox change",
    What.STALE: "publiez-la de nouveau ; le type, lui, ne change pas : il faudrait une autre boîte",
    What.RED_LEAK: "publiez sa liste rouge tout de suite, et prévenez son titulaire",
}


def _the(source: Source) -> str:
    return "l'extraction" if source is Source.EXTRACT else "l'annuaire FHIR"


def _text(text: str) -> str:
    """Return a text as the extraction can hold it: no separator, no line break, single spaces."""
    return " ".join(text.replace("|", " ").split())


def _yes(value: bool | None) -> str:  # noqa: FBT001 - the value itself
    return {None: "non dit", True: "oui", False: "non"}[value]
