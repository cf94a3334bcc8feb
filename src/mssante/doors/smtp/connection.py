"""One SMTP connection: bytes to the machine of `mssante.wire.smtp.server`, its events to the desk, replies back.

The same shell serves the operators' door and submission; what differs stands behind it, in its `Desk`. Decides
nothing itself but time and numbers.
"""

import asyncio
import ssl
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from mssante.doors.net.eager import Done, start
from mssante.doors.net.peer import peer_facts, tls_failure
from mssante.doors.net.tls import TlsLayer
from mssante.flows.intake import Accepted, Transaction
from mssante.model.decision import Kind, Refusal
from mssante.model.log import accident
from mssante.model.peer import PeerFacts
from mssante.wire.smtp import events as ev
from mssante.wire.smtp.replies import Reply, refusal_reply
from mssante.wire.smtp.server import ServerMachine
from mssante.wire.smtp.session import ServerProfile

if TYPE_CHECKING:
    from mssante.doors.smtp.door import Door

OK: Final = Reply(250, "2.1.0", ("Ok",))
RECIPIENT_OK: Final = Reply(250, "2.1.5", ("Ok",))
START_DATA: Final = Reply(354, "", ("End data with <CR><LF>.<CR><LF>",))
START_TLS: Final = Reply(220, "2.0.0", ("Ready to start TLS",))
GRACE_SECONDS: Final = 10.0


class Desk(Protocol):
    """What stands behind one connection."""

    def begin(self, peer: PeerFacts, hello: str) -> Transaction:
        """Return the transaction of the next message."""
        ...

    async def authenticate(self, event: ev.AuthStart | ev.AuthResponse, peer: PeerFacts) -> Reply:
        """Answer one step of AUTH."""
        ...

    async def handshake_failed(self, peer: PeerFacts, refusal: Refusal) -> None:
        """Write down a certificate that was refused in the handshake."""
        ...

    async def envelope_refused(self, peer: PeerFacts, refusal: Refusal) -> None:
        """Write down a command of the envelope that the machine refused by itself."""
        ...


class Connection(asyncio.Protocol):
    """One connection of a door."""

    def __init__(self, door: "Door", desk: Desk, profile: ServerProfile, *, implicit_tls: bool) -> None:
        """Wait for the transport."""
        self._door = door
        self._desk = desk
        self._limits = profile.limits
        self._implicit_tls = implicit_tls
        self._machine = ServerMachine(profile, tls=implicit_tls)
        self._transport: asyncio.Transport | None = None
        self._peer = PeerFacts("", 0)
        self._hello = ""
        self._transaction: Transaction | None = None
        self._task: asyncio.Task[None] | None = None
        self._unknown = 0
        self._refused = 0
        self._opened_at = 0.0
        self._deadline = 0.0
        self._close_by = 0.0
        self._data_at = 0.0
        self._data_bytes = 0
        self._tls: TlsLayer | None = None

    @property
    def ip(self) -> str:
        """Return the address of the peer."""
        return self._peer.ip

    @property
    def fingerprint(self) -> str:
        """Return that of the certificate that the peer has shown, "" for none."""
        return self._peer.certificate.fingerprint if self._peer.certificate else ""

    # -- asyncio.Protocol ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, or refuse when there are too many connections."""
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        name = transport.get_extra_info("peername") or ("unknown", 0)
        self._peer = PeerFacts(str(name[0]), int(name[1]))
        self._opened_at = self._door.loop.time()
        self._deadline = self._opened_at + self._limits.greeting_seconds
        refusal = self._door.enter(self)
        if refusal is not None:
            self._machine.refuse_connection(refusal)
            self._flush()
        elif self._implicit_tls:
            self._tls = TlsLayer(self._door.tls_context())
        else:
            self._machine.greet()
            self._flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """Forget the message that was under way; one that is being committed is left to its end."""
        self._transport = None
        self._door.leave(self)
        if self._transaction is not None and self._task is None:
            self._transaction.abort()
            self._transaction = None

    def data_received(self, data: bytes) -> None:
        """Feed the machine and go as far as it goes without waiting."""
        if self._tls is None:
            self._machine.receive(data)
        elif not self._decrypt(self._tls, data):
            return
        if self._task is None:
            self._pump()
            if self._tls is not None and self._tls.ended:
                self._close()

    def pause_writing(self) -> None:
        """Stop reading from a peer that does not read our replies."""
        if self._transport is not None and not self._close_by:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Read again."""
        if self._transport is not None and self._task is None and not self._close_by:
            self._transport.resume_reading()

    # -- the pump ------------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        """Handle events until the machine needs more bytes or a step has to wait."""
        machine = self._machine
        while (event := machine.next_event()) is not None:
            if type(event) is ev.DataChunk:
                if self._take(event.data):
                    return
            elif type(event) is ev.EnvelopeRefused:
                self._run(self._desk.envelope_refused(self._peer, event.refusal))
                return
            elif type(event) is ev.StartTls:
                machine.answer(START_TLS)
                self._flush()
                if not machine.closing:
                    self._tls = TlsLayer(self._door.tls_context())
            elif event.needs_answer:
                try:
                    found = start(self._decide(event))
                except Exception as error:  # noqa: BLE001 - an accident of ours; the peer is told to come back
                    self._fail(error)
                    return
                if not isinstance(found, Done):
                    self._run(self._answer_later(found))
                    return
                machine.answer(found.value)
            else:
                self._note(event)
        self._flush()
        self._set_deadline()

    def _take(self, data: bytes) -> bool:
        """Hand bytes to the transaction; tells whether it has to wait for the disk."""
        self._data_bytes += len(data)
        waiting = self._transaction.data(data) if self._transaction is not None else None
        if waiting is None:
            return False

        async def wait() -> None:
            await waiting

        self._run(wait())
        return True

    async def _decide(self, event: ev.Event) -> Reply:
        """Return the answer to one event."""
        if isinstance(event, ev.AuthStart | ev.AuthResponse):
            reply = await self._desk.authenticate(event, self._peer)
            if reply.code == 235:
                self._machine.signed_in()
            return reply
        if isinstance(event, ev.MailFrom):
            self._transaction = self._desk.begin(self._peer, self._hello)
            decision = await self._transaction.sender(event.sender, event.options)
            return self._refuse_sender(decision) if isinstance(decision, Refusal) else OK
        if self._transaction is None:
            return refusal_reply(Refusal(Kind.SEQUENCE, "sequence", "MAIL first"))
        if isinstance(event, ev.RcptTo):
            decision = await self._transaction.recipient(event.recipient)
            return self._refuse_recipient(decision) if isinstance(decision, Refusal) else RECIPIENT_OK
        if isinstance(event, ev.DataStart):
            refusal = self._transaction.start_data()
            self._data_at, self._data_bytes = self._door.loop.time(), 0
            return refusal_reply(refusal) if refusal else START_DATA
        return await self._finish(self._transaction)

    async def _finish(self, transaction: Transaction) -> Reply:
        """Say 250 after the commit: the one place of this door where a message is accepted (law 1)."""
        self._transaction = None
        result = await transaction.finish()
        if isinstance(result, Accepted):
            return Reply(250, "2.0.0", (f"Ok: {result.reference}",))
        return refusal_reply(result)

    def _refuse_sender(self, refusal: Refusal) -> Reply:
        """Answer a refused MAIL; a peer that goes on and on is closed, because each refusal is written in the audit."""
        self._refused += 1
        if self._refused > self._limits.bad_commands:
            refusal = Refusal(Kind.TOO_MANY_ERRORS, "refused-senders", "Too many refused senders")
        return refusal_reply(refusal)

    def _refuse_recipient(self, refusal: Refusal) -> Reply:
        if refusal.kind in {Kind.MAILBOX_UNKNOWN, Kind.RELAY}:
            self._unknown += 1
        return refusal_reply(refusal)

    def _note(self, event: ev.Event) -> None:
        """Take in an event that needs no answer."""
        if isinstance(event, ev.Hello):
            self._hello = event.name
        if isinstance(event, ev.DataAborted):
            self._door.log.warning(
                "message-aborted", ip=self._peer.ip, kind=event.refusal.kind.value, detail=event.refusal.detail
            )
        self._forget()

    async def _answer_later(self, work: Coroutine[Any, Any, Reply]) -> None:
        self._machine.answer(await work)

    # -- waiting steps -------------------------------------------------------------------------------------------

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a step that waits; the machine rests and the peer is not read meanwhile."""
        if self._transport is not None and not self._close_by:
            self._transport.pause_reading()
        self._deadline = 0.0
        self._task = self._door.loop.create_task(work)
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or error is not None:
            self._fail(error)
            return
        if self._transport is None or self._close_by:
            self._forget()
            return
        self._transport.resume_reading()
        self._pump()

    def _fail(self, error: BaseException | None) -> None:
        """Close after an accident of ours; the peer is told to come back."""
        if error is not None:
            self._door.log.error("connection-failed", ip=self._peer.ip, error=accident(error))
        self._forget()
        self._machine.time_out(Refusal(Kind.STORE_UNAVAILABLE, "accident", "Local error, try again later"))
        self._flush()

    # -- TLS -----------------------------------------------------------------------------------------------------

    def _decrypt(self, tls: TlsLayer, data: bytes) -> bool:
        """Hand what comes out of TLS to the machine; tells whether there may be something to do."""
        shaking = not tls.ready
        try:
            clear = tls.receive(data)
        except ssl.SSLError as error:
            self._tls_failed(tls, error)
            return False
        if shaking:
            self._write(tls.output())
            if not tls.ready:
                return False
            self._peer = peer_facts(self._peer, tls.session)
            if not self._implicit_tls:
                self._machine.tls_started()
            # On the implicit door, whoever spoke already did so before our greeting (reliability.md A09).
            self._machine.receive(clear)
            if self._implicit_tls:
                self._machine.greet()
            refusal = self._door.enter_peer(self.fingerprint) if self.fingerprint else None
            if refusal is not None:
                self._machine.time_out(refusal)
            return True
        self._machine.receive(clear)
        return bool(clear) or tls.ended

    def _tls_failed(self, tls: TlsLayer, error: ssl.SSLError) -> None:
        """Send the alert, close; a refused certificate is written down with its reason."""
        refusal = tls_failure(error)
        self._door.log.warning("tls-failed", ip=self._peer.ip, kind=refusal.kind.value, detail=refusal.detail)
        self._forget()
        self._write(tls.output())
        self._close()
        if isinstance(error, ssl.SSLCertVerificationError):
            self._run(self._desk.handshake_failed(self._peer, refusal))

    def _write(self, data: bytes) -> None:
        if data and self._transport is not None:
            self._transport.write(data)

    def _close(self) -> None:
        """Close once what was written has gone out; `check` cuts a peer that does not read it."""
        if not self._close_by and self._transport is not None:
            self._close_by = self._door.loop.time() + GRACE_SECONDS
            if self._tls is not None:
                self._write(self._tls.close())
            self._transport.close()

    def _forget(self) -> None:
        """Drop the message that is under way."""
        if self._transaction is not None:
            self._transaction.abort()
            self._transaction = None

    # -- time and output -----------------------------------------------------------------------------------------

    def _set_deadline(self) -> None:
        now = self._door.loop.time()
        if self._machine.in_data:
            self._deadline = self._data_at + self._limits.data_seconds
        else:
            known = self._hello and self._machine.is_tls
            # No byte sent now and then makes the time for EHLO and TLS longer.
            self._deadline = (
                now + self._limits.command_seconds if known else self._opened_at + self._limits.greeting_seconds
            )
        if self._unknown > self._limits.unknown_recipients and not self._machine.closing:
            self.end(Refusal(Kind.TOO_MANY_UNKNOWN_RECIPIENTS, "unknown-recipients", "Too many unknown recipients"))

    def check(self, now: float) -> None:
        """End the connection when it is too slow or too old; called about once a second by the door."""
        if self._task is not None or self._transport is None:
            return
        if self._close_by:
            if now > self._close_by:
                # It does not read our last reply.
                self._transport.abort()
        elif self._machine.in_data:
            self._check_pace(now)
        elif self._transaction is None and now - self._opened_at > self._limits.session_seconds:
            self.end(Refusal(Kind.TOO_SLOW, "session", "Session too long, connect again"))
        elif self._deadline and now > self._deadline:
            self.end(Refusal(Kind.TOO_SLOW, "timeout", "Timeout waiting for you"))

    def _check_pace(self, now: float) -> None:
        elapsed = now - self._data_at
        if elapsed > GRACE_SECONDS and self._data_bytes < elapsed * self._limits.data_bytes_per_second:
            self.end(Refusal(Kind.TOO_SLOW, "data-rate", "Message data too slow"))
        elif now > self._deadline:
            self.end(Refusal(Kind.TOO_SLOW, "data-time", "Message data takes too long"))

    def end(self, refusal: Refusal) -> None:
        """Say 421 and close; what was not accepted is forgotten."""
        if self._task is not None:
            return
        self._forget()
        self._machine.time_out(refusal)
        self._flush()

    @property
    def is_idle(self) -> bool:
        """Tell whether no message is under way."""
        return self._transaction is None and self._task is None

    def _flush(self) -> None:
        """Send what the machine has to say; close after it when it says so."""
        output = self._machine.take_output()
        if output and self._transport is not None and not self._close_by:
            if self._tls is None:
                self._transport.write(output)
            elif self._tls.ready:
                self._transport.write(self._tls.send(output))
        if self._machine.closing:
            self._close()
