"""Build the objects of one operator from its configuration: the only place that knows which class stands where."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from mssante.app.chance import new_reference, utc_now
from mssante.app.config import Config, read_secret
from mssante.app.contexts import Contexts
from mssante.app.directory_place import open_directory
from mssante.app.logs import make_log
from mssante.app.tls import read_chain
from mssante.flows.deliver import Delivering
from mssante.flows.directory.budgets import Budgets
from mssante.flows.directory.history import RecordedHistory
from mssante.flows.directory.reading import Directory
from mssante.flows.folders.indexing import Indexing
from mssante.flows.folders.reader import Reading
from mssante.flows.folders.views import Views
from mssante.flows.notices import Notices
from mssante.flows.notify import Notifier
from mssante.flows.ports import Clock, Courier, Probe, Resolver, no_probe
from mssante.flows.receive import ReceiveSettings, Receiving
from mssante.flows.record import Recorder
from mssante.flows.room import Room
from mssante.flows.sign_in import SignIn
from mssante.flows.submit import SubmitSettings, Submitting
from mssante.flows.trust import TrustSpace
from mssante.flows.trust_state import TrustMaterial
from mssante.links.documents import HttpDocuments
from mssante.links.identity import DOCUMENT_MAX_BYTES, TIMEOUT_SECONDS, TokenVerifier
from mssante.links.resolver import DnsResolver, StaticResolver
from mssante.links.smtp_out import SmtpCourier
from mssante.model.address import Address, parse_address
from mssante.model.errors import ConfigError, TheirProtocolError
from mssante.model.log import Log
from mssante.store.directory.engine import DirectoryStore
from mssante.store.engine import Store


@dataclass(frozen=True, slots=True)
class Operator:
    """Everything of one operator but its doors.

    Attributes:
        config: as read.
        store: open.
        trust: the list and the revocation lists in force.
        contexts: certificates and TLS contexts.
        receiving, submitting, delivering, sign_in, reading, directory: the flows.
        history: what deliveries have told of addresses, for the directory; to be run beside the doors.
        courier, resolver: the way out.
        trace_key: keys the pseudonyms of citizens in traces.
        credential_key: keys the hash of application passwords.
    """

    config: Config
    store: Store
    trust: TrustSpace
    contexts: Contexts
    notifier: Notifier
    room: Room
    receiving: Receiving
    submitting: Submitting
    delivering: Delivering
    sign_in: SignIn
    reading: Reading
    directory: Directory
    courier: Courier
    resolver: Resolver
    clock: Clock
    log: Log
    trace_key: bytes
    credential_key: bytes
    directory_store: DirectoryStore
    history: RecordedHistory

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """Return what users and software may sign in with."""
        tokens = ("XOAUTH2", "OAUTHBEARER") if self.config.identity.issuer else ()
        return ("PLAIN", "EXTERNAL", *tokens)

    @property
    def provider_described_at(self) -> str:
        """Return where the identity provider describes itself, "" when there is none."""
        return self.config.identity.described_at if self.config.identity.issuer else ""


@asynccontextmanager
async def open_operator(config: Config, *, clock: Clock = utc_now, probe: Probe = no_probe) -> AsyncIterator[Operator]:
    """Open the store, put the list it holds in force, and yield the operator; closes everything at the end.

    Raises:
        ConfigError: certificates, keys or secrets cannot be used.
        StoreError: the store cannot be opened.
    """
    log = make_log(config.logs, name=config.operator.name)
    credential_key, trace_key = read_secret(config.secrets.credential_key), read_secret(config.secrets.trace_key)
    contexts = Contexts(config.tls, clock=clock, log=log)
    store = await Store.open(
        config.operator.data_dir, config.store, blobs=config.blobs, probe=probe, must_be_there=True
    )
    directory = open_directory(config)
    try:
        documents = HttpDocuments(_publisher_anchors(config, contexts))
        trust = TrustSpace(
            settings=config.trust,
            material=_material(config, contexts),
            store=store,
            documents=documents,
            clock=clock,
            log=log,
        )
        await trust.load()
        base = _Base(config, store, trust, contexts, clock, log, probe, trace_key, credential_key, directory)
        operator = _build(base)
        try:
            yield operator
        finally:
            await operator.directory.close()
    finally:
        await directory.close()
        await store.close()


def _material(config: Config, contexts: Contexts) -> TrustMaterial:
    return TrustMaterial(
        anchors=contexts.material.anchors,
        intermediates=contexts.material.intermediates,
        own=contexts.material.chain,
        require_client_usage=config.tls.require_client_usage,
        refuse_weak_keys=config.tls.refuse_weak_keys,
    )


def _publisher_anchors(config: Config, contexts: Contexts) -> tuple[bytes, ...]:
    if config.trust.list_anchors is None:
        return contexts.material.anchors
    return read_chain(config.trust.list_anchors, "list_anchors")


@dataclass(frozen=True, slots=True)
class _Base:
    """What every flow is built on."""

    config: Config
    store: Store
    trust: TrustSpace
    contexts: Contexts
    clock: Clock
    log: Log
    probe: Probe
    trace_key: bytes
    credential_key: bytes
    directory: DirectoryStore


def _build(base: _Base) -> Operator:
    config, store, trust, clock = base.config, base.store, base.trust, base.clock
    hostname = config.operator.hostname
    notifier = Notifier()
    store.listen(notifier.hear)
    room = Room(store.blobs.free_bytes, config.store)
    postmaster = _postmaster(config)
    notices = Notices(hostname, postmaster, config.queue, store.blobs, new_reference)
    resolver = StaticResolver(config.resolver) if config.resolver.mode == "static" else DnsResolver(config.resolver)
    courier = SmtpCourier(base.contexts.operator_client, hostname, config.queue)
    history = RecordedHistory(store, clock)
    return Operator(
        config=config,
        store=store,
        trust=trust,
        contexts=base.contexts,
        notifier=notifier,
        room=room,
        receiving=Receiving(
            settings=ReceiveSettings(
                hostname, postmaster, config.smtp.header_from, config.limits, config.store, base.trace_key
            ),
            store=store,
            trust=trust,
            notifier=notifier,
            notices=notices,
            room=room,
            clock=clock,
            new_reference=new_reference,
            probe=base.probe,
        ),
        submitting=_submitting(base, postmaster, notifier, room),
        delivering=_delivering(base, notifier, notices, resolver, courier),
        sign_in=_sign_in(base),
        reading=_reading(base, notifier, room),
        directory=Directory(
            base.directory,
            clock,
            daily_entries=config.directory.daily_entries,
            history=history,
            budgets=Budgets(clock, store, log=base.log),
        ),
        courier=courier,
        resolver=resolver,
        clock=clock,
        log=base.log,
        trace_key=base.trace_key,
        credential_key=base.credential_key,
        directory_store=base.directory,
        history=history,
    )


def _submitting(base: _Base, postmaster: Address, notifier: Notifier, room: Room) -> Submitting:
    return Submitting(
        settings=SubmitSettings(
            base.config.operator.hostname,
            postmaster,
            base.config.limits,
            base.config.store,
            base.trace_key,
            base.config.documents,
        ),
        store=base.store,
        trust=base.trust,
        notifier=notifier,
        room=room,
        clock=base.clock,
        new_reference=new_reference,
        probe=base.probe,
    )


def _reading(base: _Base, notifier: Notifier, room: Room) -> Reading:
    return Reading(
        store=base.store,
        views=Views(base.store),
        indexing=Indexing(base.store, allow_test=base.config.documents.allow_test),
        notifier=notifier,
        room=room,
        clock=base.clock,
        new_reference=new_reference,
        settings=base.config.imap,
        limits=base.config.limits,
        storing=base.config.store,
        trace_key=base.trace_key,
    )


def _sign_in(base: _Base) -> SignIn:
    settings = base.config.identity
    has_grace = settings.token_expiry == "grace"  # noqa: S105 - a policy
    close_after = timedelta(seconds=settings.close_after_seconds) if has_grace else None
    return SignIn(
        store=base.store,
        trust=base.trust,
        key=base.credential_key,
        trace_key=base.trace_key,
        clock=base.clock,
        tokens=_tokens(base) if settings.issuer else None,
        close_after=close_after,
    )


def _tokens(base: _Base) -> TokenVerifier:
    settings = base.config.identity
    anchors = (
        base.contexts.material.anchors
        if settings.anchors is None
        else read_chain(settings.anchors, "anchors", section="identity")
    )
    link = HttpDocuments(anchors, timeout_seconds=TIMEOUT_SECONDS, max_bytes=DOCUMENT_MAX_BYTES)
    secret = "" if settings.client_secret is None else read_secret(settings.client_secret).decode().strip()
    return TokenVerifier(settings, ask=link.ask, secret=secret, clock=base.clock, log=base.log)


def _delivering(base: _Base, notifier: Notifier, notices: Notices, resolver: Resolver, courier: Courier) -> Delivering:
    return Delivering(
        settings=base.config.queue,
        postmaster=notices.postmaster,
        store=base.store,
        trust=base.trust,
        notifier=notifier,
        recorder=Recorder(settings=base.config.queue, notices=notices, trace_key=base.trace_key),
        resolver=resolver,
        courier=courier,
        clock=base.clock,
        new_lease=new_reference,
        probe=base.probe,
    )


def _postmaster(config: Config) -> Address:
    try:
        return parse_address(config.operator.postmaster)
    except TheirProtocolError as error:
        msg = f"[operator] postmaster {config.operator.postmaster!r} n'est pas une adresse ; donnez-en une d'ici"
        raise ConfigError(msg) from error
