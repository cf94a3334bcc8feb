"""Change a mailbox that is there: its holder's name and number, its attributes, its members, its certificate.

What is fixed for life (address, type) is no part of it; quota and state have acts of their own
(`mssante.flows.mailboxes`). A draft reads and judges only, so that a dry run says what a real one does.

Source: operators.md 4.2 (data model of a BAL), 4.6 (address and type do not change); users.md 7.4 GP-5.
"""

from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from mssante.model.address import for_trace, login_for_trace
from mssante.model.audit import AuditEvent
from mssante.model.dn import DistinguishedName
from mssante.model.errors import MssError
from mssante.model.mailbox import Account, Mailbox, MailboxState, MailboxType
from mssante.model.publication import Listing, PublicationState
from mssante.rules.attributes import listing_fault
from mssante.rules.identifier import identifier_fault
from mssante.store import accounts, audit, mailboxes, publication
from mssante.store.tx import Tx

HOLDER_MAX_CHARS: Final = 200
MEMBERS_MAX: Final = 200
MEMBERS, CERTIFICATE = "members", "certificate"
_UNPUBLISHED: Final = frozenset({MEMBERS, CERTIFICATE, "local_id"})
"""Names of what no directory is told."""


def unchanged(listing: Listing) -> Listing:
    """Return the attributes as they are."""
    return listing


@dataclass(frozen=True, slots=True)
class BoxChange:
    """What is to change of a mailbox; None leaves a part as it is.

    Attributes:
        holder: name shown to others.
        identifier: national number of the holder (PER, CAB) or of the structure (ORG, APP); "" takes it away.
        amend: returns the attributes to have, from those that it has.
        joining, leaving: logins of members who come and go (ORG, APP, CAB).
        certificate_name: subject of the client certificate that opens it from now on (APP).
    """

    holder: str | None = None
    identifier: str | None = None
    amend: Callable[[Listing], Listing] = unchanged
    joining: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()
    certificate_name: DistinguishedName | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A change that may be made, with what it comes to.

    Attributes:
        fields: names of what differs from now, sorted: "holder", "identifier", those of `Listing`, "members",
            "certificate".
        listing: attributes to have.
        joining, leaving: members who really come or go.
    """

    mailbox: Mailbox
    fields: tuple[str, ...]
    holder: str
    identifier: str
    listing: Listing
    joining: tuple[str, ...]
    leaving: tuple[str, ...]
    certificate_name: DistinguishedName | None

    @property
    def is_published(self) -> bool:
        """Tell whether a directory is told of it."""
        return self.mailbox.kind is not MailboxType.CITIZEN and not _UNPUBLISHED.issuperset(self.fields)


async def draft(tx: Tx, mailbox: Mailbox, change: BoxChange, coming: Collection[str] = ()) -> Draft:
    """Return what a change comes to; nothing is written.

    Args:
        tx: read only.
        mailbox: as it is.
        change: what is wanted.
        coming: logins of accounts that will be there by then, case-folded.

    Raises:
        MssError: it is closed, the change does not fit its type, a member is unknown, or nobody could open it any more.
    """
    found = await publication.announced(tx, mailbox.mailbox_id)
    old = Listing() if found is None else found.listing
    listing = change.amend(old)
    holder = mailbox.holder if change.holder is None else change.holder
    identifier = mailbox.identifier if change.identifier is None else change.identifier
    fault = "elle est close, pour toujours" if mailbox.state is MailboxState.CLOSED else ""
    if change.holder is not None:
        fault = fault or holder_fault(holder)
    if identifier != mailbox.identifier:
        fault = fault or identifier_fault(mailbox.kind, mailbox.address, identifier)
    if listing != old:
        fault = fault or listing_fault(mailbox.kind, listing)
    _refuse(mailbox, fault)
    joining, leaving = await _members(tx, mailbox, change, coming)
    certificate = await _certificate(tx, mailbox, change.certificate_name)
    told = asdict(listing)
    fields = [name for name, value in asdict(old).items() if value != told[name]]
    fields += ["holder"] if holder != mailbox.holder else []
    fields += ["identifier"] if identifier != mailbox.identifier else []
    fields += [MEMBERS] if joining or leaving else []
    fields += [CERTIFICATE] if certificate is not None else []
    return Draft(mailbox, tuple(sorted(fields)), holder, identifier, listing, joining, leaving, certificate)


async def amend(tx: Tx, wanted: Draft, *, actor: str, trace_key: bytes, now: datetime) -> None:
    """Make the change of a draft, with its audit rows; what the directory is told is to be published anew.

    Source: operators.md 4.6, 11 U8 (to publish from the transaction that changes it).
    """
    if not wanted.fields:
        return
    mailbox = wanted.mailbox
    if {"holder", "identifier"} & set(wanted.fields):
        await mailboxes.set_holder(tx, mailbox.mailbox_id, wanted.holder, wanted.identifier)
    if not {MEMBERS, CERTIFICATE}.issuperset(wanted.fields):
        # The store makes it due; a citizen's mailbox has no row there.
        await publication.change_listing(tx, mailbox.mailbox_id, wanted.listing, now)
    if wanted.certificate_name is not None:
        own = await existing_account(tx, str(mailbox.address))
        await accounts.set_certificate(tx, own.account_id, wanted.certificate_name)
    subject = for_trace(mailbox.address, trace_key)
    facts: dict[str, str | int] = {"changed": ",".join(wanted.fields)}
    if wanted.is_published:
        facts["publication"] = PublicationState.TO_PUBLISH.value
    await audit.append(tx, AuditEvent("mailbox.changed", actor, subject, "ok", "administrator", facts), now)
    for login in wanted.joining:
        account = await existing_account(tx, login)
        await accounts.grant(tx, account.account_id, mailbox.mailbox_id, may_read=True, may_send=True)
        who = {"login": login_for_trace(login, trace_key)}
        await audit.append(tx, AuditEvent("member.added", actor, subject, "ok", "administrator", who), now)
    for login in wanted.leaving:
        account = await existing_account(tx, login)
        await accounts.revoke(tx, account.account_id, mailbox.mailbox_id)
        who = {"login": login_for_trace(login, trace_key)}
        await audit.append(tx, AuditEvent("member.removed", actor, subject, "ok", "administrator", who), now)


def holder_fault(holder: str) -> str:
    """Return what is wrong with a holder's name, in French with the fix; "" when nothing is."""
    if not holder.strip() or len(holder) > HOLDER_MAX_CHARS or not holder.isprintable():
        return f"le titulaire doit être un nom de 1 à {HOLDER_MAX_CHARS} caractères, sur une ligne"
    return ""


async def _members(
    tx: Tx, mailbox: Mailbox, change: BoxChange, coming: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return who really comes and who really goes."""
    if not change.joining and not change.leaving:
        return (), ()
    if mailbox.kind in {MailboxType.PER, MailboxType.CITIZEN}:
        _refuse(mailbox, "une boîte personnelle n'a pas de membres ; `mssante mailbox delegate` y fait un remplacement")
    now = {login.casefold(): login for login in await accounts.members(tx, mailbox.mailbox_id)}
    own = await accounts.account_by_login(tx, str(mailbox.address))
    joining = tuple(login for login in dict.fromkeys(change.joining) if login.casefold() not in now)
    for login in joining:
        if own is not None and login.casefold() == own.login.casefold():
            _refuse(mailbox, "son propre compte l'ouvre déjà ; donnez celui d'une personne")
        if login.casefold() not in coming:
            await existing_account(tx, login)
    gone = {login.casefold() for login in change.leaving}
    if strangers := [login for login in change.leaving if login.casefold() not in now]:
        _refuse(mailbox, f"{strangers[0]} n'en est pas membre")
    left = (now.keys() | {login.casefold() for login in joining}) - gone
    if len(left) > MEMBERS_MAX:
        _refuse(mailbox, f"au plus {MEMBERS_MAX} membres par boîte")
    if not left and own is None:
        _refuse(mailbox, "plus personne ne pourrait l'ouvrir ; ajoutez d'abord un autre membre")
    return joining, tuple(now[key] for key in sorted(gone))


async def _certificate(tx: Tx, mailbox: Mailbox, name: DistinguishedName | None) -> DistinguishedName | None:
    """Return the certificate to put in the place of another one; None when it has that one."""
    if name is None:
        return None
    own = await accounts.account_by_login(tx, str(mailbox.address))
    if mailbox.kind is not MailboxType.APP or own is None:
        _refuse(mailbox, "seule une boîte APP avec un compte à elle s'ouvre avec un certificat de logiciel")
    known = await accounts.account_by_certificate(tx, name)
    if known is not None and own is not None and known.account_id != own.account_id:
        _refuse(mailbox, f"le certificat de ce nom ouvre déjà {known.login}")
    return None if known is not None else name


async def existing_account(tx: Tx, login: str) -> Account:
    """Return the account of a login.

    Raises:
        MssError: there is none; the text says what to do first.
    """
    found = await accounts.account_by_login(tx, login)
    if found is None:
        msg = f"le compte {login} n'existe pas ; ouvrez d'abord la boîte de cette personne"
        raise MssError(msg)
    return found


def _refuse(mailbox: Mailbox, fault: str) -> None:
    """Raise the fault, if there is one."""
    if fault:
        msg = f"boîte {mailbox.address} : {fault}"
        raise MssError(msg)
