"""The commands of an SMTP server as a table: where each is allowed, what it does, what an answer to it changes.

Each ``do_`` function returns the event for the door, or None when the command is already answered.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from mssante.model.decision import Kind, Refusal
from mssante.wire.smtp import auth
from mssante.wire.smtp.commands import parse_hello, parse_mail, parse_rcpt
from mssante.wire.smtp.data import DataReader
from mssante.wire.smtp.events import (
    AuthResponse,
    AuthStart,
    DataEnd,
    DataStart,
    EnvelopeRefused,
    Event,
    Hello,
    MailFrom,
    Quit,
    RcptTo,
    Reset,
    StartTls,
)
from mssante.wire.smtp.replies import Reply, refusal_reply
from mssante.wire.smtp.session import Phase, Session

EARLY: Final = Reply(554, "5.5.0", ("Commands were sent before they were allowed",))
UNKNOWN: Final = Reply(500, "5.5.1", ("Command is not known",))

_OK: Final = Reply(250, "2.0.0", ("Ok",)).encode()
_CANNOT_VERIFY: Final = Reply(252, "2.1.5", ("Cannot verify; send mail and see",)).encode()
_HELP: Final = Reply(214, "2.0.0", ("See RFC 5321",)).encode()
_BYE: Final = Reply(221, "2.0.0", ("Bye",))
_NO_RECIPIENT: Final = Reply(554, "5.5.1", ("No valid recipients",))
_NOT_OFFERED: Final = Reply(502, "5.5.1", ("Command is not offered here",))
_ORDER: Final = Reply(503, "5.5.1", ("Command is out of order here",))
_NO_ARGUMENT: Final = Reply(501, "5.5.4", ("Command takes no argument",))
_TLS_FIRST: Final = Refusal(Kind.TLS_REQUIRED, "R2", "Must issue a STARTTLS command first")
_SIGN_IN_FIRST: Final = Refusal(Kind.SIGN_IN_REQUIRED, "sign-in", "Authentication required")


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table.

    Attributes:
        run: called with the session and the argument.
        phases: where it may be said; elsewhere the answer is 503.
        closes_group: nothing may be sent after it before its answer (RFC 2920 section 3.1).
        guarded: refused before TLS, and before sign-in, where the profile demands them.
        bare: takes no argument.
    """

    run: Callable[[Session, bytes], Event | None]
    phases: frozenset[Phase]
    closes_group: bool = False
    guarded: bool = False
    bare: bool = False


def run_command(session: Session, line: bytes) -> Event | None:
    """Return what one command line means, or None when it is answered.

    Source: RFC 5321 section 4.1.4; RFC 2920 section 3.1; RFC 3207 section 4; reliability.md A08, A09, A10.
    """
    word, _, argument = line.partition(b" ")
    verb = word.upper()
    command = COMMANDS.get(verb)
    if command is None:
        _unknown(session, verb)
    elif (command.closes_group or not session.extended) and session.has_unread and verb != b"STARTTLS":
        session.close(EARLY)
    elif command.guarded and (guard := _guard(session, verb)) is not None:
        session.complain(refusal_reply(guard))
        return EnvelopeRefused(guard) if verb == b"MAIL" else None
    elif session.phase not in command.phases:
        refused = verb == b"DATA" and session.phase is Phase.MAIL and session.refused_recipients
        session.complain(_NO_RECIPIENT if refused else _ORDER)
    elif command.bare and argument.strip(b" "):
        session.complain(_NO_ARGUMENT)
    else:
        return command.run(session, argument)
    return None


def _unknown(session: Session, verb: bytes) -> None:
    if verb in _DECLINED:
        session.complain(_NOT_OFFERED)
    elif verb in _FOREIGN or session.phase is Phase.GREETED:
        session.close(UNKNOWN)
    else:
        session.complain(UNKNOWN)


def _guard(session: Session, verb: bytes) -> Refusal | None:
    profile = session.profile
    if profile.tls_required and not session.tls:
        return _TLS_FIRST
    if profile.sign_in_required and not session.signed_in and verb != b"AUTH" and session.phase is not Phase.GREETED:
        return _SIGN_IN_FIRST
    return None


def do_ehlo(session: Session, argument: bytes) -> Event | None:
    """Answer with our extensions and forget the transaction.

    Source: RFC 5321 section 4.1.1.1.
    """
    return _hello(session, argument, session.hello_output, extended=True)


def do_helo(session: Session, argument: bytes) -> Event | None:
    """Answer with our name and forget the transaction.

    Source: RFC 5321 section 4.1.1.1.
    """
    return _hello(session, argument, Reply(250, "", (session.profile.hostname,)).encode(), extended=False)


def _hello(session: Session, argument: bytes, output: bytes, *, extended: bool) -> Event | None:
    name = parse_hello(argument)
    if isinstance(name, Refusal):
        session.complain(refusal_reply(name))
        return None
    session.forget()
    session.extended = extended
    session.phase = Phase.READY
    session.idle(output)
    return Hello(name, extended)


def do_mail(session: Session, argument: bytes) -> Event | None:
    """Start a transaction, if the door agrees.

    Source: RFC 5321 section 4.1.1.2.
    """
    event = parse_mail(argument, session.grammar)
    if isinstance(event, Refusal):
        session.complain(refusal_reply(event))
        return EnvelopeRefused(event)
    return event


def do_rcpt(session: Session, argument: bytes) -> Event | None:
    """Add a recipient, if there is room and the door agrees.

    Source: RFC 5321 section 4.5.3.1.10 (452 for too many recipients).
    """
    most = session.profile.limits.recipients
    if session.recipients >= most:
        session.say(Reply(452, "4.5.3", (f"More than {most} recipients; send the others separately",)))
        return None
    event = parse_rcpt(argument, session.grammar, utf8=session.utf8)
    if isinstance(event, Refusal):
        session.refused_recipients = True
        session.complain(refusal_reply(event))
        return EnvelopeRefused(event)
    return event


def do_data(_session: Session, _argument: bytes) -> Event | None:
    """Ask the door whether the message may come.

    Source: RFC 5321 section 4.1.1.4.
    """
    return DataStart()


def do_rset(session: Session, _argument: bytes) -> Event | None:
    """Forget the transaction.

    Source: RFC 5321 section 4.1.1.5.
    """
    session.forget()
    if session.phase is not Phase.GREETED:
        session.phase = Phase.READY
    session.idle(_OK)
    return Reset()


def do_noop(session: Session, _argument: bytes) -> Event | None:
    """Do nothing.

    Source: RFC 5321 section 4.1.1.9.
    """
    session.idle(_OK)
    return None


def do_vrfy(session: Session, _argument: bytes) -> Event | None:
    """Tell nothing about any address.

    Source: RFC 5321 section 3.5.3; reliability.md A15.
    """
    session.idle(_CANNOT_VERIFY)
    return None


def do_help(session: Session, _argument: bytes) -> Event | None:
    """Name the standard.

    Source: RFC 5321 section 4.1.1.8.
    """
    session.idle(_HELP)
    return None


def do_quit(session: Session, _argument: bytes) -> Event | None:
    """Say good-bye and close.

    Source: RFC 5321 section 4.1.1.10.
    """
    session.close(_BYE)
    return Quit()


def do_starttls(session: Session, _argument: bytes) -> Event | None:
    """Ask the door to shake hands, where it offers to.

    Source: RFC 3207 section 4.
    """
    if session.tls or not session.profile.starttls:
        session.complain(_ORDER if session.tls else _NOT_OFFERED)
        return None
    return StartTls()


def do_auth(session: Session, argument: bytes) -> Event | None:
    """Start a sign-in, once, with a mechanism that is offered.

    Source: RFC 4954 section 4.
    """
    if session.signed_in or not session.mechanisms:
        session.complain(_ORDER if session.signed_in else _NOT_OFFERED)
        return None
    start = auth.parse_auth(argument, session.mechanisms)
    if isinstance(start, Reply):
        session.complain(start)
        return None
    return start


def read_auth_response(session: Session, line: bytes) -> Event | None:
    """Return the client's next step of a sign-in, or None when it is malformed and answered.

    Source: RFC 4954 section 4.
    """
    response = auth.parse_response(line)
    if isinstance(response, Reply):
        session.phase = Phase.READY
        session.complain(response)
        return None
    return response


def answer_event(session: Session, event: Event, reply: Reply) -> None:
    """Say the door's decision on an event and move on accordingly."""
    _ANSWERS[type(event)](session, event, reply)
    if reply.code == 421:
        session.shut()


def _answer_mail(session: Session, event: Event, reply: Reply) -> None:
    session.say(reply)
    if reply.is_positive and isinstance(event, MailFrom):
        session.utf8 = event.options.smtputf8
        session.phase = Phase.MAIL


def _answer_rcpt(session: Session, _event: Event, reply: Reply) -> None:
    session.say(reply)
    if reply.is_positive:
        session.recipients += 1
        session.phase = Phase.RCPT
    else:
        session.refused_recipients = True


def _answer_data_start(session: Session, _event: Event, reply: Reply) -> None:
    if session.has_unread:
        session.close(EARLY)
        return
    session.say(reply)
    if reply.code == 354:
        limits = session.profile.limits
        session.reader = DataReader(limits.message_bytes, limits.text_line_bytes)
        session.phase = Phase.DATA
    else:
        session.forget()
        session.phase = Phase.READY


def _answer_data_end(session: Session, _event: Event, reply: Reply) -> None:
    session.say(reply)
    session.forget()
    session.phase = Phase.READY
    if reply.is_positive:
        session.count_message()


def _answer_auth(session: Session, _event: Event, reply: Reply) -> None:
    session.phase = Phase.AUTH if reply.code == 334 else Phase.READY
    if reply.code == 334:
        session.say(reply)
    elif reply.is_positive:
        session.signed_in = True
        session.say(reply)
    else:
        session.complain(reply)


def _answer_starttls(session: Session, _event: Event, reply: Reply) -> None:
    if reply.code != 220:
        session.complain(reply)
    elif session.has_unread:
        # Clear bytes after STARTTLS are an injection: never answered (reliability.md A04).
        session.shut()
    else:
        session.say(reply)
        session.phase = Phase.HANDSHAKE


_ANYWHERE: Final = frozenset({Phase.GREETED, Phase.READY, Phase.MAIL, Phase.RCPT})
_READY: Final = frozenset({Phase.READY})

COMMANDS: Final[Mapping[bytes, Command]] = MappingProxyType(
    {
        b"EHLO": Command(do_ehlo, _ANYWHERE, closes_group=True),
        b"HELO": Command(do_helo, _ANYWHERE, closes_group=True),
        b"MAIL": Command(do_mail, _READY, guarded=True),
        b"RCPT": Command(do_rcpt, frozenset({Phase.MAIL, Phase.RCPT}), guarded=True),
        b"DATA": Command(do_data, frozenset({Phase.RCPT}), closes_group=True, guarded=True, bare=True),
        b"RSET": Command(do_rset, _ANYWHERE, bare=True),
        b"NOOP": Command(do_noop, _ANYWHERE),
        b"VRFY": Command(do_vrfy, _ANYWHERE),
        b"HELP": Command(do_help, _ANYWHERE),
        b"QUIT": Command(do_quit, _ANYWHERE, bare=True),
        b"STARTTLS": Command(do_starttls, frozenset({Phase.GREETED, Phase.READY}), closes_group=True, bare=True),
        b"AUTH": Command(do_auth, _READY, closes_group=True, guarded=True),
    }
)
"""Verb -> row.

Source: RFC 5321 section 4.5.1 (minimum implementation); RFC 3207; RFC 4954.
"""

# Known to standards, never offered: 502 tells the client not to try again (A08).
_DECLINED: Final = frozenset(
    {b"BDAT", b"EXPN", b"TURN", b"ETRN", b"ATRN", b"SEND", b"SOML", b"SAML", b"BURL", b"XCLIENT", b"XFORWARD"}
)
# Other protocols that browsers and tools can be made to speak to us (A10).
_FOREIGN: Final = frozenset({b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"CONNECT", b"DELETE", b"PATCH", b"TRACE"})

_ANSWERS: Final[Mapping[type[Event], Callable[[Session, Event, Reply], None]]] = MappingProxyType(
    {
        MailFrom: _answer_mail,
        RcptTo: _answer_rcpt,
        DataStart: _answer_data_start,
        DataEnd: _answer_data_end,
        AuthStart: _answer_auth,
        AuthResponse: _answer_auth,
        StartTls: _answer_starttls,
    }
)
