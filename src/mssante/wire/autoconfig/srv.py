"""The DNS records of one domain, as values and as a zone ready to paste.

Not for asking the DNS (see `mssante.links.records`).
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from mssante.model.autoconfig import Endpoint, MailServices, Socket, endpoint_by
from mssante.wire.autoconfig.well_known import digest_record

MX_PREFERENCE: Final = 10
TTL_SECONDS: Final = 3600
HTTPS_PORT: Final = 443
_ALIASES: Final = {
    "autoconfig": "Thunderbird et les logiciels qui lisent le format de Mozilla",
    "autodiscover": "Outlook",
    "ua-auto-config": "brouillon IETF mailmaint-pacc",
}


@dataclass(frozen=True, slots=True)
class Record:
    """One record.

    Attributes:
        name: under the domain; "@" for the domain itself.
        kind: MX, SRV, CNAME or TXT.
        data: as a zone file writes it.
        comment: in French, for who pastes it.
    """

    name: str
    kind: str
    data: str
    comment: str


def records(services: MailServices) -> tuple[Record, ...]:
    """Return the records to publish for the domain.

    Source: RFC 6186 section 3 (mail services, "." for one that is not offered); RFC 8314 section 5.1 (submissions);
        RFC 2782 (SRV); RFC 8620 section 2.2 (_jmap).
    """
    return (
        Record("@", "MX", f"{MX_PREFERENCE} {services.mx_host}.", "Réception des messages des autres opérateurs"),
        _srv(services, "imap", endpoint_by(services.imap, Socket.STARTTLS), "Lecture, STARTTLS"),
        _srv(services, "imaps", endpoint_by(services.imap, Socket.TLS), "Lecture, TLS dès la connexion"),
        _srv(services, "submission", endpoint_by(services.submission, Socket.STARTTLS), "Envoi, STARTTLS"),
        _srv(services, "submissions", endpoint_by(services.submission, Socket.TLS), "Envoi, TLS dès la connexion"),
        _srv(services, "ldap", endpoint_by(services.ldap, Socket.STARTTLS), "Annuaire, STARTTLS"),
        _srv(services, "ldaps", endpoint_by(services.ldap, Socket.TLS), "Annuaire, TLS dès la connexion"),
        _srv(services, "jmap", _jmap(services.jmap_url), "Lecture et envoi par JMAP"),
        _srv(services, "autodiscover", services.web, "Réglage automatique d'Outlook"),
        *_web_records(services),
    )


def zone_text(services: MailServices) -> str:
    """Return the records in the syntax of zone files, with what each is for.

    Source: RFC 1035 section 5.
    """
    lines = [
        f"; Enregistrements DNS de {services.domain} : à copier dans sa zone.",
        "; Un service que l'opérateur n'offre pas est annoncé par « 0 0 0 . » (RFC 6186).",
        f"$ORIGIN {services.domain}.",
        f"$TTL {TTL_SECONDS}",
    ]
    for one in records(services):
        lines += [f"; {one.comment}", f"{one.name:<20} IN {one.kind:<5} {one.data}"]
    return "\n".join(lines) + "\n"


def full_name(record: Record, domain: str) -> str:
    """Return the whole name of a record, without the last dot."""
    return domain if record.name == "@" else f"{record.name}.{domain}"


def _srv(services: MailServices, label: str, at: Endpoint | None, text: str) -> Record:
    if at is None:
        return Record(f"_{label}._tcp", "SRV", "0 0 0 .", f"{text} : non offert")
    return Record(f"_{label}._tcp", "SRV", f"{services.priority} {services.weight} {at.port} {at.host}.", text)


def _jmap(url: str) -> Endpoint | None:
    parts = urlsplit(url)
    return Endpoint(parts.hostname, parts.port or HTTPS_PORT, Socket.TLS) if parts.hostname else None


def _web_records(services: MailServices) -> tuple[Record, ...]:
    """Return the names under which programs look for the HTTPS door, and the digest of the PACC document."""
    web = services.web
    if web is None:
        return ()
    # A name that is the host itself cannot be its own alias.
    aliases = [
        Record(name, "CNAME", f"{web.host}.", f"Réglage automatique : {text}")
        for name, text in _ALIASES.items()
        if f"{name}.{services.domain}" != web.host
    ]
    digest = digest_record(services)
    if digest is None:
        return tuple(alias for alias in aliases if alias.name != "ua-auto-config")
    return (*aliases, Record("_ua-auto-config", "TXT", f'"{digest}"', "Empreinte du document mailmaint-pacc"))
