"""One IMAP connection: bytes to the reader of `mssante.wire.imap.framing`, its events to the session, answers back.

Guards the socket, TLS, compression, time and the pace of a client that reads slowly; decides nothing of a command.
"""

import asyncio
import ssl
import zlib
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final, cast

from mssante.doors.imap.layers import Deflate
from mssante.doors.imap.session import Session
from mssante.doors.imap.state import SPARE_BYTES, Desk
from mssante.doors.net.account_door import AccountDoor
from mssante.doors.net.eager import Done, start
from mssante.doors.net.peer import peer_facts, tls_failure
from mssante.doors.net.tls import TlsLayer
from mssante.model.decision import Refusal
from mssante.model.log import accident
from mssante.model.peer import PeerFacts
from mssante.wire.imap.responses import untagged

GRACE_SECONDS: Final = 10.0
# What may lie unread while a command works: enough for a pipeline, so that a client that hangs up is noticed.
AHEAD_BYTES: Final = 64 * 1024
WRITE_HIGH_BYTES: Final = 256 * 1024


class Connection(asyncio.Protocol):
    """One connection of a door."""

    def __init__(self, door: "AccountDoor[Connection]", desk: Desk, *, implicit_tls: bool) -> None:
        """Wait for the transport."""
        self._door = door
        self._implicit_tls = implicit_tls
        self._transport: asyncio.Transport | None = None
        self.peer = PeerFacts("", 0)
        self.session = Session(desk, self)
        self.account = 0
        self._settings = desk.settings
        self._tls: TlsLayer | None = None
        self._deflate: Deflate | None = None
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._poked = False
        self._ahead = 0
        self._readable: asyncio.Future[None] | None = None
        self._stuck_at = 0.0
        self._opened_at = self._heard_at = 0.0
        self._close_by = 0.0
        self._closing = False
        self._shake = False
        self._close_wanted = False

    # -- asyncio.Protocol ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, or refuse when there are too many connections."""
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
        else:
            self.session.greet()
            self._flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """Forget the client; a search for nobody is stopped, what changes the store goes to its end."""
        self._transport = None
        self._door.leave(self)
        if self._readable is not None and not self._readable.done():
            self._readable.set_result(None)
        if self._task is None:
            self.session.end()
        elif self.session.may_cancel:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Feed the session and go as far as it goes without waiting."""
        if self._closing:
            return
        self._heard_at = self._door.loop.time()
        try:
            clear = self._decrypt(self._tls, data) if self._tls is not None else data
            if self._deflate is not None and clear:
                clear = self._deflate.receive(clear)
        except ssl.SSLError as error:
            self._tls_failed(error)
            return
        except zlib.error:
            self._cut()
            return
        self.session.state.reader.receive(clear)
        if self._task is None:
            self._pump()
        else:
            self._ahead += len(clear)
            if self._ahead > AHEAD_BYTES and self._transport is not None:
                self._transport.pause_reading()
        if self._tls is not None and self._tls.ended:
            self._hung_up()

    def eof_received(self) -> bool:
        """Close: half-closed connections serve nobody."""
        self._hung_up()
        return False

    def pause_writing(self) -> None:
        """Hold the answers back for a client that does not read them."""
        self._readable = self._door.loop.create_future()
        self._stuck_at = self._door.loop.time()

    def resume_writing(self) -> None:
        """Go on."""
        self._stuck_at = 0.0
        if self._readable is not None and not self._readable.done():
            self._readable.set_result(None)
        self._readable = None
        if self._task is None:
            self._pump()

    # -- the pump ------------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        """Handle events until more bytes are needed or a step has to wait."""
        while self._task is None and not self._closing and self._readable is None:
            try:
                step = self.session.next_step()
                if step is None:
                    if not self._poked:
                        break
                    self._poked = False
                    step = self.session.push()
                if self.session.takes_long:
                    # It has a time limit of its own, which only a task can have.
                    self._run(step)
                    break
                found = start(step)
            except Exception as error:  # noqa: BLE001 - an accident of ours; the client is told to come back
                self._fail(error)
                return
            if not isinstance(found, Done):
                self._run(found)
                break
            self._after_step()
        self._flush()

    def _after_step(self) -> None:
        """Do what must stand between two steps: TLS begins with the next byte of the wire."""
        if self._close_wanted:
            self._close()
        if self._shake:
            self._shake = False
            self._flush()
            self.session.state.reader.forget()
            self._tls = TlsLayer(self._door.tls_context())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self._flush()
        self._task = self._door.loop.create_task(work)
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        self._ahead = 0
        self._heard_at = self._door.loop.time()
        error = None if task.cancelled() else task.exception()
        if self._transport is None:
            self.session.end()
        if error is not None:
            self._fail(error)
        elif self._transport is None:
            return
        elif task.cancelled():
            self._cut()
        elif not self._closing:
            self._after_step()
            self._transport.resume_reading()
            self._pump()

    def _fail(self, error: BaseException) -> None:
        """Close after an accident of ours; the client is told to come back."""
        self._door.log.error("connection-failed", ip=self.peer.ip, error=accident(error))
        self.write(untagged("BYE [UNAVAILABLE] Local error, try again later"))
        self._close()

    # -- what the commands use (see Line) ------------------------------------------------------------------------

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

    def compress(self) -> None:
        """Compress from here on: what was said before goes out as it is, what came behind the command is compressed."""
        self._flush()
        self._deflate = Deflate()
        rest = self.session.state.reader.take_rest()
        if rest:
            self.session.state.reader.receive(self._deflate.receive(rest))

    def enter_account(self, account: int) -> Refusal | None:
        """Count in who has signed in, or refuse."""
        refusal = self._door.enter_account(account)
        self.account = account if refusal is None else 0
        return refusal

    def leave_account(self) -> None:
        """Count out who has signed out."""
        self._door.leave_account(self.account)
        self.account = 0

    def poke(self) -> None:
        """Tell the session that something was committed, as soon as no command is under way."""
        if not self._poked:
            self._poked = True
            if self._task is None:
                self._door.loop.call_soon(self._poke_now)

    def _poke_now(self) -> None:
        if self._task is None and self._poked:
            self._pump()

    def close(self) -> None:
        """Close at the end of this step, behind the answer to its command."""
        self._close_wanted = True

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

    # -- TLS and output ------------------------------------------------------------------------------------------

    def _decrypt(self, tls: TlsLayer, data: bytes) -> bytes:
        shaking = not tls.ready
        clear = tls.receive(data)
        if self._transport is not None and (said := tls.output()):
            self._transport.write(said)
        if shaking and tls.ready:
            self.peer = peer_facts(self.peer, tls.session)
            if self._implicit_tls:
                self.session.greet()
        return clear

    def _tls_failed(self, error: ssl.SSLError) -> None:
        """Send the alert, close."""
        refusal = tls_failure(error)
        self._door.log.warning("tls-failed", ip=self.peer.ip, kind=refusal.kind.value, detail=refusal.detail)
        if self._transport is not None and self._tls is not None:
            self._transport.write(self._tls.output())
        self._out.clear()
        self._closing = True
        self._close_by = self._door.loop.time() + GRACE_SECONDS
        if self._transport is not None:
            self._transport.close()

    def _flush(self) -> None:
        """Send what was said."""
        if not self._out or self._transport is None or self._closing:
            self._out.clear()
            self._out_bytes = 0
            return
        data = self._out[0] if len(self._out) == 1 else b"".join(self._out)
        self._out.clear()
        self._out_bytes = 0
        if self._deflate is not None:
            data = self._deflate.send(data)
        if self._tls is None:
            self._transport.write(data)
        elif self._tls.ready:
            with suppress(ssl.SSLError):
                self._transport.write(self._tls.send(data))

    def _hung_up(self) -> None:
        """Close after a client that says no more; what works for nobody is stopped."""
        if self._task is not None and self.session.may_cancel:
            self._task.cancel()
        else:
            self._close()

    def _cut(self) -> None:
        self._closing = True
        if self._transport is not None:
            self._transport.abort()

    # -- time ----------------------------------------------------------------------------------------------------

    def check(self, now: float) -> None:
        """End the connection of a client that is too slow; called about once a second by the door."""
        if self._transport is None:
            return
        settings = self._settings
        if self._close_by:
            if now > self._close_by:
                self._transport.abort()
        elif self._stuck_at and now > self._stuck_at + settings.write_seconds:
            self._cut()
        elif self._task is not None:
            return
        elif not self.session.is_signed_in:
            # No byte sent now and then makes the time before sign-in longer.
            if now > self._opened_at + settings.greeting_seconds:
                self._say_bye("Too slow to sign in")
        elif self.session.is_over:
            self._say_bye("Your token has expired, sign in again")
        elif now > self._heard_at + settings.idle_seconds:
            self._say_bye("Idle for too long")

    def end(self, refusal: Refusal) -> None:
        """Say BYE and close, unless a command is under way."""
        if self._task is None:
            self._say_bye(refusal.public)

    @property
    def is_idle(self) -> bool:
        """Tell whether no command is under way."""
        return self._task is None and not self.session.is_busy

    def _say_bye(self, text: str) -> None:
        self.write(untagged(f"BYE [UNAVAILABLE] {text}"))
        self._close()
