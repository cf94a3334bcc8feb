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
from mssante.model.national import is_finess, is_rpps, is_siret
from mssante.model.publication import (
    Accepted,
    DirectoryAnswer,
    Listing,
    Publication,
    PublicationSettings,
    RefusedByDirectory,
    Unreachable,
)

SERVICE_MAX_CHARS: Final = 90
DESCRIPTION_MAX_CHARS: Final = 75
RESPONSIBLE_MAX_CHARS: Final = 45
PHONE_MAX_CHARS: Final = 25
LOCAL_ID_MAX_CHARS: Final = 40
RANK_MAX: Final = 99

NO_IDENTIFIER: Final = "no-identifier"
"""Why a mailbox cannot be published at all: nothing says whose it is."""

_PLACES: Final = frozenset({MailboxType.ORG, MailboxType.APP})
_DESCRIBED: Final = frozenset({MailboxType.ORG, MailboxType.APP, MailboxType.CAB})
# Refusals of us and not of the mailbox: the same request may be taken once the operator has put that right.
_OURS: Final = frozenset({Kind.SIGN_IN_FAILED, Kind.SIGN_IN_REQUIRED})

_ADVICE: Final = {
    NO_IDENTIFIER: (
        "la boîte n'a pas d'identifiant national",
        "donnez sa structure : mssante mailbox change ADRESSE --structure FINESS",
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
    """One request to the directory."""

    target: Target
    change: MailboxChange


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


def listing_fault(kind: MailboxType, listing: Listing) -> str:
    """Return what is wrong with the attributes for that type, in French with the fix; "" when nothing is.

    Source: operators.md 4.2 (which type has which; lengths are inferred there).
    """
    bounded = (
        ("le service", listing.service, SERVICE_MAX_CHARS),
        ("la description", listing.description, DESCRIPTION_MAX_CHARS),
        ("le responsable", listing.responsible, RESPONSIBLE_MAX_CHARS),
        ("le téléphone", listing.phone, PHONE_MAX_CHARS),
        ("le matricule", listing.local_id, LOCAL_ID_MAX_CHARS),
    )
    for what, text, most in bounded:
        if len(text) > most or not text.isprintable():
            return f"{what} doit tenir en {most} caractères, sur une ligne"
    if listing.rank is not None and not 1 <= listing.rank <= RANK_MAX:
        return f"le rang va de 1 (boîte préférée) à {RANK_MAX}"
    if listing.description and kind not in _DESCRIBED:
        return f"une boîte {kind.value} n'a pas de description ; seules ORG, APP et CAB en ont une"
    if (listing.service or listing.responsible) and kind not in _PLACES:
        return f"une boîte {kind.value} n'a ni service ni responsable ; seules ORG et APP en ont"
    if kind is MailboxType.CITIZEN and listing != Listing():
        return "une boîte USAGER n'est dans aucun annuaire ; retirez ces options"
    if listing.structure and kind is not MailboxType.PER:
        return "--structure est pour une boîte PER ; celle d'une boîte ORG ou APP est son identifiant"
    if listing.structure and not structure_identifier(listing.structure):
        return f"{listing.structure} n'est ni un FINESS (9 caractères) ni un SIRET (14 chiffres) juste ; vérifiez-le"
    return ""


def structure_identifier(number: str) -> str:
    """Return IdNat_Struct of a FINESS or SIRET number, with or without the digit of its type; "" for anything else.

    Source: operators.md 4.3 (1 FINESS, 3 SIRET).
    """
    for prefix, is_sound, length in (("1", is_finess, 9), ("3", is_siret, 14)):
        bare = number[1:] if len(number) == length + 1 and number.startswith(prefix) else number
        if is_sound(bare):
            return prefix + bare.upper()
    return ""


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
    is_place = mailbox.kind in _PLACES
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


def steps(wanted: Publication | None, published: Publication | None, possible: Publication | None) -> tuple[Step, ...]:
    """Return what to ask of the directory, in order; () when it has what it is to have.

    Args:
        wanted: what it is to have; None: nothing.
        published: what it accepted last, or None.
        possible: what it may have got by a request whose answer was lost; told only when nothing is wanted.

    Source: operators.md 4.6 (insert, replace, delete; address and type do not change).
    """
    if wanted is None:
        there = published or possible
        return () if there is None else (Step(there.target, RemoveMailbox(there.mailbox.address)),)
    add = Step(wanted.target, AddMailbox(wanted.mailbox))
    if published is None:
        return (add,)
    if published.target != wanted.target:
        return (Step(published.target, RemoveMailbox(published.mailbox.address)), add)
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
    is_described, is_place = mailbox.kind in _DESCRIBED, mailbox.kind in _PLACES
    return ChangeMailbox(
        mailbox.address,
        is_red=mailbox.is_red,
        description=mailbox.description if is_described else None,
        service=mailbox.service if is_place else None,
        responsible=mailbox.responsible if is_place else None,
        rank=mailbox.rank or 0,
    )


def _refused(step: Step, wanted: Publication | None, code: Kind, reason: str) -> Judged:
    match step.change:
        case RemoveMailbox() if code is Kind.ENTRY_UNKNOWN:
            return Done()
        case AddMailbox(mailbox=mailbox) if code is Kind.ADDRESS_TAKEN:
            return Instead(_everything(mailbox))
        case ChangeMailbox() if code is Kind.ENTRY_UNKNOWN and wanted is not None:
            # It has lost what it had: an older copy was put back, or somebody else took it away.
            return Instead(AddMailbox(replace(wanted.mailbox)))
        case _:
            return Never(code.value, reason)
