"""Tell who calls the directory's door: a program by its key, a person by password or token, an operator by certificate.

A client certificate that is shown is judged whatever else is shown: one that is expired, revoked or of a wrong use is
refused, never left aside. Without another credential it must be that of an operator of the white list, or of software
that has an account here.

Source: operators.md 2.5 (R2 to R5), 4.5; decision 0002.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from mssante.doors.directory.credentials import ApiKey, ApiKeys, Basic, Bearer, read_credentials
from mssante.model.address import Address
from mssante.model.decision import Decision, Kind, Refusal
from mssante.model.directory import Caller
from mssante.model.dn import parse_dn
from mssante.model.errors import TheirProtocolError
from mssante.model.mailbox import DIRECTORY, Identity, Method
from mssante.model.peer import Certificate, PeerFacts
from mssante.model.whitelist import WhiteList

_CERTIFICATE: Final = "certificate:"
_UNKNOWN: Final = Refusal(
    Kind.SIGN_IN_FAILED, "directory-door", "This key is not known", "", "Cette clé d'API n'est pas connue ici."
)
_NOBODY: Final = Refusal(
    Kind.SIGN_IN_REQUIRED,
    "directory-door",
    "An API key, an access token, an application password or an operator's certificate is needed",
    "",
    "Présentez une clé d'API, un jeton, un mot de passe d'application ou le certificat d'un opérateur.",
)


class PasswordsAndTokens(Protocol):
    """Judges what people and software show; `mssante.flows.sign_in.SignIn` does."""

    async def password(
        self, login: str, password: str, authzid: str, ip: str, service: str = ...
    ) -> Identity | Refusal:
        """Return who signs in with an application password."""
        ...

    async def bearer(self, method: Method, user: str, token: str, ip: str, service: str = ...) -> Identity | Refusal:
        """Return who signs in with an access token."""
        ...

    async def certificate(self, peer: PeerFacts, authzid: str) -> Identity | Refusal:
        """Return which software signs in with its certificate."""
        ...


class Trust(Protocol):
    """Judges certificates by the lists in force; `mssante.flows.trust.TrustSpace` does."""

    def judge_client(self, certificate: Certificate) -> Refusal | None:
        """Return why a certificate cannot be used (R3, R4), or None."""
        ...

    def judge_sender(self, peer: PeerFacts, sender: Address | None) -> Decision:
        """Return whether the peer is an operator of the white list (R2 to R5, with None)."""
        ...

    def white_list(self) -> WhiteList | None:
        """Return the list in force."""
        ...


@dataclass(frozen=True, slots=True)
class Federation:
    """What operators are recognised by.

    Attributes:
        trust: the lists in force.
        note: writes a refusal down: the peer, what was refused, why.
        operators: key of a certificate's name -> how the operator is called in keys and beside its mailboxes.
    """

    trust: Trust
    note: Callable[[PeerFacts, str, Refusal], Awaitable[None]]
    operators: Mapping[object, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Callers:
    """Tells who calls; `sign_in` is there at an operator only, `federation` where there is a list to judge by."""

    keys: ApiKeys
    sign_in: PasswordsAndTokens | None
    near: str = ""
    federation: Federation | None = None

    async def __call__(self, headers: Mapping[str, str], peer: PeerFacts) -> Caller | Refusal:
        """Return the caller, or why there is none."""
        if self.federation is not None and peer.certificate is not None:
            refusal = self.federation.trust.judge_client(peer.certificate)
            if refusal is not None:
                await self.federation.note(peer, "directory", refusal)
                return refusal
        match read_credentials(headers):
            case ApiKey(key):
                return self.keys.caller(key) or _UNKNOWN
            case Basic(login, password) if self.sign_in is not None:
                return self._person(await self.sign_in.password(login, password, "", peer.ip, DIRECTORY))
            case Bearer(token) if self.sign_in is not None:
                return self._person(await self.sign_in.bearer(Method.OAUTHBEARER, "", token, peer.ip, "imap"))
            case None if self.federation is not None and peer.certificate is not None:
                return await self._certified(self.federation, peer, peer.certificate)
            case _:
                return _NOBODY

    async def _certified(self, federation: Federation, peer: PeerFacts, shown: Certificate) -> Caller | Refusal:
        """Return the operator, else the software, whose certificate it is.

        The white list is asked as for the null reverse path: any domain of it makes an operator.
        """
        decision = federation.trust.judge_sender(peer, None)
        if not isinstance(decision, Refusal):
            name = federation.operators.get(shown.subject.key, str(shown.subject))
            return Caller(f"{_CERTIFICATE}{shown.subject}", operator=name, near=self.near)
        if decision.kind is Kind.DN_NOT_LISTED and self.sign_in is not None:
            found = await self.sign_in.certificate(peer, "")
            if isinstance(found, Identity) or found.kind is Kind.SIGN_IN_THROTTLED:
                return self._person(found)
        await federation.note(peer, "directory", decision)
        return decision

    def _person(self, found: Identity | Refusal) -> Caller | Refusal:
        if isinstance(found, Refusal):
            return found
        return Caller(found.login, near=self.near, address=found.login)

    def may_publish(self, caller: Caller, domain: str) -> Refusal | None:
        """Return why an operator that is known by its certificate may not publish mailboxes of a domain, or None.

        Keys are given by an administrator, who answers for what they publish; a certificate comes with the domains of
        the white list, and no others.

        Source: operators.md 2.5 (R5); the governance of publication is left open by the draft (operators.md 4.6).
        """
        if self.federation is None or not caller.name.startswith(_CERTIFICATE):
            return None
        white_list = self.federation.trust.white_list()
        held = frozenset[object]() if white_list is None else white_list.keys.get(domain.lower(), frozenset())
        if _key(caller.name.removeprefix(_CERTIFICATE)) in held:
            return None
        return Refusal(
            Kind.NOT_YOURS,
            "R5",
            f"The white list does not give {domain[:255]} to your certificate",
            "",
            f"La liste blanche n'attribue pas le domaine {domain[:255]} à votre certificat : publiez ses boîtes avec "
            "le certificat de son opérateur.",
        )


def _key(name: str) -> object:
    try:
        return parse_dn(name).key
    except TheirProtocolError:
        return None
