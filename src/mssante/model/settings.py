"""The settings, one frozen value per section of the configuration file; read by `mssante.app.config` only.

Every number says its unit in its name. The text of each ``Attributes`` entry is what `docs/settings.md` prints.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class OperatorSettings:
    """Who this operator is.

    Attributes:
        name: short name, shown in logs, notices and reports.
        hostname: full host name said in EHLO and in the 220 greeting; the CN of the certificate as a rule.
        data_dir: folder of the database and of the message files; only this program writes in it.
        postmaster: address in the notices that we send; must be a mailbox of ours.
    """

    name: str
    hostname: str
    data_dir: Path
    postmaster: str


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """Certificates and what is accepted of others.

    Attributes:
        certificate: PEM file, our SERV SSL certificate first, then its authority's.
        key: PEM file of its private key, readable by this program only.
        anchors: PEM file of the root authorities of the trust space.
        intermediates: PEM file of the authorities below the roots.
        allow_tls13: offer TLS 1.3 beside 1.2 between operators (source: operators.md 2.2, unknown, our choice: off).
        require_client_usage: refuse a peer certificate whose extendedKeyUsage is absent (source: operators.md U6).
        refuse_weak_keys: refuse RSA keys under 2,048 bits and signatures with MD5 or SHA-1 in the chain.
    """

    certificate: Path
    key: Path
    anchors: Path
    intermediates: Path
    allow_tls13: bool = False
    require_client_usage: bool = False
    refuse_weak_keys: bool = True


@dataclass(frozen=True, slots=True)
class TrustSettings:
    """White list and revocation.

    Attributes:
        list_url: where the manager publishes the white list (HTTPS).
        list_anchors: PEM file of the roots for that HTTPS server; empty: the anchors of [tls].
        refresh_seconds: time between two looks at the list and the revocation lists.
        alarm_seconds: age of the last successful look after which an alarm is raised.
        stop_seconds: age after which federated traffic stops with a temporary refusal (operators.md 3.5, our choice).
        shrink_share: largest share of the domains that a new list may lose, 0 to 1; more is refused with an alarm.
        grow_factor: largest growth of a new list, as a factor; more is refused with an alarm.
        signature: "absent-allowed", "required" (enveloped XML signature by a certificate of `signer_names`).
        signer_names: subjects that may sign the list, RFC 4514.
        dn_comparison: "structural" (Unicode, case and spaces folded) or "strict" (text equal).
        check_host: when sending, the certificate must name the host that was contacted (source: operators.md U4).
        check_host_except: domains for which `check_host` is relaxed.
        crl_max_age_seconds: how long after its nextUpdate the last valid revocation list stays good (ECO.1.1.7).
        crl_required: refuse, temporarily, a peer whose authority has no revocation list with us.
    """

    list_url: str
    list_anchors: Path | None = None
    refresh_seconds: float = 3600
    alarm_seconds: float = 86400
    stop_seconds: float = 7 * 86400
    shrink_share: float = 0.1
    grow_factor: float = 3.0
    signature: str = "absent-allowed"
    signer_names: tuple[str, ...] = ()
    dn_comparison: str = "structural"
    check_host: bool = True
    check_host_except: tuple[str, ...] = ()
    crl_max_age_seconds: float = 3 * 86400
    crl_required: bool = True


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """The door for other operators.

    Attributes:
        host: address to listen on.
        port: 25 by custom; 0 takes a free one.
        header_from: what to do when the From field's domain is not one of the peer's: "log" or "refuse".
    """

    host: str = "0.0.0.0"  # noqa: S104 - an operator's public door listens everywhere unless told otherwise
    port: int = 25
    header_from: str = "log"


@dataclass(frozen=True, slots=True)
class SubmissionSettings:
    """The doors for our own users and software.

    Attributes:
        host: address to listen on.
        port: submission with STARTTLS.
        implicit_port: submission with TLS from the first byte; -1 closes it.
        sign_in_tries: failed sign-ins on one connection before it is closed.
    """

    host: str = "0.0.0.0"  # noqa: S104 - see SmtpSettings
    port: int = 587
    implicit_port: int = 465
    sign_in_tries: int = 3


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """The identity provider whose access tokens sign people in (Pro Santé Connect).

    Attributes:
        issuer: as its tokens name it; empty: no token signs in, and XOAUTH2 and OAUTHBEARER are not offered.
        audience: a token must be for one of these (claim aud or azp); empty: for anybody (source: clients.md 7.1, what
            operators check is unknown, our choice).
        mode: "jwt" (signature by the provider's published keys) or "introspection" (the provider is asked each time).
        configuration_url: where the provider describes itself; empty: issuer and /.well-known/openid-configuration.
        jwks_url: where its keys are; empty: as its description says.
        introspection_url: where it is asked about a token; empty: as its description says.
        client_id: our name there, for introspection.
        client_secret: file of our secret there.
        anchors: PEM file of the roots of its HTTPS server; empty: the anchors of [tls].
        skew_seconds: how far its clock and ours may differ.
        refresh_seconds: least time between two looks at its keys when a token names an unknown one.
        token_expiry: "login-only" (a session lives on, source: clients.md 1.1 and 11.3) or "grace".
        close_after_seconds: with "grace", how long after the end of its token a session is closed.
        authorization_url: for mail programs that sign in by themselves (autoconfiguration); empty: not offered.
        token_url: the same.
    """

    issuer: str = ""
    audience: tuple[str, ...] = ()
    mode: str = "jwt"
    configuration_url: str = ""
    jwks_url: str = ""
    introspection_url: str = ""
    client_id: str = ""
    client_secret: Path | None = None
    anchors: Path | None = None
    skew_seconds: float = 60
    refresh_seconds: float = 30
    token_expiry: str = "login-only"  # noqa: S105 - a policy, not a secret
    close_after_seconds: float = 300
    authorization_url: str = ""
    token_url: str = ""

    @property
    def described_at(self) -> str:
        """Return where the provider describes itself."""
        return self.configuration_url or f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class ImapSettings:
    """The doors to the mailboxes for mail programs.

    Attributes:
        host: address to listen on.
        port: IMAP with STARTTLS (national wording); -1 closes it.
        implicit_port: IMAP with TLS from the first byte; -1 closes it.
        sign_in_tries: failed sign-ins on one connection before it is closed.
        connections: open connections in all.
        connections_per_address: open connections from one address.
        connections_per_account: open connections of one account.
        command_bytes: longest command with its literals, the message of APPEND not counted, after sign-in.
        early_command_bytes: the same before sign-in.
        depth: deepest nesting of brackets in a command.
        append_bytes: largest message of APPEND, announced with APPENDLIMIT.
        bad_commands: bad commands on one connection before it is closed.
        greeting_seconds: most time from connection to sign-in.
        idle_seconds: longest silence of a signed-in client; 30 minutes or more (RFC 9051 section 5.4).
        write_seconds: longest wait for a client that does not read its answers.
        work_seconds: longest work of one SEARCH, SORT or THREAD.
    """

    host: str = "0.0.0.0"  # noqa: S104 - see SmtpSettings
    port: int = 143
    implicit_port: int = 993
    sign_in_tries: int = 3
    connections: int = 10_000
    connections_per_address: int = 1000
    connections_per_account: int = 50
    command_bytes: int = 256 * 1024
    early_command_bytes: int = 16 * 1024
    depth: int = 50
    append_bytes: int = 25 * MIB
    bad_commands: int = 20
    greeting_seconds: float = 60
    idle_seconds: float = 1860
    write_seconds: float = 120
    work_seconds: float = 30


@dataclass(frozen=True, slots=True)
class AutoconfigSettings:
    """What mail programs are told, and the HTTPS door where they ask.

    Attributes:
        host: address to listen on.
        port: HTTPS port; -1 closes the door.
        certificate: PEM file of the door's certificate, which must name autoconfig.DOMAIN; empty: that of [tls].
        key: PEM file of its private key.
        web_host: public name of the door; empty: [operator] hostname.
        web_port: public port of the door; 0: `port`.
        imap_host: public name of IMAP; empty: [operator] hostname.
        imap_port: public port of IMAP with STARTTLS; 0: that of [imap].
        imap_implicit_port: public port of IMAP with TLS from the first byte; 0: that of [imap], -1: not told.
        submission_host: public name of submission; empty: [operator] hostname.
        submission_port: public port of submission with STARTTLS; 0: that of [submission].
        submission_implicit_port: public port with TLS from the first byte; 0: that of [submission], -1: not told.
        ldap_host: public name of the directory; empty: [operator] hostname.
        ldap_port: public port of LDAP with STARTTLS; 0: that of [ldap], -1: not told.
        ldaps_port: public port of LDAP with TLS from the first byte; 0: that of [ldap], -1: not told.
        jmap_url: address of the JMAP session; empty: not offered.
        display_name: name shown by mail programs; empty: [operator] name.
        help_url: page for people; empty: that of the door.
        prefer: the way told first, "starttls" (national wording) or "tls".
        priority: priority of the SRV records.
        weight: weight of the SRV records.
        sign_profiles: sign Apple profiles with the door's key.
    """

    host: str = "0.0.0.0"  # noqa: S104 - see SmtpSettings
    port: int = -1
    certificate: Path | None = None
    key: Path | None = None
    web_host: str = ""
    web_port: int = 0
    imap_host: str = ""
    imap_port: int = 0
    imap_implicit_port: int = 0
    submission_host: str = ""
    submission_port: int = 0
    submission_implicit_port: int = 0
    ldap_host: str = ""
    ldap_port: int = 0
    ldaps_port: int = 0
    jmap_url: str = ""
    display_name: str = ""
    help_url: str = ""
    prefer: str = "starttls"
    priority: int = 0
    weight: int = 1
    sign_profiles: bool = True


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """Bounds of the SMTP doors.

    Attributes:
        message_bytes: largest message accepted, announced with SIZE.
        recipients: most recipients of one message.
        command_bytes: longest command line with its CRLF (RFC 5321 4.5.3.1.4 asks 512, extensions add to it).
        text_line_bytes: longest line of a message without its CRLF (RFC 5321 4.5.3.1.6).
        header_bytes: longest header block.
        header_count: most header fields.
        hops: most Received fields; more is a loop.
        bad_commands: bad commands on one connection before it is closed.
        connections: open connections of one door in all.
        connections_per_address: open connections from one address.
        connections_per_peer: open connections with one certificate, wherever they come from.
        unknown_recipients: unknown recipients on one connection before it is slowed down and closed.
        greeting_seconds: most time from connection to EHLO and TLS.
        command_seconds: longest wait for the next command.
        data_seconds: longest time for one message, whatever its rate.
        data_bytes_per_second: least rate of a message after its first 10 seconds.
        session_seconds: longest life of a connection.
        spool_memory_bytes: messages being received are kept in memory up to this size, then in a file.
    """

    message_bytes: int = 25 * MIB
    recipients: int = 500
    command_bytes: int = 2048
    text_line_bytes: int = 998
    header_bytes: int = MIB
    header_count: int = 1000
    hops: int = 50
    bad_commands: int = 10
    connections: int = 1000
    connections_per_address: int = 100
    connections_per_peer: int = 200
    unknown_recipients: int = 20
    greeting_seconds: float = 30
    command_seconds: float = 300
    data_seconds: float = 1800
    data_bytes_per_second: int = 500
    session_seconds: float = 7200
    spool_memory_bytes: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """The store: one file of this machine, or a PostgreSQL database that several nodes share.

    Attributes:
        engine: "sqlite" (a file in data_dir) or "postgresql" (several nodes on one database).
        dsn: with "postgresql", postgresql://user@host/database, no password; of several hosts the one that writes.
        password: file of the password for that database; empty: none, or the one that `passfile` in dsn names.
        tls_anchors: PEM file of the roots for that server; empty: this system's, and no TLS when it is this machine.
        tls_certificate: PEM file of our certificate for the database server, when it asks for one.
        tls_key: PEM file of its private key.
        connections: most connections of this process to the database for reading.
        connect_seconds: longest wait for a connection to the database.
        answer_seconds: longest time that one statement may take there.
        wait_seconds: how long a read or a write waits, and is done again, while the database is away.
        inline_bytes: bodies up to this size go in the database, larger ones in flushed files.
        group_commit: most transactions flushed together; they run one after the other without a pause.
        readers: threads for long reads.
        quota_bytes: quota of a new mailbox.
        dedupe_seconds: how long a copy is remembered so that a peer's retry is not delivered twice.
        free_bytes: free room below which new mail is refused with a temporary code.
    """

    engine: str = "sqlite"
    dsn: str = ""
    password: Path | None = None
    tls_anchors: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    connections: int = 8
    connect_seconds: float = 5
    answer_seconds: float = 30
    wait_seconds: float = 5
    inline_bytes: int = 128 * 1024
    group_commit: int = 64
    readers: int = 4
    quota_bytes: int = 2048 * MIB
    dedupe_seconds: float = 7 * 86400
    free_bytes: int = 64 * MIB


@dataclass(frozen=True, slots=True)
class BlobSettings:
    """Large bodies: files of this machine, or an object store that several nodes share.

    Attributes:
        engine: "files" (in data_dir) or "s3".
        endpoint: https address of the object store; http only on this machine.
        bucket: where bodies go; made before, with an account that reads, writes, lists and deletes there.
        prefix: put before each key, when the bucket is shared with something else.
        region: as the object store wants it.
        access_key: file with the name of the key.
        secret_key: file with the key.
        tls_anchors: PEM file of the roots for the endpoint; empty: those of this system.
        connect_seconds: longest wait for a connection.
        answer_seconds: longest wait for one answer, and for all that is tried again of one question.
        retries: how often a question is asked again after an error of the object store.
    """

    engine: str = "files"
    endpoint: str = ""
    bucket: str = ""
    prefix: str = ""
    region: str = "us-east-1"
    access_key: Path | None = None
    secret_key: Path | None = None
    tls_anchors: Path | None = None
    connect_seconds: float = 5
    answer_seconds: float = 30
    retries: int = 5


FILES: Final = BlobSettings()


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """Deliveries.

    Attributes:
        workers: deliveries at the same time in all.
        per_destination: connections to one domain at the same time.
        lease_seconds: how long a worker may hold a copy before another takes it.
        poll_seconds: slow look at the queue, whatever the notifications.
        first_retry_seconds: wait after the first failure; each next one doubles.
        longest_retry_seconds: longest wait between two attempts.
        warn_seconds: age at which the sender is told of the delay.
        give_up_seconds: age at which the sender is told that it failed (RFC 5321 4.5.4.1: 4 to 5 days).
        connect_seconds: longest wait for a connection and its handshake.
        reply_seconds: longest wait for one reply of a peer.
        data_reply_seconds: longest wait for the reply to a whole message (RFC 5321 4.5.3.2.6: 10 minutes).
        notice_bytes: most bytes of the original given back in a notice.
    """

    workers: int = 20
    per_destination: int = 4
    lease_seconds: float = 900
    poll_seconds: float = 5
    first_retry_seconds: float = 60
    longest_retry_seconds: float = 7200
    warn_seconds: float = 14400
    give_up_seconds: float = 5 * 86400
    connect_seconds: float = 30
    reply_seconds: float = 300
    data_reply_seconds: float = 600
    notice_bytes: int = 50_000


@dataclass(frozen=True, slots=True)
class ResolverSettings:
    """How the hosts of a domain are found.

    Attributes:
        mode: "dns" (MX records) or "static" (the table below only).
        table: domain -> list of "host:port" or "name=address:port", most wanted first; "name" is the host that the
            certificate must name.
        timeout_seconds: longest wait for one answer.
        port: port of the hosts that DNS gives.
        nameservers: "address" or "address:port" of the DNS servers to ask; empty: those of this machine.
    """

    mode: str = "dns"
    table: dict[str, tuple[str, ...]] = field(default_factory=dict)
    timeout_seconds: float = 10
    port: int = 25
    nameservers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SecretSettings:
    """Secrets, as files only; made by ``mssante init`` with mode 0600.

    Attributes:
        credential_key: 32 random bytes; keys the hash of application passwords.
        trace_key: 32 random bytes; keys the pseudonyms of citizens in traces.
    """

    credential_key: Path
    trace_key: Path


@dataclass(frozen=True, slots=True)
class ManagerSettings:
    """The manager's publication point (role "manager" only).

    Attributes:
        host: address to listen on.
        port: HTTPS port.
        crl_dir: folder of the revocation lists that are served under /CRL/.
        signer_certificate: PEM file, signs the list; empty: the list is published without signature.
        signer_key: PEM file of its key.
        extraction_seconds: how often the public extraction of its directory is made.
    """

    host: str = "127.0.0.1"
    port: int = 443
    crl_dir: Path | None = None
    signer_certificate: Path | None = None
    signer_key: Path | None = None
    extraction_seconds: float = 24 * 3600


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """The sandbox identity provider (role "identity" only): invented people, never real ones.

    Attributes:
        host: address to listen on.
        port: HTTPS port.
        public_name: host name in its addresses, which its certificate must name.
        people: JSON file of the invented people and of the programs that may sign them in.
        access_seconds: life of an access token (Pro Santé Connect: about 4 minutes).
        refresh_seconds: life of a refresh token.
    """

    host: str = "127.0.0.1"
    port: int = 443
    public_name: str = "127.0.0.1"
    people: Path | None = None
    access_seconds: float = 240
    refresh_seconds: float = 1800


@dataclass(frozen=True, slots=True)
class LogSettings:
    """Logs.

    Attributes:
        format: "json" (one object per line) or "console".
        level: "debug", "info", "warning" or "error".
    """

    format: str = "json"
    level: str = "info"
