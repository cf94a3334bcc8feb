"""Dialogues with the server machine, each whole and split at every byte."""

from collections.abc import Callable

import pytest

from mssante.model.address import Address
from mssante.model.decision import Kind, Refusal
from mssante.model.errors import OurProtocolError
from mssante.model.settings import LimitSettings
from mssante.wire.smtp import events
from mssante.wire.smtp.replies import Reply
from mssante.wire.smtp.server import ServerMachine
from mssante.wire.smtp.session import Phase, ServerProfile

OK = Reply(250, "2.0.0", ("Ok",))
LIMITS = LimitSettings(message_bytes=10_000, recipients=3, command_bytes=512, bad_commands=4)
Cut = Callable[[bytes], list[bytes]]


def profile(**changes: object) -> ServerProfile:
    facts: dict[str, object] = {
        "hostname": "mx.a.mssante.fr",
        "banner": "ESMTP",
        "starttls": True,
        "tls_required": False,
        "auth_mechanisms": (),
        "sign_in_required": False,
        "limits": LIMITS,
    }
    return ServerProfile(**{**facts, **changes})  # type: ignore[arg-type]


class Door:
    """Plays the shell: answers every event, keeps what it saw."""

    def __init__(self, settings: ServerProfile, *, tls: bool = True, answers: dict[type, Reply] | None = None) -> None:
        self.machine = ServerMachine(settings, tls=tls)
        self.seen: list[events.Event] = []
        self.messages: list[bytes] = []
        self.aborted: list[Refusal] = []
        self._body: list[bytes] = []
        self.answers = answers or {}
        self.machine.greet()
        self.greeting = self.machine.take_output()

    def send(self, *pieces: bytes) -> bytes:
        for piece in pieces:
            self.machine.receive(piece)
            while (event := self.machine.next_event()) is not None:
                self._take(event)
        return self.machine.take_output()

    def _take(self, event: events.Event) -> None:
        if isinstance(event, events.DataChunk):
            self._body.append(event.data)
            return
        self.seen.append(event)
        if isinstance(event, events.DataAborted):
            self.aborted.append(event.refusal)
            self._body.clear()
        if isinstance(event, events.DataEnd):
            self.messages.append(b"".join(self._body))
            self._body.clear()
        if event.needs_answer:
            default = {events.DataStart: Reply(354, "", ("Go on",)), events.StartTls: Reply(220, "2.0.0", ("Go",))}
            self.machine.answer(self.answers.get(type(event), default.get(type(event), OK)))


def whole(data: bytes) -> list[bytes]:
    return [data]


def by_byte(data: bytes) -> list[bytes]:
    return [data[place : place + 1] for place in range(len(data))]


@pytest.fixture(params=[whole, by_byte], ids=["whole", "byte by byte"])
def cut(request: pytest.FixtureRequest) -> Cut:
    found: Cut = request.param
    return found


def hello(door: Door) -> Door:
    door.send(b"EHLO peer.example\r\n")
    return door


def in_data(door: Door) -> Door:
    door.send(b"MAIL FROM:<a@b.fr>\r\nRCPT TO:<c@d.fr>\r\nDATA\r\n")
    return door


def codes(output: bytes) -> list[int]:
    return [int(line[:3]) for line in output.split(b"\r\n") if line and line[3:4] == b" "]


def test_greets_and_offers_its_extensions(cut: Cut) -> None:
    door = Door(profile(starttls=True), tls=False)
    assert door.greeting == b"220 mx.a.mssante.fr ESMTP\r\n"
    assert door.send(*cut(b"EHLO peer.example\r\n")) == (
        b"250-mx.a.mssante.fr\r\n250-PIPELINING\r\n250-SIZE 10000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
        b"250-ENHANCEDSTATUSCODES\r\n250-DSN\r\n250 STARTTLS\r\n"
    )
    assert door.seen == [events.Hello("peer.example", extended=True)]


def test_offers_sign_in_and_requiretls_inside_tls_only() -> None:
    settings = profile(auth_mechanisms=(b"PLAIN", b"EXTERNAL"), require_tls_offered=True)
    clear = Door(settings, tls=False).send(b"EHLO x\r\n")
    assert b"AUTH" not in clear
    assert b"REQUIRETLS" not in clear
    inside = Door(settings).send(b"EHLO x\r\n")
    assert b"250-AUTH PLAIN EXTERNAL\r\n250 REQUIRETLS\r\n" in inside
    assert b"STARTTLS" not in inside


def test_takes_two_messages_with_grouped_commands(cut: Cut) -> None:
    door = hello(Door(profile()))
    assert codes(
        door.send(*cut(b"MAIL FROM:<a@b.fr> SIZE=5 BODY=8BITMIME\r\nRCPT TO:<c@d.fr>\r\nRCPT TO:<e@d.fr>\r\nDATA\r\n"))
    ) == [250, 250, 250, 354]
    assert codes(door.send(*cut(b"Subject: x\r\n\r\n..dot\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.fr>\r\nDATA\r\n"))) == [
        250,
        250,
        250,
        354,
    ]
    assert codes(door.send(*cut(b".\r\n"))) == [250]
    assert door.messages == [b"Subject: x\r\n\r\n.dot\r\n", b""]
    assert codes(door.send(*cut(b"QUIT\r\n"))) == [221]
    assert door.machine.closing
    mails = [event for event in door.seen if isinstance(event, events.MailFrom)]
    assert mails[0].sender == Address("a", "b.fr")
    assert mails[0].options.eight_bit
    assert mails[0].options.size_bytes == 5
    assert mails[1].sender is None


def test_says_commands_in_any_case_and_with_spaces_at_the_end(cut: Cut) -> None:
    door = Door(profile())
    door.send(*cut(b"ehlo X \r\n"))
    assert codes(door.send(*cut(b"mail from: <a@b.fr> size=10 \r\nrcpt to:<c@d.fr> \r\ndata \r\n"))) == [250, 250, 354]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"MAIL FROM:<a@b.fr>", 503),
        (b"RCPT TO:<a@b.fr>", 503),
        (b"DATA", 503),
        (b"AUTH PLAIN", 503),
    ],
)
def test_refuses_commands_before_hello(line: bytes, code: int, cut: Cut) -> None:
    door = Door(profile(auth_mechanisms=(b"PLAIN",)))
    assert codes(door.send(*cut(line + b"\r\n"))) == [code]
    assert not door.seen


@pytest.mark.parametrize(
    ("line", "start"),
    [
        (b"RCPT TO:<a@b.fr>", b"503 5.5.1"),
        (b"DATA", b"503 5.5.1"),
        (b"BDAT 2147483648", b"502 5.5.1"),
        (b"BDAT -1 LAST", b"502 5.5.1"),
        (b"BDAT 0x10", b"502 5.5.1"),
        (b"EXPN staff", b"502 5.5.1"),
        (b"TURN", b"502 5.5.1"),
        (b"VRFY postmaster", b"252 2.1.5"),
        (b"HELP", b"214 2.0.0"),
        (b"NOOP anything", b"250 2.0.0"),
        (b"RSET", b"250 2.0.0"),
        (b"RSET now", b"501 5.5.4"),
        (b"QUIT now", b"501 5.5.4"),
        (b"FROB", b"500 5.5.1"),
        (b"", b"500 5.5.1"),
        (b"EHLO", b"501 5.5.4"),
        (b"EHLO two words", b"501 5.5.4"),
        (b"EHLO \xe9t\xe9", b"501 5.5.4"),
        (b"STARTTLS", b"503 5.5.1"),
        (b"AUTH PLAIN", b"502 5.5.1"),
        (b"MAIL FROM:<a@b.fr> SIZE=10001", b"552 5.3.4"),
        (b"MAIL FROM:<a@b.fr> SIZE=1e3", b"501 5.5.4"),
        (b"MAIL FROM:<a@b.fr> FOO=1", b"555 5.5.4"),
        (b"MAIL FROM:<a@b.fr> REQUIRETLS", b"555 5.5.4"),
    ],
)
def test_answers_by_itself_what_needs_no_decision(line: bytes, start: bytes, cut: Cut) -> None:
    door = hello(Door(profile()))
    output = door.send(*cut(line + b"\r\n"))
    assert output.startswith(start)
    assert output.count(b"\r\n") == 1
    assert not door.machine.closing


def test_data_without_an_accepted_recipient_says_so() -> None:
    door = hello(Door(profile(), answers={events.RcptTo: Reply(550, "5.1.1", ("No",))}))
    assert door.send(b"MAIL FROM:<a@b.fr>\r\nDATA\r\n").endswith(b"503 5.5.1 Command is out of order here\r\n")
    assert door.send(b"RCPT TO:<c@d.fr>\r\nDATA\r\n") == b"550 5.1.1 No\r\n554 5.5.1 No valid recipients\r\n"
    assert door.machine.phase is Phase.MAIL


def test_a_refused_sender_leaves_the_dialogue_where_it_was() -> None:
    door = hello(Door(profile(), answers={events.MailFrom: Reply(550, "5.7.1", ("No",))}))
    assert codes(door.send(b"MAIL FROM:<a@b.fr>\r\nRCPT TO:<c@d.fr>\r\n")) == [550, 503]
    assert door.machine.phase is Phase.READY


def test_a_second_mail_in_a_transaction_is_out_of_order() -> None:
    door = hello(Door(profile()))
    assert codes(door.send(b"MAIL FROM:<a@b.fr>\r\nMAIL FROM:<a@b.fr>\r\n")) == [250, 503]


def test_hello_and_reset_forget_the_transaction() -> None:
    door = hello(Door(profile()))
    assert codes(door.send(b"MAIL FROM:<a@b.fr>\r\nRCPT TO:<c@d.fr>\r\nRSET\r\nDATA\r\n")) == [250, 250, 250, 503]
    door.send(b"MAIL FROM:<a@b.fr>\r\n")
    assert codes(door.send(b"EHLO again\r\n")) == [250]
    assert codes(door.send(b"RCPT TO:<c@d.fr>\r\n")) == [503]
    assert [type(event) for event in door.seen[-2:]] == [events.MailFrom, events.Hello]


def test_too_many_recipients_get_a_temporary_answer_each() -> None:
    door = hello(Door(profile()))
    output = door.send(b"MAIL FROM:<a@b.fr>\r\n" + b"RCPT TO:<c@d.fr>\r\n" * 5)
    assert codes(output) == [250, 250, 250, 250, 452, 452]
    assert b"452 4.5.3" in output


def test_a_refused_message_start_ends_the_transaction() -> None:
    door = hello(Door(profile(), answers={events.DataStart: Reply(452, "4.3.1", ("Full",))}))
    assert codes(in_data(door).send(b"DATA\r\n")) == [503]
    assert door.machine.phase is Phase.READY


def test_a_421_of_the_door_closes() -> None:
    door = hello(Door(profile(), answers={events.RcptTo: Reply(421, "4.7.0", ("Enough",))}))
    assert codes(door.send(b"MAIL FROM:<a@b.fr>\r\nRCPT TO:<c@d.fr>\r\nDATA\r\n")) == [250, 421]
    assert door.machine.closing


def test_tells_why_a_connection_is_refused() -> None:
    busy = ServerMachine(profile(), tls=False)
    busy.refuse_connection(Refusal(Kind.TOO_MANY_CONNECTIONS, "connections", "Too many connections"))
    assert busy.take_output() == b"421 4.7.0 Too many connections\r\n"
    assert busy.closing
    bad = ServerMachine(profile(), tls=False)
    bad.refuse_connection(Refusal(Kind.CERTIFICATE_EXPIRED, "R4", "Certificate has expired"))
    assert bad.take_output() == b"554 5.7.1 Certificate has expired\r\n"


def test_tells_why_it_does_not_wait_longer() -> None:
    door = in_data(hello(Door(profile())))
    door.machine.time_out(Refusal(Kind.TOO_SLOW, "data-rate", "Too slow"))
    assert door.machine.take_output() == b"421 4.4.2 Too slow\r\n"
    assert door.machine.closing
    assert door.send(b"more") == b""


def test_an_answer_without_a_question_is_our_bug() -> None:
    with pytest.raises(OurProtocolError):
        Door(profile()).machine.answer(OK)


# Sign-in


def test_signs_in_with_an_initial_response_or_with_a_challenge(cut: Cut) -> None:
    settings = profile(auth_mechanisms=(b"PLAIN",), sign_in_required=True)
    accepted = Reply(235, "2.7.0", ("Welcome",))
    door = hello(Door(settings, answers={events.AuthStart: accepted}))
    assert door.send(*cut(b"MAIL FROM:<a@b.fr>\r\n")).startswith(b"530 5.7.0 Authentication")
    assert codes(door.send(*cut(b"AUTH plain AGEAYg==\r\n"))) == [235]
    assert door.seen[-1] == events.AuthStart("PLAIN", b"\0a\0b")
    assert door.machine.is_signed_in
    assert codes(door.send(*cut(b"MAIL FROM:<a@b.fr> AUTH=<>\r\n"))) == [250]
    other = hello(Door(settings, answers={events.AuthStart: Reply(334, "", ("",)), events.AuthResponse: accepted}))
    assert other.send(*cut(b"AUTH PLAIN\r\n")) == b"334 \r\n"
    assert codes(other.send(*cut(b"AGEAYg==\r\n"))) == [235]
    assert other.seen[-1] == events.AuthResponse(b"\0a\0b")
    assert codes(other.send(b"AUTH PLAIN AGEAYg==\r\n")) == [503]


def test_a_sign_in_can_be_given_up_and_must_be_base64(cut: Cut) -> None:
    settings = profile(auth_mechanisms=(b"PLAIN",))
    gave_up = {events.AuthStart: Reply(334, "", ("",)), events.AuthResponse: Reply(501, "5.7.0", ("Cancelled",))}
    door = hello(Door(settings, answers=gave_up))
    door.send(*cut(b"AUTH PLAIN\r\n"))
    assert codes(door.send(*cut(b"*\r\n"))) == [501]
    assert door.seen[-1] == events.AuthResponse(None)
    door.send(*cut(b"AUTH PLAIN\r\n"))
    assert codes(door.send(*cut(b"%%%\r\n"))) == [501]
    assert codes(door.send(*cut(b"AUTH PLAIN %%%\r\n"))) == [501]


@pytest.mark.parametrize(("line", "code"), [(b"AUTH CRAM-MD5", 504), (b"AUTH", 501), (b"AUTH A B C", 501)])
def test_refuses_sign_ins_that_are_not_offered(line: bytes, code: int) -> None:
    assert codes(hello(Door(profile(auth_mechanisms=(b"PLAIN",)))).send(line + b"\r\n")) == [code]


def test_a_sign_in_loop_is_cut() -> None:
    settings = profile(auth_mechanisms=(b"PLAIN",))
    door = hello(Door(settings, answers={events.AuthStart: Reply(535, "5.7.8", ("No",))}))
    found = [code for _ in range(6) for code in codes(door.send(b"AUTH PLAIN AGEAYg==\r\n"))]
    assert found == [535, 535, 535, 535, 421]
    assert door.machine.closing


# STARTTLS


def test_before_tls_nothing_but_tls_is_possible(cut: Cut) -> None:
    door = hello(Door(profile(tls_required=True, auth_mechanisms=(b"PLAIN",)), tls=False))
    output = door.send(*cut(b"MAIL FROM:<a@b.fr>\r\nRCPT TO:<a@b.fr>\r\n"))
    assert output == b"530 5.7.0 Must issue a STARTTLS command first\r\n" * 2
    assert codes(door.send(*cut(b"AUTH PLAIN\r\n"))) == [530]


def test_tls_forgets_everything_said_in_clear(cut: Cut) -> None:
    door = hello(Door(profile(), tls=False))
    assert door.send(*cut(b"STARTTLS\r\n")) == b"220 2.0.0 Go\r\n"
    door.machine.tls_started()
    assert door.machine.is_tls
    assert codes(door.send(*cut(b"MAIL FROM:<a@b.fr>\r\n"))) == [503]
    assert b"STARTTLS" not in door.send(*cut(b"EHLO again\r\n"))
    assert codes(door.send(*cut(b"STARTTLS\r\n"))) == [503]


def test_starttls_where_it_is_not_offered() -> None:
    assert codes(hello(Door(profile(starttls=False), tls=False)).send(b"STARTTLS\r\n")) == [502]
    refused = {events.StartTls: Reply(454, "4.7.0", ("Not now",))}
    door = hello(Door(profile(), tls=False, answers=refused))
    assert codes(door.send(b"STARTTLS\r\nNOOP\r\n")) == [454, 250]
    with pytest.raises(OurProtocolError):
        door.machine.tls_started()
