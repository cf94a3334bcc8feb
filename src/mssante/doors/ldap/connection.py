"""One LDAP connection: bytes to the session, its answers back.

Guards the socket, TLS, time and the pace of a client that reads slowly; decides nothing of an operation.
"""

import asyncio
import ssl
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final, cast

from mssante.doors.ldap.refusals import RESULTS
from mssante.doors.ldap.session import Session
from mssante.doors.ldap.state import SPARE_BYTES, Desk
from mssante.doors.net.account_door import AccountDoor
from mssante.doors.net.peer import peer_facts, tls_failure
from mssante.doors.net.tls import TlsLayer
from mssante.model.decision import Kind, Refusal
from mssante.model.log import accident
from mssante.model.peer import PeerFacts
from mssante.wire.ldap.responses import write_notice
from mssante.wire.ldap.results import ResultCode

GRACE_SECONDS: Final = 10.0
WRITE_HIGH_BYTES: Final = 256 * 1024
_SLOW: Final = Refusal(Kind.TOO_SLOW, "greeting", "Too slow to sign in")
_IDLE: Final = Refusal(Kind.TOO_SLOW, "idle", "Idle for too long")


class Connection(asyncio.Protocol):
    """One connection of a door."""

    def __init__(self, door: "AccountDoor[Connection]", desk: Desk, *, implicit_tls: bool) -> None:
        """Wait for the transport."""
        self._door = door
        self._implicit_tls = implicit_tls
        self._settings = desk.settings
        self._transport: asyncio.Transport | None = None
        self.peer = PeerFacts("", 0)
        self.session = Session(desk, self)
        self.account = 0
        self._tls: TlsLayer | None = None
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._is_abandoned = False
        self._readable: asyncio.Future[None] | None = None
        self._stuck_at = self._opened_at = self._heard_at = self._close_by = 0.0
        self._closing = self._shake = self._close_wanted = False

    # -- asyncio.Protocol ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Listen, or refuse when there are too many connections."""
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_BYTES)
        name = transport.get_extra_info("peername") or ("unknown", 0)
        self.peer = PeerFacts(str(name[0]), int(name[1]))
        self._opened_at = self._heard_at = self._door.loop.time()
        refusal = self._door.enter(self)
        if refusal is not None and self._implicit_tls:
            # Nothing is said before TLS, and no handshake is paid for whoever comes too often.
            self._cut()
        elif refusal is not None:
            self.end(refusal)
        elif self._implicit_tls:
            self._tls = TlsLayer(self._door.tls_context())

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """Forget the client; a search for nobody is stopped."""
        self._transport = None
        self._door.leave(self)
        if self._readable is not None and not self._readable.done():
            self._readable.set_result(None)
        self._stop()

    def data_received(self, data: bytes) -> None:
        """Feed the session and begin what can begin."""
        if self._closing:
            return
        self._heard_at = self._door.loop.time()
        try:
            clear = self._decrypt(self._tls, data) if self._tls is not None else data
        except ssl.SSLError as error:
            self._tls_failed(error)
            return
        self.session.receive(clear)
        if self.session.is_over or (self._tls is not None and self._tls.ended):
            self._hung_up()
        else:
            self._pump()

    def eof_received(self) -> bool:
        """Close: half-closed connections serve nobody."""
        self._hung_up()
        return False

    def pause_writing(self) -> None:
        """Hold the answers back for a client that does not read them, and do not hear any more of it."""
        self._readable = self._door.loop.create_future()
        self._stuck_at = self._door.loop.time()
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._stuck_at = 0.0
        if self._readable is not None and not self._readable.done():
            self._readable.set_result(None)
        self._readable = None
        if self._transport is not None and not self._closing:
            self._transport.resume_reading()
        self._pump()

    # -- the pump ------------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        """Begin the next operation unless one is under way; each has a task, which can be stopped."""
        if self._task is None and not self._closing and self._readable is None:
            step = self.session.next_step()
            if step is not None:
                self._run(step)
        self._flush()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = self._door.loop.create_task(work)
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        is_abandoned, self._is_abandoned, self._task = self._is_abandoned, False, None
        self._heard_at = self._door.loop.time()
        self.session.ended()
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._fail(error)
        elif task.cancelled() and not is_abandoned:
            self._cut()
        elif self._transport is not None and not self._closing:
            self._after_step()
            self._pump()

    def _after_step(self) -> None:
        """Do what must stand between two operations: TLS begins with the next byte of the wire."""
        if self._close_wanted:
            self._close()
        elif self._shake:
            self._shake = False
            self._flush()
            self.session.forget()
            self._tls = TlsLayer(self._door.tls_context())

    def _fail(self, error: BaseException) -> None:
        """Close after an accident of ours; the client is told to come back."""
        self._door.log.error("connection-failed", ip=self.peer.ip, error=accident(error))
        self.write(write_notice(ResultCode.UNAVAILABLE, "Erreur de notre côté : réessayez plus tard"))
        self._close()

    # -- what the operations use (see Line) ----------------------------------------------------------------------

    @property
    def is_tls(self) -> bool:
        """Tell whether the connection is encrypted."""
        return self._tls is not None and self._tls.ready

    def write(self, data: bytes) -> None:
        """Say something at the end of the step."""
        self._out.append(data)
        self._out_bytes += len(data)

    async def drain(self) -> None:
        """Send what was said; wait until a slow client has read enough."""
        if self._out_bytes >= SPARE_BYTES:
            self._flush()
        if self._readable is not None:
            await self._readable
        if self._transport is None:
            # Nobody is there any more: whatever is still to be read for him is not.
            raise asyncio.CancelledError

    def start_tls(self) -> None:
        """Begin the handshake after this step."""
        self._shake = True

    def enter_account(self, account: int) -> Refusal | None:
        """Count in who has signed in, or refuse."""
        refusal = self._door.enter_account(account)
        self.account = account if refusal is None else 0
        return refusal

    def leave_account(self) -> None:
        """Count out who has signed out."""
        self._door.leave_account(self.account)
        self.account = 0

    def abandon(self) -> None:
        """Stop the operation under way and go on with the next."""
        self._is_abandoned = self._task is not None and self._task.cancel()

    def close(self) -> None:
        """Close at the end of this step, behind its answer."""
        self._close_wanted = True

    # -- TLS and output ------------------------------------------------------------------------------------------

    def _decrypt(self, tls: TlsLayer, data: bytes) -> bytes:
        shaking = not tls.ready
        clear = tls.receive(data)
        if self._transport is not None and (said := tls.output()):
            self._transport.write(said)
        if shaking and tls.ready:
            self.peer = peer_facts(self.peer, tls.session)
        return clear

    def _tls_failed(self, error: ssl.SSLError) -> None:
        """Send the alert, close."""
        refusal = tls_failure(error)
        self._door.log.warning("tls-failed", ip=self.peer.ip, kind=refusal.kind.value, detail=refusal.detail)
        if self._transport is not None and self._tls is not None:
            self._transport.write(self._tls.output())
        self._out.clear()
        self._close()

    def _flush(self) -> None:
        """Send what was said."""
        if not self._out:
            return
        data = self._out[0] if len(self._out) == 1 else b"".join(self._out)
        self._out.clear()
        self._out_bytes = 0
        if self._transport is None or self._closing:
            return
        if self._tls is None:
            self._transport.write(data)
        elif self._tls.ready:
            with suppress(ssl.SSLError):
                self._transport.write(self._tls.send(data))

    def _close(self) -> None:
        """Close once what was written has gone out; `check` cuts a client that does not read it."""
        if self._closing:
            return
        self._flush()
        self._closing = True
        self._close_by = self._door.loop.time() + GRACE_SECONDS
        if self._transport is not None:
            if self._tls is not None:
                self._transport.write(self._tls.close())
            self._transport.close()

    def _hung_up(self) -> None:
        """Close after a client that says no more."""
        self._stop()
        self._close()

    def _stop(self) -> None:
        if self._task is not None and self.session.may_cancel:
            self._task.cancel()

    def _cut(self) -> None:
        self._closing = True
        if self._transport is not None:
            self._transport.abort()

    # -- time ----------------------------------------------------------------------------------------------------

    def check(self, now: float) -> None:
        """End the connection of a client that is too slow; called about once a second by the door."""
        settings = self._settings
        if self._transport is None:
            return
        if self._close_by:
            if now > self._close_by:
                self._transport.abort()
        elif self._stuck_at and now > self._stuck_at + settings.write_seconds:
            self._stop()
            self._cut()
        elif self._task is not None:
            return
        elif not self.session.is_signed_in:
            # No byte sent now and then makes the time before sign-in longer.
            if now > self._opened_at + settings.greeting_seconds:
                self.end(_SLOW)
        elif now > self._heard_at + settings.idle_seconds:
            self.end(_IDLE)

    def end(self, refusal: Refusal) -> None:
        """Say why and close, unless an operation is under way.

        Source: RFC 4511 section 4.4.1 (the notice knows few codes; "unavailable" is the one of a server that closes).
        """
        if self._task is None:
            later = RESULTS[refusal.kind] in {ResultCode.BUSY, ResultCode.UNAVAILABLE}
            code = ResultCode.UNAVAILABLE if later else RESULTS[refusal.kind]
            self.write(write_notice(code, refusal.french or refusal.public))
            self._close()

    @property
    def is_idle(self) -> bool:
        """Tell whether no operation is under way."""
        return self._task is None and not self.session.is_busy
