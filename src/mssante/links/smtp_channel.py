"""An open connection to another operator: one SMTP transaction per parcel, one answer per recipient."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from mssante.links.smtp_stream import SmtpStream
from mssante.model.address import Address
from mssante.model.decision import Kind, Refusal
from mssante.model.envelope import MailOptions, Recipient
from mssante.model.errors import LinkError, MssError, OurProtocolError, TheirProtocolError
from mssante.model.message import Deferred, Failed
from mssante.model.outside import Answer, Parcel, Taken
from mssante.model.peer import PeerFacts
from mssante.model.settings import QueueSettings
from mssante.wire.smtp.client import ClientMachine
from mssante.wire.smtp.data import stuff
from mssante.wire.smtp.replies import Reply, plain_text

REPLY_MAX_CHARS: Final = 500
CLOSE_SECONDS: Final = 5.0


class _DirtyMessageError(MssError):
    """The message itself breaks the rules; no other try will help it."""


class _PeerClosesError(MssError):
    """The peer said 421; the text is its reply."""


class SmtpChannel:
    """Fulfils `mssante.flows.ports.Channel`; after any accident it is closed and defers whatever it is given."""

    def __init__(self, stream: SmtpStream, machine: ClientMachine, peer: PeerFacts, settings: QueueSettings) -> None:
        self._stream = stream
        self._machine = machine
        self._peer = peer
        self._settings = settings
        self._replies: list[Reply] = []
        self._in_transaction = False

    @property
    def peer(self) -> PeerFacts:
        """Return who is there."""
        return self._peer

    async def send(self, parcel: Parcel) -> tuple[Answer, ...]:
        """Send one message; return one answer per recipient, in their order.

        Source: RFC 5321 section 4.1.4 and 4.5.3.2 (time-outs); RFC 2920 section 3.1.
        """
        if self._stream.is_closed:
            return tuple(_lost("connection was closed before") for _ in parcel.recipients)
        options = _with_body(parcel)
        answers: list[Answer | None] = [self._cannot(parcel, options, recipient) for recipient in parcel.recipients]
        try:
            if not all(answers):
                await self._transact(parcel, options, answers)
        except TimeoutError:
            self._break(answers, Kind.HOST_UNREACHABLE, "peer did not answer in time")
        except TheirProtocolError as error:
            self._break(answers, Kind.PEER_PROTOCOL, str(error))
        except _PeerClosesError as error:
            self._break(answers, Kind.PEER_DEFERRED, str(error), reply=str(error))
        except _DirtyMessageError as error:
            self._break(answers, Kind.MESSAGE_MALFORMED, str(error))
        except (LinkError, OSError) as error:
            self._break(answers, Kind.HOST_UNREACHABLE, f"{type(error).__name__}: {error}")
        except BaseException:
            self._stream.abort()
            raise
        return tuple(answer or _lost("peer did not answer") for answer in answers)

    async def close(self) -> None:
        """Say QUIT and close; never raises."""
        try:
            if not self._stream.is_closed and not self._machine.awaited:
                await self._stream.write(self._machine.quit(), seconds=CLOSE_SECONDS)
                await self._reply(CLOSE_SECONDS)
        except (TimeoutError, TheirProtocolError, LinkError, OSError):
            self._stream.abort()
        await self._stream.close(seconds=CLOSE_SECONDS)

    def _cannot(self, parcel: Parcel, options: MailOptions, recipient: Recipient) -> Failed | None:
        """Return why the peer can never take this copy, as far as its extensions tell, or None.

        Source: RFC 1870 section 6; RFC 6152 section 3; RFC 6531 section 3.2; RFC 8689.
        """
        offered = self._machine.extensions
        utf8 = options.smtputf8 or _needs_utf8(parcel.sender, (recipient,))
        limit = offered.get("SIZE", "").strip()
        if utf8 and "SMTPUTF8" not in offered:
            return _failed(Kind.UTF8_REQUIRED, "SMTPUTF8", "Peer does not take addresses outside ASCII")
        if options.require_tls and "REQUIRETLS" not in offered:
            return _failed(
                Kind.TLS_REQUIRED, "REQUIRETLS", "Peer does not offer REQUIRETLS, which the sender asked for"
            )
        if limit.isdigit() and 0 < int(limit) < parcel.size_bytes:
            return _failed(Kind.MESSAGE_TOO_BIG, "SIZE", f"Peer takes messages up to {int(limit)} bytes")
        if options.eight_bit and "8BITMIME" not in offered:
            return _failed(
                Kind.PEER_REFUSED, "8BITMIME", "Peer does not take 8-bit content, and content is never changed"
            )
        return None

    async def _transact(self, parcel: Parcel, options: MailOptions, answers: list[Answer | None]) -> None:
        places = [place for place, answer in enumerate(answers) if answer is None]
        recipients = [parcel.recipients[place] for place in places]
        if _needs_utf8(parcel.sender, recipients):
            options = replace(options, smtputf8=True)
        mail, rcpts, data = await self._envelope(parcel, options, recipients)
        accepted: list[int] = []
        for place, reply in zip(places, rcpts, strict=True):
            if mail.is_positive and reply.is_positive:
                accepted.append(place)
            else:
                answers[place] = _judge(reply if mail.is_positive else mail)
        if data is not None and data.code == 354:
            # A peer that says 354 without a recipient gets an empty message: nothing of ours leaves without need.
            final = await self._message(parcel.data if accepted else (b"",))
        else:
            final = data or mail
        for place in accepted:
            answers[place] = _judge(final, dsn="DSN" in self._machine.extensions)

    async def _envelope(
        self, parcel: Parcel, options: MailOptions, recipients: list[Recipient]
    ) -> tuple[Reply, list[Reply], Reply | None]:
        """Say the envelope, in one group when the peer takes groups; return the replies to MAIL, each RCPT, DATA."""
        if self._in_transaction:
            await self._ask(self._machine.reset())
        self._in_transaction = True
        seconds = self._settings.reply_seconds
        if "PIPELINING" in self._machine.extensions:
            group = [
                self._machine.mail(parcel.sender, options),
                *map(self._machine.rcpt, recipients),
                self._machine.data(),
            ]
            await self._stream.write(b"".join(group), seconds=seconds)
            mail = await self._reply(seconds)
            rcpts = [await self._reply(seconds) for _ in recipients]
            return mail, rcpts, await self._reply(seconds)
        mail = await self._ask(self._machine.mail(parcel.sender, options))
        if not mail.is_positive:
            return mail, [mail] * len(recipients), None
        rcpts = [await self._ask(self._machine.rcpt(recipient)) for recipient in recipients]
        wanted = any(reply.is_positive for reply in rcpts)
        return mail, rcpts, await self._ask(self._machine.data()) if wanted else None

    async def _message(self, data: tuple[bytes, ...]) -> Reply:
        seconds = self._settings.reply_seconds
        pieces = stuff(data)
        while piece := _next_piece(pieces):
            await self._stream.write(piece, seconds=seconds)
        self._machine.body_sent()
        reply = await self._reply(self._settings.data_reply_seconds)
        self._in_transaction = False
        return reply

    async def _ask(self, command: bytes) -> Reply:
        await self._stream.write(command, seconds=self._settings.reply_seconds)
        return await self._reply(self._settings.reply_seconds)

    async def _reply(self, seconds: float) -> Reply:
        while not self._replies:
            self._replies = self._machine.receive(await self._stream.read(seconds=seconds))
        reply = self._replies.pop(0)
        if reply.code == 421:
            # Whatever was asked after this has no answer any more (RFC 5321 section 3.8).
            raise _PeerClosesError(_line(reply))
        return reply

    def _break(self, answers: list[Answer | None], kind: Kind, detail: str, *, reply: str = "") -> None:
        self._stream.abort()
        text = detail[:REPLY_MAX_CHARS]
        for place, answer in enumerate(answers):
            if answer is None:
                refusal = Refusal(kind, "dialogue", plain_text(text), text)
                answers[place] = Deferred(refusal, reply) if refusal.is_temporary else Failed(refusal)


def _needs_utf8(sender: Address | None, recipients: Sequence[Recipient]) -> bool:
    return (sender is not None and not sender.is_ascii) or any(not found.address.is_ascii for found in recipients)


def _with_body(parcel: Parcel) -> MailOptions:
    """Return the options with the size, and 8BITMIME when the content needs it, whatever the sender announced."""
    eight_bit = not all(chunk.isascii() for chunk in parcel.data)
    return replace(parcel.options, size_bytes=parcel.size_bytes, eight_bit=eight_bit)


def _judge(reply: Reply, *, dsn: bool = False) -> Answer:
    """Return what a final reply means for one recipient.

    Source: RFC 5321 section 4.2.1 (4xx: later, 5xx: never).
    """
    line = _line(reply)
    if reply.is_positive:
        return Taken(line, dsn)
    if reply.code < 500:
        return Deferred(Refusal(Kind.PEER_DEFERRED, "peer", line, line), line)
    return Failed(Refusal(Kind.PEER_REFUSED, "peer", line, line), line)


def _failed(kind: Kind, rule: str, public: str) -> Failed:
    return Failed(Refusal(kind, rule, public))


def _lost(text: str) -> Deferred:
    return Deferred(Refusal(Kind.HOST_UNREACHABLE, "dialogue", text))


def _next_piece(pieces: Iterator[bytes]) -> bytes:
    try:
        return next(pieces, b"")
    except OurProtocolError as error:
        raise _DirtyMessageError(str(error)) from error


def _line(reply: Reply) -> str:
    return str(reply)[:REPLY_MAX_CHARS]
