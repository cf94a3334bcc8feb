"""The server side of SMTP without I/O: bytes in, events out, replies in, bytes out.

The machine answers by itself what needs no decision: syntax, order, bounds, commands that are not for us (the table
is in `mssante.wire.smtp.dialogue`). Not for policy: who may send, to whom, what.
"""

from typing import Final

from mssante.model.decision import Kind, Refusal
from mssante.model.errors import OurProtocolError
from mssante.wire.smtp.data import DataReader
from mssante.wire.smtp.dialogue import EARLY, UNKNOWN, answer_event, read_auth_response, run_command
from mssante.wire.smtp.events import DataAborted, DataChunk, DataEnd, Event
from mssante.wire.smtp.replies import REPLIES, Reply, refusal_reply
from mssante.wire.smtp.session import Phase, ServerProfile, Session

UNREAD_MAX_BYTES: Final = 1024 * 1024

_HARMFUL: Final = Refusal(
    Kind.BARE_LINE_END, "line-ends", "Bare CR, bare LF or NUL is not allowed; lines end with CRLF"
)
_LONG_LINE: Final = Refusal(Kind.LINE_TOO_LONG, "command-line", "Command line is too long")


class ServerMachine:
    """One connection as the server sees it.

    The door feeds `receive`, takes events until `next_event` returns None, answers each event that needs it, and
    writes `take_output` before it waits or closes. While an answer is due, no other event comes.

    Source: RFC 5321 section 3.1 to 3.8 and 4.1.4.
    """

    __slots__ = ("_next", "_session", "_waiting")

    def __init__(self, profile: ServerProfile, *, tls: bool) -> None:
        self._session = Session(profile, tls=tls)
        self._waiting: Event | None = None
        self._next: Event | None = None

    @property
    def phase(self) -> Phase:
        """Return where the dialogue is."""
        return self._session.phase

    @property
    def closing(self) -> bool:
        """Tell whether to write the output and then close."""
        return self._session.closing

    @property
    def in_data(self) -> bool:
        """Tell whether the bytes that come now belong to a message."""
        return self._session.phase is Phase.DATA

    @property
    def is_tls(self) -> bool:
        """Tell whether the machine knows to be inside TLS."""
        return self._session.tls

    @property
    def is_signed_in(self) -> bool:
        """Tell whether a sign-in was accepted."""
        return self._session.signed_in

    def greet(self) -> None:
        """Say 220, unless the client talked before it was allowed.

        Source: RFC 5321 section 3.1; reliability.md A09.
        """
        self._expect(Phase.NEW)
        session = self._session
        if session.has_unread:
            session.close(EARLY)
        elif not session.closing:
            session.phase = Phase.GREETED
            session.say(Reply(220, "", (f"{session.profile.hostname} {session.profile.banner}",)))

    def refuse_connection(self, refusal: Refusal) -> None:
        """Say 421 or 554 in place of the greeting.

        Source: RFC 5321 section 3.1 and 4.3.2.
        """
        self._expect(Phase.NEW)
        enhanced = REPLIES[refusal.kind][1]
        self._session.close(Reply(421 if refusal.is_temporary else 554, enhanced, (refusal.public,)))

    def receive(self, data: bytes) -> None:
        """Take bytes from the wire; look at `next_event` and `closing` afterwards."""
        session = self._session
        if session.closing:
            return
        if session.phase is Phase.HANDSHAKE:
            # Clear bytes after STARTTLS are an injection: never answered (reliability.md A04).
            session.shut()
        elif not session.has_unread:
            session.pending, session.place = data, 0
        elif len(session.pending) - session.place > UNREAD_MAX_BYTES:
            session.close(EARLY)
        else:
            session.pending, session.place = session.pending[session.place :] + data, 0

    def next_event(self) -> Event | None:
        """Return what happened next, or None: more bytes are needed, an answer is due, or the machine is closing."""
        session = self._session
        event = None if session.closing else self._next
        self._next = None
        while event is None:
            if session.closing or self._waiting is not None or not session.has_unread or session.phase is Phase.NEW:
                return None
            if session.phase is Phase.DATA:
                event = self._read_data()
                continue
            line = self._read_line()
            if line is None:
                return None
            event = read_auth_response(session, line) if session.phase is Phase.AUTH else run_command(session, line)
        if event.needs_answer:
            self._waiting = event
        return event

    def answer(self, reply: Reply) -> None:
        """Say the decision on the last event; a 421 closes.

        Raises:
            OurProtocolError: no event waits for an answer.
        """
        event = self._waiting
        if event is None:
            msg = f"reply {reply.code} answers nothing: no event is waiting"
            raise OurProtocolError(msg)
        self._waiting = None
        if not self._session.closing:
            answer_event(self._session, event, reply)

    def take_output(self) -> bytes:
        """Return the bytes to write now, and forget them."""
        output = self._session.output
        if not output:
            return b""
        self._session.output = []
        return output[0] if len(output) == 1 else b"".join(output)

    def tls_started(self) -> None:
        """Forget all that was said in clear: the handshake is done.

        Source: RFC 3207 section 4.2; reliability.md A04.
        """
        self._expect(Phase.HANDSHAKE)
        if not self._session.closing:
            self._session.enter(tls=True)
            self._session.phase = Phase.GREETED

    def signed_in(self) -> None:
        """Note that the client is known; a 235 does the same by itself."""
        self._session.signed_in = True

    def time_out(self, refusal: Refusal) -> None:
        """Say 421 with the reason and close, wherever the dialogue is.

        Source: RFC 5321 section 4.5.3.2.7 and 3.8.
        """
        if not self._session.closing:
            self._session.close(Reply(421, f"4{REPLIES[refusal.kind][1][1:]}", (refusal.public,)))

    def _expect(self, phase: Phase) -> None:
        if self._session.phase is not phase and not self._session.closing:
            msg = f"the machine is in phase {self._session.phase.value}, not {phase.value}"
            raise OurProtocolError(msg)

    def _read_line(self) -> bytes | None:
        """Return the next line without its CRLF, or None: none is complete, or it closed the connection.

        Source: RFC 5321 section 2.3.8 and 4.5.3.1.4; reliability.md A01, A10, A11.
        """
        session = self._session
        pending, start = session.pending, session.place
        first = pending[start]
        end = pending.find(b"\n", start)
        if (len(pending) if end < 0 else end + 1) - start > session.line_max_bytes:
            session.close(refusal_reply(_LONG_LINE))
        elif session.phase is not Phase.AUTH and not (first in _LETTERS or first == 0x0D):
            session.close(refusal_reply(_HARMFUL) if first in b"\n\0" else UNKNOWN)
        elif end < 0:
            pass
        elif not _is_whole(line := pending[start : end + 1]):
            session.close(refusal_reply(_HARMFUL))
        else:
            session.place = end + 1
            return line[:-2]
        return None

    def _read_data(self) -> Event | None:
        session = self._session
        reader = session.reader
        if reader is None:
            msg = "the machine is in data without a reader"
            raise OurProtocolError(msg)
        known = reader.refusal is not None
        piece = reader.feed(session.pending[session.place :] if session.place else session.pending)
        session.pending, session.place = reader.rest, 0
        if reader.refusal is not None:
            return self._abort(reader, reader.refusal, known=known)
        if not reader.ended:
            return DataChunk(piece) if piece else None
        session.reader = None
        session.phase = Phase.READY
        if not piece:
            return DataEnd()
        self._next = DataEnd()
        return DataChunk(piece)

    def _abort(self, reader: DataReader, refusal: Refusal, *, known: bool) -> Event | None:
        """Tell the door once; answer at the end of the message, or at once when its end cannot be trusted."""
        if reader.broken:
            self._session.close(refusal_reply(refusal))
        elif reader.ended:
            self._session.forget()
            self._session.phase = Phase.READY
            self._session.complain(refusal_reply(refusal))
        return None if known else DataAborted(refusal)


_LETTERS: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


def _is_whole(line: bytes) -> bool:
    return line.endswith(b"\r\n") and line.find(b"\r", 0, -2) < 0 and b"\0" not in line
