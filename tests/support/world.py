"""A small trust space inside the test process: real stores, real doors, real certificates, no network but loopback."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from mssante.app.compose import Operator, open_operator
from mssante.app.config import Config
from mssante.app.sandbox.authority import Issued
from mssante.app.sandbox.pki import SandboxPki, write_issued, write_lists, write_pki
from mssante.app.serve import open_doors
from mssante.flows.sign_in import digest_password
from mssante.model import settings as s
from mssante.model.address import parse_address
from mssante.model.dn import DistinguishedName
from mssante.model.mailbox import AccountKind, MailboxType, Role
from mssante.model.whitelist import Entry
from mssante.store import accounts, domains, lists, mailboxes, messages
from mssante.store.tx import Tx
from mssante.wire.whitelist.write import write_white_list
from mssante.wire.x509.read import read_certificate, read_crl

PASSWORD = "aaaa-bbbb-cccc-dddd-eeee-ffff"
MIB = 1024 * 1024


@dataclass
class Site:
    """One operator of the world with its doors open."""

    operator: Operator
    ports: Mapping[str, int]

    async def inbox(self, address: str) -> list[bytes]:
        """Return the messages of an inbox as a reader gets them."""

        async def work(tx: Tx) -> list[bytes]:
            mailbox = await mailboxes.mailbox_by_key(tx, address)
            assert mailbox is not None
            folder = await mailboxes.folder_by_role(tx, mailbox.mailbox_id, Role.INBOX)
            found = []
            for row in await messages.list_messages(tx, folder.folder_id, limit=1000):
                content = await messages.message_content(tx, mailbox.mailbox_id, folder.folder_id, row.uid)
                assert content is not None
                prefix, body = content
                found.append(prefix + self.operator.store.blobs.read(body))
            return found

        return await self.operator.store.read(work)

    async def count(self) -> int:
        """Return the number of messages in all folders."""

        async def work(tx: Tx) -> int:
            total = 0
            for mailbox in await mailboxes.list_mailboxes(tx):
                total += sum(folder.messages for folder in await mailboxes.list_folders(tx, mailbox.mailbox_id))
            return total

        return await self.operator.store.read(work)


@dataclass
class World:
    """Where the sites stand, with the PKI that they share and the list that binds them."""

    folder: Path
    pki: SandboxPki
    keys: tuple[RSAPrivateKey, ...]
    now: datetime
    entries: list[Entry] = field(default_factory=list)
    generation: int = 0
    sites: dict[str, Site] = field(default_factory=dict)
    table: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def bind(self, domain: str, issued: Issued) -> None:
        """Put the domain in the list, bound to the subject of the certificate."""
        self.bind_name(domain, read_certificate(_der(issued)).subject)

    def bind_name(self, domain: str, name: DistinguishedName) -> None:
        """Put the domain in the list, bound to that name."""
        self.entries.append(Entry(domain, name, str(name), domain, "", "", self.now))

    def unbind(self, domain: str) -> None:
        """Take the domain off the list."""
        self.entries = [entry for entry in self.entries if entry.domain != domain]

    async def publish(self) -> None:
        """Put the list in force at every site, as a refresh would."""
        self.generation += 1
        at = self.now.replace(microsecond=0) - timedelta(hours=1) + timedelta(seconds=self.generation)
        raw = write_white_list(at, tuple(self.entries))
        for site in self.sites.values():
            await save_list(site.operator, raw, at)
            await site.operator.trust.load()

    async def publish_lists(self) -> None:
        """Give every site the revocation lists of now."""
        for der in self.pki.lists(self.now).values():
            crl = read_crl(der)
            for site in self.sites.values():
                await save_crl(site.operator, der)
                assert crl.issuer
        for site in self.sites.values():
            await site.operator.trust.load()

    def client_context(self, issued: Issued | None, name: str = "visitor") -> ssl.SSLContext:
        """Return the context of a peer that shows that certificate, and trusts the PKI."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(self.folder / "pki" / "anchors.pem")
        if issued is not None:
            folder = self.folder / "visitors"
            folder.mkdir(exist_ok=True)
            context.load_cert_chain(*write_issued(self.pki, issued, folder, name))
        return context

    @asynccontextmanager
    async def site(
        self,
        name: str,
        issued: Issued,
        domain_names: tuple[str, ...],
        boxes: tuple[str, ...],
        **sections: object,
    ) -> AsyncIterator[Site]:
        """Open an operator with those mailboxes, each with the same application password."""
        config = self._config(name, issued, domain_names[0], sections)
        async with open_operator(config) as operator:
            await operator.store.write(lambda tx: _populate(tx, operator, domain_names, boxes))
            async with open_doors(operator) as ports:
                site = Site(operator, dict(ports))
                self.sites[name] = site
                host = read_certificate(_der(issued)).subject.first("CN") or name
                for domain in domain_names:
                    self.table[domain] = (f"{host}=127.0.0.1:{ports['smtp']}",)
                try:
                    yield site
                finally:
                    del self.sites[name]

    def _config(self, name: str, issued: Issued, domain: str, sections: dict[str, object]) -> Config:
        folder = self.folder / name
        folder.mkdir()
        certificate, key = write_issued(self.pki, issued, folder, "server")
        secrets = {}
        for secret in ("credential", "trace"):
            path = folder / f"{secret}.key"
            path.write_bytes(name.encode().ljust(32, b"-"))
            path.chmod(0o600)
            secrets[f"{secret}_key"] = path
        config = Config(
            source=folder / "mssante.toml",
            operator=s.OperatorSettings(name, f"mss.{domain}", folder / "data", f"postmaster@{domain}"),
            tls=s.TlsSettings(
                certificate, key, self.folder / "pki" / "anchors.pem", self.folder / "pki" / "intermediates.pem"
            ),
            trust=s.TrustSettings(list_url="https://127.0.0.1:1/liste.xml", check_host=False),
            secrets=s.SecretSettings(**secrets),
            smtp=s.SmtpSettings("127.0.0.1", 0),
            submission=s.SubmissionSettings("127.0.0.1", 0, 0),
            imap=s.ImapSettings("127.0.0.1", 0, 0),
            resolver=s.ResolverSettings(mode="static", table=self.table),
            store=s.StoreSettings(quota_bytes=64 * MIB, free_bytes=0),
            logs=s.LogSettings(level="error"),
        )
        return replace(config, **sections)


async def _populate(tx: Tx, operator: Operator, domain_names: tuple[str, ...], boxes: tuple[str, ...]) -> None:
    now = datetime.now(UTC)
    for domain in domain_names:
        await domains.add_domain(tx, domain, now)
    for text in (f"postmaster@{domain_names[0]}", *boxes):
        address = parse_address(text)
        box = await mailboxes.create_mailbox(
            tx, address, MailboxType.PER, holder=text, identifier="", quota_bytes=64 * MIB, now=now
        )
        account = await accounts.create_account(tx, text, AccountKind.PERSON, certificate_name=None, now=now)
        await accounts.grant(tx, account.account_id, box.mailbox_id, may_read=True, may_send=True)
        digest = digest_password(operator.credential_key, f"{PASSWORD}-{text}")
        await accounts.add_credential(tx, account.account_id, "test", digest, now)


async def save_list(operator: Operator, raw: bytes, at: datetime) -> None:
    """Store the list as the one in force."""

    async def work(tx: Tx) -> None:
        version = at.strftime("%Y-%m-%dT%H:%M:%SZ")
        await lists.save_list(
            tx, version=version, generated_at=at, raw=raw, etag="", last_modified="", now=datetime.now(UTC)
        )

    await operator.store.write(work)


async def save_crl(operator: Operator, der: bytes) -> None:
    """Store the revocation list of an authority."""
    crl = read_crl(der)

    async def work(tx: Tx) -> None:
        await lists.save_crl(
            tx,
            issuer=str(crl.issuer),
            url="",
            der=der,
            this_update=crl.this_update,
            next_update=crl.next_update,
            now=datetime.now(UTC),
        )

    await operator.store.write(work)


def _der(issued: Issued) -> bytes:
    return ssl.PEM_cert_to_DER_cert(issued.certificate_pem.decode())


def new_world(folder: Path, pki: SandboxPki, keys: tuple[RSAPrivateKey, ...], now: datetime) -> World:
    """Return an empty world that uses the PKI."""
    (folder / "pki").mkdir()
    write_pki(pki, folder / "pki", now)
    write_lists(pki, folder / "pki", now)
    return World(folder, pki, keys, now)


@dataclass
class Talk:
    """One SMTP connection as a peer sees it; every reply is kept."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, port: int) -> "Talk":
        """Connect and read the greeting."""
        talk = cls(*await asyncio.open_connection("127.0.0.1", port))
        with talk.closed_on_error():
            await talk.reply()
        return talk

    @classmethod
    async def secure(cls, port: int, context: ssl.SSLContext, hello: str = "peer.test") -> "Talk":
        """Connect, STARTTLS, EHLO again."""
        talk = await cls.open(port)
        with talk.closed_on_error():
            await talk.say(f"EHLO {hello}")
            assert (await talk.say("STARTTLS")).startswith("220")
            await talk.writer.start_tls(context, server_hostname="localhost")
            await talk.say(f"EHLO {hello}")
        return talk

    @contextmanager
    def closed_on_error(self) -> Iterator[None]:
        """Hang up when the dialogue cannot begin: nobody else holds the connection then."""
        try:
            yield
        except BaseException:
            self.writer.close()
            raise

    async def reply(self) -> str:
        """Return one whole reply, its lines joined by a newline; "" at the end of the connection."""
        lines = []
        while True:
            async with asyncio.timeout(30):
                line = (await self.reader.readline()).decode().rstrip("\r\n")
            lines.append(line)
            if line[3:4] != "-":
                return "\n".join(lines)

    async def say(self, line: str | bytes) -> str:
        """Send one line, return the reply."""
        self.writer.write((line.encode() if isinstance(line, str) else line) + b"\r\n")
        return await self.reply()

    async def message(self, sender: str, recipients: tuple[str, ...], data: bytes) -> list[str]:
        """Send one message; returns all replies until the first refusal, the last one being that to the data."""
        replies = [await self.say(f"MAIL FROM:<{sender}>")]
        for recipient in recipients:
            if replies[-1].startswith("2"):
                replies.append(await self.say(f"RCPT TO:<{recipient}>"))
        if replies[-1].startswith("2"):
            replies.append(await self.say("DATA"))
        if replies[-1].startswith("3"):
            self.writer.write(data + b"\r\n.\r\n")
            replies.append(await self.reply())
        return replies

    async def close(self) -> None:
        """Hang up."""
        self.writer.close()
