"""What the directory is to be told of a mailbox of ours, in which changes, and what its answers mean.

Source: operators.md 4.2 (fields of each type), 4.3 (identifiers), 4.5 (where a type lives), 4.6 (operations, answers).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from mssante.model.decision import TEMPORARY, Kind
from mssante.model.directory import (
    AddMailbox,
    ChangeMailbox,
    Holder,
    ListedMailbox,
    MailboxChange,
    RemoveMailbox,
    Target,
)
from mssante.model.mailbox import Mailbox, MailboxType
from mssante.model.national import is_rpps
from mssante.model.publication import (
    Accepted,
    DirectoryAnswer,
    Listing,
    Publication,
    PublicationSettings,
    RefusedByDirectory,
    Unreachable,
)
from mssante.rules.attributes import DESCRIBED, PLACES, structure_identifier

NO_IDENTIFIER: Final = "no-identifier"
"""Why a mailbox cannot be published at all: nothing says whose it is."""
SITUATION_UNKNOWN: Final = "situation-unknown"
"""Why a personal mailbox is published without its structure: the directory does not know the holder there."""
NOT_VOUCHED_FOR: Final = "not-vouched-for"
"""Why somebody without a national number is refused: the directory does not know them in the structure they name."""

# Refusals of us and not of the mailbox: the same request may be taken once the operator has put that right.
_OURS: Final = frozenset({Kind.SIGN_IN_FAILED, Kind.SIGN_IN_REQUIRED})

_ADVICE: Final = {
    NO_IDENTIFIER: (
        "la boîte n'a pas d'identifiant national",
        "donnez-le : mssante mailbox change ADRESSE --identifier NUMERO ; à défaut de RPPS, --structure FINESS",
    ),
    SITUATION_UNKNOWN: (
        "publiée sans son lieu d'exercice : l'annuaire n'y connaît pas ce professionnel",
        "faites corriger sa situation d'exercice, puis mssante directory publish --again",
    ),
    NOT_VOUCHED_FOR: (
        "sans RPPS, seule sa structure répond de cette personne, et l'annuaire ne l'y connaît pas",
        "donnez son RPPS : mssante mailbox change ADRESSE --identifier RPPS ; ou demandez à l'annuaire de l'inscrire",
    ),
    Kind.ENTRY_UNKNOWN.value: (
        "l'annuaire ne connaît pas ce professionnel ou cette structure",
        "vérifiez le RPPS, le FINESS et le lieu d'exercice, puis mssante directory publish --again",
    ),
    Kind.ENTRY_AMBIGUOUS.value: (
        "l'annuaire connaît plusieurs fiches avec cet identifiant",
        "signalez le doublon au gestionnaire de l'annuaire, puis mssante directory publish --again",
    ),
    Kind.ADDRESS_TAKEN.value: (
        "l'annuaire a déjà cette adresse, attachée à quelqu'un d'autre",
        "cherchez à qui avec mssante directory search ADRESSE, faites retirer l'ancienne, puis publish --again",
    ),
    Kind.ADDRESS_FIXED.value: (
        "l'adresse et le type d'une boîte ne changent pas dans l'annuaire",
        "ouvrez une autre boîte et closez celle-ci",
    ),
    Kind.NOT_YOURS.value: (
        "l'annuaire ne laisse pas cet opérateur écrire cette boîte",
        "vérifiez que le domaine est à vous dans la liste blanche, et la clé d'accès à l'annuaire",
    ),
    Kind.SIGN_IN_FAILED.value: (
        "l'annuaire refuse nos droits d'accès",
        "vérifiez la clé ou le certificat d'accès à l'annuaire ; l'envoi est retenté tout seul",
    ),
    Kind.QUERY_UNCLEAR.value: (
        "l'annuaire ne comprend pas la demande",
        "signalez-le avec la raison donnée ; c'est un défaut de ce programme ou de l'annuaire",
    ),
    Kind.DIRECTORY_UNAVAILABLE.value: ("l'annuaire ne répond pas", "rien à faire : l'envoi est retenté tout seul"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One request to the directory.

    Attributes:
        before: asked for in the same request, before `change`, so that nothing stands between the two.
    """

    target: Target
    change: MailboxChange
    before: tuple[MailboxChange, ...] = ()

    @property
    def changes(self) -> tuple[MailboxChange, ...]:
        """Return everything that the request asks for, in order."""
        return (*self.before, self.change)


@dataclass(frozen=True, slots=True)
class Done:
    """The step has come to what was wanted."""


@dataclass(frozen=True, slots=True)
class Instead:
    """Another change has to be tried in the place of the one that was refused."""

    change: MailboxChange


@dataclass(frozen=True, slots=True)
class Later:
    """Not now; `code` and `reason` say why."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Never:
    """Not before somebody has changed something; `code` and `reason` say why."""

    code: str
    reason: str


Judged = Done | Instead | Later | Never


def person_identifier(mailbox: Mailbox, structure: str) -> str:
    """Return IdNat_PS of the holder; "" when nothing says who it is.

    Somebody without a national number, whose identity a structure answers for, has the address as number.

    Source: operators.md 4.3 (8 RPPS; 10 and the address).
    """
    number = mailbox.identifier
    if is_rpps(number):
        return f"8{number}"
    if number:
        return number
    return f"10{mailbox.address}" if structure and mailbox.kind is MailboxType.PER else ""


def situation_identifier(professional: str, structure: str) -> str:
    """Return the identifier of a situation that has none of its own: both, with a hyphen between (our choice)."""
    return f"{professional}-{structure}"


def publication_of(mailbox: Mailbox, listing: Listing) -> Publication | None:
    """Return what the directory is to have of a mailbox in service; None when it cannot be attached to anybody.

    Source: operators.md 4.5 (PER on Practitioner, or PractitionerRole with a structure; CAB on Practitioner; ORG and
        APP on Organization).
    """
    if mailbox.kind is MailboxType.CITIZEN or mailbox.address.is_citizen:
        # Whatever its type says: a national health identity number is never told to a directory.
        return None
    is_place = mailbox.kind in PLACES
    structure = structure_identifier(mailbox.identifier if is_place else listing.structure)
    professional = "" if is_place else person_identifier(mailbox, structure)
    if not (structure if is_place else professional):
        return None
    if is_place:
        target = Target(Holder.PLACE, structure)
    elif structure:
        target = Target(Holder.ROLE, situation_identifier(professional, structure))
    else:
        target = Target(Holder.PERSON, professional)
    listed = ListedMailbox(
        address=str(mailbox.address),
        kind=mailbox.kind,
        professional=professional,
        structure=structure,
        service=listing.service,
        description=listing.description,
        responsible=listing.responsible,
        phone=listing.phone,
        is_red=listing.is_red,
        is_paperless=listing.is_paperless,
        rank=listing.rank,
    )
    return Publication(target, listed)


def without_structure(wanted: Publication) -> Publication | None:
    """Return what may be published of a personal mailbox whose holder the directory does not know in the structure.

    None when nothing may: it has none, or the holder has no national number and only the structure answers for them.

    Source: operators.md 4.1 and 4.3 (identity vouched for by a legal person), 4.4 (the structure of a PER is optional).
    """
    mailbox = wanted.mailbox
    if wanted.target.holder is not Holder.ROLE or "@" in mailbox.professional:
        return None
    target = Target(Holder.PERSON, mailbox.professional)
    return Publication(target, replace(mailbox, structure=""), unknown_structure=mailbox.structure)


def told(
    wanted: Publication | None, published: Publication | None, settings: PublicationSettings
) -> Publication | None:
    """Return what the directory is told of what it is to have: no structure that it refused, no local attribute.

    Args:
        wanted: as `publication_of` gives it, None for nothing.
        published: what it accepted last, or None.
        settings: of this operator.
    """
    if wanted is not None and not settings.publish_paperless:
        wanted = replace(wanted, mailbox=replace(wanted.mailbox, is_paperless=None))
    if wanted is None or published is None or settings.unknown_situation != "person":
        return wanted
    alone = without_structure(wanted)
    is_known_refusal = alone is not None and (alone.target, alone.unknown_structure) == (
        published.target,
        published.unknown_structure,
    )
    return alone if is_known_refusal else wanted


def steps(wanted: Publication | None, published: Publication | None, possible: Publication | None) -> tuple[Step, ...]:
    """Return what to ask of the directory, in order; () when it has what it is to have.

    Args:
        wanted: what it is to have; None: nothing.
        published: what it accepted last, or None.
        possible: what it may have got by a request whose answer was lost; told only when nothing is wanted.

    Who wishes no paper is no part that the interface can replace: the mailbox is taken out and put in again, in one
    request. The telephone is never told.

    Source: operators.md 4.6 (insert, replace, delete; address and type do not change); users.md 7.4 GP-5.
    """
    if wanted is None:
        places: tuple[Publication | None, ...] = (published,)
        if published is None and possible is not None:
            # The answer may have been lost of a request that was accepted whole, or without the structure.
            places = (possible, without_structure(possible))
        return tuple(Step(one.target, RemoveMailbox(one.mailbox.address)) for one in places if one is not None)
    add = Step(wanted.target, AddMailbox(wanted.mailbox))
    if published is None:
        return (add,)
    if published.target != wanted.target:
        return (Step(published.target, RemoveMailbox(published.mailbox.address)), add)
    if published.mailbox.is_paperless != wanted.mailbox.is_paperless:
        return (replace(add, before=(RemoveMailbox(published.mailbox.address),)),)
    change = _difference(published.mailbox, wanted.mailbox)
    return () if change is None else (Step(wanted.target, change),)


def judge_answer(step: Step, wanted: Publication | None, answer: DirectoryAnswer) -> Judged:
    """Return what an answer means for a step; what is there already as we want it counts as done.

    An address that is known already is tried as a change of everything that may change: when the same holder has it,
    ours is what was added before and its answer was lost, else it is somebody else's.

    Source: operators.md 4.6 (404, 412, 422 MSG_PARAM_NO_REPEAT); reliability.md K13.
    """
    match answer:
        case Accepted():
            return Done()
        case Unreachable(reason=reason):
            return Later(Kind.DIRECTORY_UNAVAILABLE.value, reason)
        case RefusedByDirectory(code=code, reason=reason) if code in TEMPORARY or code in _OURS:
            return Later(code.value, reason)
        case RefusedByDirectory(code=code, reason=reason):
            return _refused(step, wanted, code, reason)


def when_unknown(
    step: Step, wanted: Publication | None, judged: Judged, settings: PublicationSettings
) -> Judged | Publication:
    """Return what a refusal means: what to publish in its place, when the directory does not know the situation.

    Source: operators.md 4.1 (a person without national number), 4.4 (structure of a PER optional); setting
        ``unknown_situation`` (our choice).
    """
    if not isinstance(judged, Never) or judged.code != Kind.ENTRY_UNKNOWN.value:
        return judged
    if wanted is None or step.target.holder is not Holder.ROLE:
        return judged
    alone = without_structure(wanted)
    if alone is None:
        return Never(NOT_VOUCHED_FOR, judged.reason)
    return alone if settings.unknown_situation == "person" else judged


def advice(code: str) -> tuple[str, str]:
    """Return why a mailbox is not published and what to do, in French."""
    known = _ADVICE.get(code)
    return known or ("l'annuaire refuse", "lisez la raison donnée, corrigez, puis mssante directory publish --again")


def next_attempt(tries: int, now: datetime, settings: PublicationSettings) -> datetime:
    """Return when to try to reach the directory again; it never ends, because nobody else would tell it.

    Raises:
        ValueError: tries is below 1 (a bug in the caller).

    Source: operators.md U11 (delays unknown, our choice).
    """
    if tries < 1:
        msg = f"tries is {tries}: the rule is asked after an attempt"
        raise ValueError(msg)
    wait = min(settings.first_retry_seconds * 2 ** min(tries - 1, 40), settings.longest_retry_seconds)
    return now + timedelta(seconds=wait)


def _difference(old: ListedMailbox, new: ListedMailbox) -> ChangeMailbox | None:
    change = ChangeMailbox(
        new.address,
        is_red=new.is_red if new.is_red != old.is_red else None,
        description=new.description if new.description != old.description else None,
        service=new.service if new.service != old.service else None,
        responsible=new.responsible if new.responsible != old.responsible else None,
        rank=(new.rank or 0) if new.rank != old.rank else None,
    )
    return None if change == ChangeMailbox(new.address) else change


def _everything(mailbox: ListedMailbox) -> ChangeMailbox:
    """Return the change that puts everything that may change as it is here; what a type has not is left alone."""
    is_described, is_place = mailbox.kind in DESCRIBED, mailbox.kind in PLACES
    return ChangeMailbox(
        mailbox.address,
        is_red=mailbox.is_red,
        description=mailbox.description if is_described else None,
        service=mailbox.service if is_place else None,
        responsible=mailbox.responsible if is_described else None,
        rank=mailbox.rank or 0,
    )


def _refused(step: Step, wanted: Publication | None, code: Kind, reason: str) -> Judged:
    match step.change:
        case RemoveMailbox() if code is Kind.ENTRY_UNKNOWN:
            return Done()
        case AddMailbox(mailbox=mailbox) if code is Kind.ADDRESS_TAKEN:
            return Instead(_everything(mailbox))
        case AddMailbox(mailbox=mailbox) if code is Kind.ENTRY_UNKNOWN and step.before:
            return Instead(AddMailbox(mailbox))
        case ChangeMailbox() if code is Kind.ENTRY_UNKNOWN and wanted is not None:
            # It has lost what it had: an older copy was put back, or somebody else took it away.
            return Instead(AddMailbox(replace(wanted.mailbox)))
        case _:
            return Never(code.value, reason)
