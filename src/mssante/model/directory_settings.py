"""Settings of the directory and of its doors.

Source: see `mssante.model.settings`.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DirectorySettings:
    """The directory of professionals, structures and their mailboxes.

    Attributes:
        folder: where its files are; empty: the folder "annuaire" of [operator] data_dir.
        near: postcode or département of the establishment: what is near comes first in a search.
        daily_entries: most entries that one caller gets in a day, so that nobody copies the directory; 0: any number.
        least_share: an import that would leave less than this share of what there was is refused; 0: none is.
        bad_share: an import with more than this share of bad lines is refused.
        readers: threads that answer questions.
        host: address on which the FHIR and REST interfaces listen.
        port: their HTTPS port; -1 closes the door.
        certificate: PEM file of the door's certificate; empty: that of [tls].
        key: PEM file of its private key.
        public_url: address under which others reach the door; empty: https:// and [operator] hostname.
        api_keys: file of the keys of programs, written by ``mssante directory key``; empty: none are known.
        source: HTTPS address of the public extraction, which is fetched and imported; empty: it is imported by hand.
            Its server's certificate must come from the roots of the white list's.
        source_seconds: how often it is fetched.
    """

    folder: Path | None = None
    near: str = ""
    daily_entries: int = 2000
    least_share: float = 0.9
    bad_share: float = 0.05
    readers: int = 2
    host: str = "0.0.0.0"  # noqa: S104 - see SmtpSettings
    port: int = -1
    certificate: Path | None = None
    key: Path | None = None
    public_url: str = ""
    api_keys: Path | None = None
    source: str = ""
    source_seconds: float = 24 * 3600


@dataclass(frozen=True, slots=True)
class LdapSettings:
    """The doors to the directory for address books.

    Attributes:
        host: address to listen on.
        port: LDAP with StartTLS; -1 closes it.
        implicit_port: LDAP with TLS from the first byte; -1 closes it.
        suffix: name under which the directory stands (source: clients.md 4.4, national tree unknown, our choice).
        sign_in_tries: failed sign-ins on one connection before it is closed.
        connections: open connections in all.
        connections_per_address: open connections from one address.
        connections_per_account: open connections of one account.
        message_bytes: longest request, after sign-in.
        early_message_bytes: the same before sign-in.
        filter_depth: most parts of a filter inside each other.
        filter_parts: most parts of a filter.
        waiting: requests that wait behind the one that is worked on; more are answered with "busy".
        entries: most entries of one search, or of one page of it.
        greeting_seconds: most time from connection to sign-in.
        idle_seconds: longest silence of a signed-in client.
        write_seconds: longest wait for a client that does not read its answers.
        work_seconds: longest work of one search.
    """

    host: str = "0.0.0.0"  # noqa: S104 - see SmtpSettings
    port: int = -1
    implicit_port: int = -1
    suffix: str = "ou=mssante,o=annuaire,c=fr"
    sign_in_tries: int = 3
    connections: int = 5000
    connections_per_address: int = 500
    connections_per_account: int = 20
    message_bytes: int = 64 * 1024
    early_message_bytes: int = 16 * 1024
    filter_depth: int = 16
    filter_parts: int = 100
    waiting: int = 16
    entries: int = 500
    greeting_seconds: float = 60
    idle_seconds: float = 900
    write_seconds: float = 60
    work_seconds: float = 10
