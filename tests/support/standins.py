"""One operator without its doors: real store, real rules, real trust; the outside and the clock are stand-ins."""

import asyncio
import email
import email.policy
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from itertools import count
from pathlib import Path
from typing import Any

from forge import DAY, NOW, intermediate, operator, revocation_list, root

from mssante.flows.deliver import Delivering
from mssante.flows.intake import Accepted
from mssante.flows.notices import Notices
from mssante.flows.notify import Notifier
from mssante.flows.receive import ReceiveSettings, Receiving
from mssante.flows.record import Recorder
from mssante.flows.room import Room
from mssante.flows.sign_in import SignIn, digest_password
from mssante.flows.submit import SubmitSettings, Submitting
from mssante.flows.trust import TrustMaterial, TrustSpace
from mssante.model.address import Address, parse_address
from mssante.model.decision import Refusal
from mssante.model.envelope import DEFAULT_NOTIFY, MailOptions, Notify, Recipient
from mssante.model.errors import LinkError
from mssante.model.mailbox import Account, AccountKind, Identity, Mailbox, MailboxType, Method, Role
from mssante.model.message import Copy, CopyState, Deferred, StoredMessage
from mssante.model.outside import Answer, Fetched, Host, Parcel, Taken
from mssante.model.peer import PeerFacts, TlsFacts
from mssante.model.settings import FILES, BlobSettings, LimitSettings, QueueSettings, StoreSettings, TrustSettings
from mssante.model.whitelist import Entry
from mssante.store import accounts, audit, domains, lists, mailboxes, messages, queue
from mssante.store.engine import Store
from mssante.store.tx import Tx
from mssante.wire.whitelist.write import write_white_list

HERE, NEAR, FAR, CITIZENS = "chu.mssante.fr", "ville.mssante.fr", "loin.mssante.fr", "patient.mssante.fr"
HOSTS = {NEAR: "mss.ville.fr", FAR: "mss.loin.fr"}
ANNE, BRUNO, POSTMASTER = f"anne@{HERE}", f"bruno@{HERE}", f"postmaster@{HERE}"
INS = "277034567890106"
CITIZEN = f"{INS}@{CITIZENS}"
VILLE, LOIN = f"claire@{NEAR}", f"denis@{FAR}"
TLS = TlsFacts("TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384")
TRACE_KEY, CREDENTIAL_KEY = b"t" * 32, b"c" * 32
QUOTA_BYTES = 1_000_000


@dataclass
class SteppingClock:
    """A clock that goes only when it is told."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def step(self, **amount: float) -> None:
        self.now += timedelta(**amount)


@dataclass
class KeptLog:
    """A log that keeps its lines."""

    lines: list[tuple[str, str, dict[str, object]]] = field(default_factory=list)

    def __getattr__(self, level: str) -> Callable[..., None]:
        return lambda event, **facts: self.lines.append((level, event, facts))


class NoDocuments:
    """A publisher that is away."""

    async def fetch(self, url: str, *, etag: str = "", last_modified: str = "") -> Fetched | None:
        raise LinkError(url)


@dataclass
class StandInResolver:
    """Knows the hosts of a table; a domain that is not there has none for now."""

    table: dict[str, tuple[Host, ...]] = field(
        default_factory=lambda: {domain: (Host(name, name, 25),) for domain, name in HOSTS.items()}
    )
    asked: list[str] = field(default_factory=list)

    async def hosts(self, domain: str) -> tuple[Host, ...]:
        self.asked.append(domain)
        if domain not in self.table:
            msg = f"{domain} is not known"
            raise LinkError(msg)
        return self.table[domain]


def taken(parcel: Parcel) -> tuple[Answer, ...]:
    """Take every recipient."""
    return tuple(Taken("250 2.0.0 Ok", dsn_supported=False) for _ in parcel.recipients)


def always(answer: Answer) -> Callable[[Parcel], tuple[Answer, ...]]:
    """Give every recipient that answer."""
    return lambda parcel: tuple(answer for _ in parcel.recipients)


@dataclass
class StandInCourier:
    """Reaches hosts that answer as they are told.

    Attributes:
        answers: host name -> what it says to a parcel; hosts that are not there take everything.
        down: host name -> why it cannot be reached.
        peers: host name -> who is there, when it is not who it should be.
        gate: called with the host name before each parcel, to make a host slow.
    """

    answers: dict[str, Callable[[Parcel], tuple[Answer, ...]]] = field(default_factory=dict)
    down: dict[str, Deferred] = field(default_factory=dict)
    peers: dict[str, PeerFacts] = field(default_factory=dict)
    gate: Callable[[str], Awaitable[object]] | None = None
    parcels: list[tuple[str, Parcel]] = field(default_factory=list)
    open_now: Counter[str] = field(default_factory=Counter)
    open_most: Counter[str] = field(default_factory=Counter)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self, host: Host) -> "StandInChannel | Deferred":
        if host.name in self.down:
            return self.down[host.name]
        self.open_now[host.name] += 1
        self.open_most[host.name] = max(self.open_most[host.name], self.open_now[host.name])
        return StandInChannel(self, host, self.peers.get(host.name) or peer_of(host.name))

    def to(self, name: str) -> list[Parcel]:
        """Return the parcels that a host was given."""
        return [parcel for host, parcel in self.parcels if host == name]


@dataclass
class StandInChannel:
    """A connection of the stand-in courier."""

    courier: StandInCourier
    host: Host
    peer: PeerFacts

    async def send(self, parcel: Parcel) -> tuple[Answer, ...]:
        self.courier.parcels.append((self.host.name, parcel))
        self.courier.arrived.set()
        if self.courier.gate is not None:
            await self.courier.gate(self.host.name)
        return self.courier.answers.get(self.host.name, taken)(parcel)

    async def close(self) -> None:
        self.courier.open_now[self.host.name] -= 1


def peer_of(host: str) -> PeerFacts:
    """Return an operator as its certificate shows it."""
    return PeerFacts("192.0.2.7", 40_000, TLS, operator(host).value)


@dataclass
class Office:
    """The flows of one operator on a real store.

    Attributes:
        settings: of sections [queue], [limits], [store], and what to do about a foreign From field.
    """

    folder: Path
    queue: QueueSettings = field(default_factory=QueueSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    storing: StoreSettings = field(default_factory=lambda: StoreSettings(free_bytes=0))
    blobs: BlobSettings = FILES
    header_from: str = "log"
    clock: SteppingClock = field(default_factory=SteppingClock)
    log: KeptLog = field(default_factory=KeptLog)
    resolver: StandInResolver = field(default_factory=StandInResolver)
    courier: StandInCourier = field(default_factory=StandInCourier)
    numbers: Any = field(default_factory=lambda: count(1))

    async def open(self) -> "Office":
        """Open the store and build the flows, as `app` does; also after a stop."""
        is_new = not (self.folder / "mssante.db").exists()
        self.store = await Store.open(self.folder, self.storing, blobs=self.blobs)
        if is_new:
            await self.store.write(self._populate)
        material = TrustMaterial((root().der,), (intermediate().der,), (operator("mss.chu.fr").der,))
        self.trust = TrustSpace(
            settings=TrustSettings(list_url="https://liste.test/"),
            material=material,
            store=self.store,
            documents=NoDocuments(),
            clock=self.clock,
            log=self.log,
        )
        await self.trust.load()
        self.build()
        return self

    def build(self) -> None:
        """Build the flows; again after a change of settings."""
        self.notifier = Notifier()
        self.room = Room(self.store.blobs.free_bytes, self.storing)
        self.notices = Notices(
            "mss.chu.fr", parse_address(POSTMASTER), self.queue, self.store.blobs, self.new_reference
        )
        self.receiving = Receiving(
            settings=ReceiveSettings(
                hostname="mss.chu.fr",
                postmaster=parse_address(POSTMASTER),
                header_from=self.header_from,
                limits=self.limits,
                store=self.storing,
                trace_key=TRACE_KEY,
            ),
            store=self.store,
            trust=self.trust,
            notifier=self.notifier,
            notices=self.notices,
            room=self.room,
            clock=self.clock,
            new_reference=self.new_reference,
        )
        self.submitting = Submitting(
            settings=SubmitSettings(
                hostname="mss.chu.fr",
                postmaster=parse_address(POSTMASTER),
                limits=self.limits,
                store=self.storing,
                trace_key=TRACE_KEY,
            ),
            store=self.store,
            trust=self.trust,
            notifier=self.notifier,
            room=self.room,
            clock=self.clock,
            new_reference=self.new_reference,
        )
        self.recorder = Recorder(settings=self.queue, notices=self.notices, trace_key=TRACE_KEY)
        self.delivering = self.new_worker()
        self.sign_in = SignIn(
            store=self.store, trust=self.trust, key=CREDENTIAL_KEY, trace_key=TRACE_KEY, clock=self.clock
        )

    def new_worker(self, courier: StandInCourier | None = None) -> Delivering:
        """Return delivery workers, as another process of the operator has them."""
        return Delivering(
            settings=self.queue,
            store=self.store,
            trust=self.trust,
            notifier=self.notifier,
            recorder=self.recorder,
            resolver=self.resolver,
            courier=courier or self.courier,
            clock=self.clock,
            new_lease=self.new_reference,
            postmaster=parse_address(POSTMASTER),
        )

    def new_reference(self) -> str:
        """Return the next reference."""
        return f"ref-{next(self.numbers)}"

    async def close(self) -> None:
        """Stop."""
        await self.store.close()

    async def restart(self) -> None:
        """Stop and start again."""
        await self.close()
        await self.open()

    async def _populate(self, tx: Tx) -> None:
        for domain in (HERE, CITIZENS):
            await domains.add_domain(tx, domain, NOW)
        for text in (POSTMASTER, ANNE, BRUNO, CITIZEN):
            await add_person(tx, text)
        await save_list(tx, tuple(HOSTS), NOW)
        for authority in (root(), intermediate()):
            crl = revocation_list(authority, next_update=NOW + 60 * DAY)
            await lists.save_crl(
                tx,
                issuer=str(crl.issuer),
                url="",
                der=crl.der,
                this_update=crl.this_update,
                next_update=crl.next_update,
                now=NOW,
            )

    async def list_domains(self, *names: str) -> None:
        """Put a list with these domains in force."""
        now = self.clock()
        await self.store.write(lambda tx: save_list(tx, names, now))
        await self.trust.load()

    # What comes in, and what users send.

    async def receive(
        self,
        data: bytes,
        *recipients: str,
        sender: str | None = VILLE,
        peer: PeerFacts | None = None,
        options: MailOptions = MailOptions(),
        notify: Notify = DEFAULT_NOTIFY,
    ) -> Accepted | Refusal:
        """Hand over a message as a peer; return the first refusal or the acceptance."""
        reception = self.receiving.begin(peer or peer_of(HOSTS[NEAR]), "mss.peer.fr")
        decision = await reception.sender(parse_address(sender) if sender else None, options)
        for text in recipients or (ANNE,):
            if isinstance(decision, Refusal):
                return decision
            decision = await reception.recipient(Recipient(parse_address(text), notify))
        if isinstance(decision, Refusal):
            return decision
        refusal = reception.start_data()
        if refusal is not None:
            return refusal
        waiting = reception.data(data)
        if waiting is not None:
            await waiting
        return await reception.finish()

    async def submit(
        self, data: bytes, *recipients: str, sender: str = ANNE, notify: Notify = DEFAULT_NOTIFY
    ) -> Accepted | Refusal:
        """Submit a message as the user of that mailbox."""
        wanted = tuple(Recipient(parse_address(text), notify) for text in recipients or (VILLE,))
        return await self.submitting.submit(identity(sender), parse_address(sender), wanted, data)

    async def deliver_until(self, end: datetime) -> list[datetime]:
        """Let time pass up to then, delivering whatever is due; return when the queue was looked at."""
        looked = []
        await self.delivering.drain()
        while (due := await self.store.read(queue.next_due)) is not None and due <= end:
            self.clock.now = max(due, self.clock.now)
            looked.append(self.clock.now)
            await self.delivering.drain()
        self.clock.now = end
        return looked

    # What there is.

    async def mailbox(self, text: str) -> Mailbox:
        """Return a mailbox."""
        found = await self.store.read(lambda tx: mailboxes.mailbox_by_key(tx, parse_address(text).key))
        assert found is not None
        return found

    async def listed(self, text: str, role: Role = Role.INBOX) -> list[StoredMessage]:
        """Return what is listed in a folder."""
        box = await self.mailbox(text)

        async def work(tx: Tx) -> list[StoredMessage]:
            folder = await mailboxes.folder_by_role(tx, box.mailbox_id, role)
            return await messages.list_messages(tx, folder.folder_id, limit=1000)

        return await self.store.read(work)

    async def read(self, text: str, role: Role = Role.INBOX) -> list[bytes]:
        """Return the messages of a folder as a reader gets them."""
        found = []
        for row in await self.listed(text, role):
            content = await self.store.read(
                lambda tx, row=row: messages.message_content(tx, row.mailbox_id, row.folder_id, row.uid)
            )
            assert content is not None
            found.append(content[0] + self.store.blobs.read(content[1]))
        return found

    async def notices_to(self, text: str) -> list[EmailMessage]:
        """Return the notices in an inbox, read as any program would."""
        found = [parsed(data) for data in await self.read(text)]
        return [one for one in found if one.get_content_type() == "multipart/report"]

    async def copies(self) -> list[Copy]:
        """Return every copy, oldest first."""
        return (await self.store.read(lambda tx: queue.list_copies(tx, limit=1000)))[::-1]

    async def states(self) -> dict[CopyState, int]:
        """Return how many copies are in each state that has some."""
        found = await self.store.read(queue.count_states)
        return {state: number for state, number in found.items() if number}

    async def events(self, prefix: str = "") -> list[Any]:
        """Return the audit events."""
        rows = await self.store.read(lambda tx: audit.rows(tx, limit=10_000, event_prefix=prefix))
        return [row.event for row in rows]


async def add_person(tx: Tx, text: str, *, quota_bytes: int = QUOTA_BYTES) -> Account:
    """Create a mailbox and the account of its holder, whose application password is ``pass`` and the login."""
    box = await mailboxes.create_mailbox(
        tx, parse_address(text), MailboxType.PER, holder=text, identifier="", quota_bytes=quota_bytes, now=NOW
    )
    account = await accounts.create_account(tx, text, AccountKind.PERSON, certificate_name=None, now=NOW)
    await accounts.grant(tx, account.account_id, box.mailbox_id, may_read=True, may_send=True)
    await accounts.add_credential(tx, account.account_id, "test", digest_password(CREDENTIAL_KEY, f"pass{text}"), NOW)
    return account


async def save_list(tx: Tx, names: tuple[str, ...], now: datetime) -> None:
    """Store a list of operators, each bound to its host's certificate."""
    entries = tuple(
        Entry(name, subject, str(subject), name, "", "", now)
        for name in names
        for subject in (operator(HOSTS[name]).value.subject,)
    )
    await lists.save_list(
        tx,
        version=now.isoformat(),
        generated_at=now,
        raw=write_white_list(now, entries),
        etag="",
        last_modified="",
        now=now,
    )


def identity(text: str) -> Identity:
    """Return the user of one mailbox."""
    address: Address = parse_address(text)
    return Identity(None, text, Method.PLAIN, {address.key: address}, frozenset({address.key}))


def letter(text: str = "Bonjour", sender: str = ANNE, *, ident: str = "", head: str = "") -> bytes:
    """Return a sound message."""
    known = f"Message-ID: <{ident}>\r\n" if ident else ""
    return f"From: {sender}\r\n{known}{head}Subject: essai\r\n\r\n{text}\r\n".encode()


def parsed(data: bytes) -> EmailMessage:
    """Return a message as the standard library reads it; it must find no defect."""
    found = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    assert found.defects == []
    return found


def said(notice: EmailMessage) -> dict[str, str]:
    """Return what a notice says of its recipient: field -> value, lower-case names."""
    status = next(part for part in notice.walk() if part.get_content_type() == "message/delivery-status")
    blocks = list(status.get_payload())  # type: ignore[arg-type]
    return {name.lower(): str(value) for name, value in blocks[1].items()}
