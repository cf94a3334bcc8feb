"""Who may exchange mail with us: the rules R1 to R6 between operators, in both directions.

Decided at each MAIL FROM, from the lists in force at that moment (decision 0002). R7 (relay) stands
in `mssante.rules.recipient`, R8 (From field) in `mssante.rules.content`. Not for reading certificates.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from mssante.model.address import Address
from mssante.model.decision import Decision, Kind, Permit, Refusal
from mssante.model.dn import DistinguishedName
from mssante.model.peer import Certificate, ChainCheck, ChainVerdict
from mssante.model.whitelist import WhiteList

R1: Final = "R1"
R2: Final = "R2"
R3: Final = "R3"
R4: Final = "R4"
R5: Final = "R5"
R6: Final = "R6"

RULES: Final = {
    R1: "le domaine est dans la liste blanche",
    R2: "la liaison est chiffrée (TLS), jamais en clair",
    R3: "le certificat vient d’une autorité de l’espace de confiance",
    R4: "le certificat est en cours de validité et n’est pas révoqué",
    R5: "la liste blanche attribue le domaine à ce certificat",
    R6: "le certificat nomme le serveur contacté",
}
"""The rules as our users read them."""

_CHAIN: Final = {
    ChainVerdict.UNTRUSTED: (Kind.CERTIFICATE_UNTRUSTED, R3, "certificate not issued within the trust space"),
    ChainVerdict.BAD_USAGE: (Kind.CERTIFICATE_USAGE, R3, "certificate not meant for this use"),
    ChainVerdict.EXPIRED: (Kind.CERTIFICATE_EXPIRED, R4, "certificate has expired"),
    ChainVerdict.NOT_YET_VALID: (Kind.CERTIFICATE_EXPIRED, R4, "certificate is not valid yet"),
    ChainVerdict.REVOKED: (Kind.CERTIFICATE_REVOKED, R4, "certificate is revoked"),
    ChainVerdict.REVOCATION_STALE: (Kind.REVOCATION_UNKNOWN, R4, "revocation list too old, try again later"),
    ChainVerdict.REVOCATION_MISSING: (Kind.REVOCATION_UNKNOWN, R4, "no revocation list, try again later"),
}


@dataclass(frozen=True, slots=True)
class ListFacts:
    """The white list in force.

    Attributes:
        white_list: None when there has never been one.
        age: time since the publisher last confirmed it to us.
        stop_after: age at which federated traffic stops.
        strict: names must be equal to the letter, without folding case, spaces and Unicode forms.
    """

    white_list: WhiteList | None
    age: timedelta = timedelta(0)
    stop_after: timedelta = timedelta(days=7)
    strict: bool = False


@dataclass(frozen=True, slots=True)
class SenderFacts:
    """What is known at a peer's MAIL FROM.

    Attributes:
        encrypted: the connection is under TLS.
        certificate: what the peer presented, or None.
        chain: the verdict on it; ignored when there is no certificate.
        sender: None is the null reverse path.
        our_domains: domains that this operator serves.
        listed: the white list.
    """

    encrypted: bool
    certificate: Certificate | None
    chain: ChainCheck
    sender: Address | None
    our_domains: frozenset[str]
    listed: ListFacts


@dataclass(frozen=True, slots=True)
class DestinationFacts:
    """What is known of a host before it is given a message.

    Attributes:
        encrypted: the connection is under TLS.
        certificate: what the host presented, or None.
        chain: the verdict on it; ignored when there is no certificate.
        domain: of the recipients.
        host_name: the name that was contacted (the MX host).
        check_host: R6 is applied.
        listed: the white list.
    """

    encrypted: bool
    certificate: Certificate | None
    chain: ChainCheck
    domain: str
    host_name: str
    listed: ListFacts
    check_host: bool = True
    host_exceptions: frozenset[str] = field(default_factory=frozenset)


def judge_sender(facts: SenderFacts) -> Decision:
    """Return whether the peer may send as this address.

    Source: operators.md 2.5 (receiving side, R1 to R5, null reverse path); reliability.md B02, B04.
    """
    peer = _judge_peer(facts)
    if isinstance(peer, Refusal):
        return peer
    listed = facts.listed
    white_list = _usable_list(listed)
    if isinstance(white_list, Refusal):
        return white_list
    if facts.sender is None:
        if _is_known(peer.subject, listed, white_list):
            return Permit(R5, _detail(white_list, peer, "<>"))
        return _not_listed("any domain", peer, white_list)
    domain = facts.sender.domain
    if _is_bound(peer.subject, domain, listed, white_list):
        return Permit(R5, _detail(white_list, peer, domain))
    if domain in facts.our_domains:
        return Refusal(
            Kind.SENDER_DOMAIN_OURS,
            R5,
            f"sender domain {domain} is served here, not by your operator",
            _detail(white_list, peer, domain),
        )
    if domain not in white_list.names:
        return Refusal(
            Kind.SENDER_DOMAIN_UNLISTED,
            R1,
            f"sender domain {domain} is not in the white list",
            _detail(white_list, peer, domain),
        )
    return _not_listed(domain, peer, white_list)


def judge_destination(facts: DestinationFacts) -> Decision:
    """Return whether the host may be given mail for this domain.

    Source: operators.md 2.5 (sending side, R1 to R6).
    """
    white_list = _usable_list(facts.listed)
    if isinstance(white_list, Refusal):
        return white_list
    if facts.domain not in white_list.names:
        return Refusal(
            Kind.RECIPIENT_DOMAIN_UNLISTED,
            R1,
            f"recipient domain {facts.domain} is not in the white list",
            f"list {white_list.version}",
            f"Le domaine {facts.domain} ne fait pas (ou plus) partie de l’espace de confiance MSSanté : "
            "vérifiez l’adresse du destinataire.",
        )
    peer = _judge_peer(facts)
    if isinstance(peer, Refusal):
        return peer
    if not _is_bound(peer.subject, facts.domain, facts.listed, white_list):
        return _not_listed(facts.domain, peer, white_list)
    if facts.check_host and facts.domain not in facts.host_exceptions and not names_host(peer, facts.host_name):
        return Refusal(
            Kind.HOST_MISMATCH,
            R6,
            f"certificate does not name host {facts.host_name}",
            f"{_detail(white_list, peer, facts.domain)}; names {', '.join(host_names(peer)) or 'none'}",
        )
    return Permit(R6 if facts.check_host else R5, _detail(white_list, peer, facts.domain))


def host_names(certificate: Certificate) -> tuple[str, ...]:
    """Return the host names of the certificate: its subjectAltName, or its CN when it has none.

    Source: RFC 6125 section 6.4.4; operators.md 2.5 (R6).
    """
    if certificate.dns_names:
        return certificate.dns_names
    name = certificate.subject.first("CN")
    return (name.lower(),) if name else ()


def names_host(certificate: Certificate, host_name: str) -> bool:
    """Tell whether the certificate names exactly this host; a wildcard names none.

    Source: operators.md 2.5 (R6); RFC 6125 section 6.4.4 (the CN counts only without subjectAltName).
    """
    wanted = host_name.lower().removesuffix(".")
    return "*" not in wanted and wanted in host_names(certificate)


def judge_certificate(certificate: Certificate, chain: ChainCheck) -> Refusal | None:
    """Return why the certificate cannot be used, or None; the same for operators and for applications.

    Source: operators.md 2.5 (R3, R4); operators.md 2.4.
    """
    if chain.verdict is ChainVerdict.TRUSTED:
        return None
    kind, rule, text = _CHAIN[chain.verdict]
    return Refusal(kind, rule, text, f"{chain.detail}; DN {certificate.subject}")


def _judge_peer(facts: SenderFacts | DestinationFacts) -> Certificate | Refusal:
    if not facts.encrypted:
        return Refusal(Kind.TLS_REQUIRED, R2, "TLS is required between operators: issue STARTTLS first")
    if facts.certificate is None:
        return Refusal(Kind.CERTIFICATE_MISSING, R3, "a certificate of the trust space is required")
    return judge_certificate(facts.certificate, facts.chain) or facts.certificate


def _usable_list(listed: ListFacts) -> WhiteList | Refusal:
    text = "white list not usable for now, try again later"
    if listed.white_list is None:
        return Refusal(Kind.LIST_UNAVAILABLE, R1, text, "there is no white list yet")
    if listed.age > listed.stop_after:
        detail = f"list {listed.white_list.version} was last confirmed {listed.age} ago, more than {listed.stop_after}"
        return Refusal(Kind.LIST_UNAVAILABLE, R1, text, detail)
    return listed.white_list


def _is_bound(subject: DistinguishedName, domain: str, listed: ListFacts, white_list: WhiteList) -> bool:
    if listed.strict:
        return subject in white_list.names.get(domain, ())
    return subject.key in white_list.keys.get(domain, ())


def _is_known(subject: DistinguishedName, listed: ListFacts, white_list: WhiteList) -> bool:
    if listed.strict:
        return subject in white_list.all_names
    return subject.key in white_list.all_keys


def _not_listed(domain: str, peer: Certificate, white_list: WhiteList) -> Refusal:
    return Refusal(
        Kind.DN_NOT_LISTED,
        R5,
        f"your certificate is not the one that the white list gives to {domain}",
        _detail(white_list, peer, domain),
    )


def _detail(white_list: WhiteList, peer: Certificate, domain: str) -> str:
    return f"list {white_list.version}; domain {domain}; DN {peer.subject}"
