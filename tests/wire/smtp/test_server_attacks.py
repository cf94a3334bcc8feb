"""Attacks on the framing of SMTP: reliability.md section 2.1, against the server machine."""

import pytest

from mssante.model.decision import Kind
from mssante.model.settings import LimitSettings
from mssante.wire.smtp import events
from mssante.wire.smtp.replies import Reply
from mssante.wire.smtp.server import UNREAD_MAX_BYTES, ServerMachine
from mssante.wire.smtp.session import JUNK_COMMANDS, Phase, ServerProfile

LIMITS = LimitSettings(message_bytes=10_000, recipients=3, command_bytes=512, bad_commands=4)
OK = Reply(250, "2.0.0", ("Ok",))
ENVELOPE = b"MAIL FROM:<a@b.fr>\r\nRCPT TO:<c@d.fr>\r\nDATA\r\n"
SECOND = b"MAIL FROM:<evil@b.fr>\r\nRCPT TO:<c@d.fr>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n"
# The 12 base sequences of A01, and what a lenient server would take for the end of the message.
SMUGGLING = {
    "LF.LF": b"\n.\n",
    "CR.CR": b"\r.\r",
    "CR.LF": b"\r.\n",
    "LF.CR": b"\n.\r",
    "LF.CRLF": b"\n.\r\n",
    "CRLF.LF": b"\r\n.\n",
    "CR.CRLF": b"\r.\r\n",
    "CRLF.CR": b"\r\n.\r",
    "CRLF NUL .CRLF": b"\r\n\0.\r\n",
    "CRLF.NUL CRLF": b"\r\n.\0\r\n",
    "CRLF.CRCRLF": b"\r\n.\r\r\n",
    "CRCRLF.CRCRLF": b"\r\r\n.\r\r\n",
}


class Door:
    def __init__(self, *, tls: bool = True, starttls: bool = True, limits: LimitSettings = LIMITS) -> None:
        self.machine = ServerMachine(ServerProfile("mx.a.fr", "ESMTP", starttls, False, (), False, limits), tls=tls)
        self.messages = 0
        self.seen: list[events.Event] = []
        self.machine.greet()
        self.machine.take_output()
        self.send(b"EHLO x\r\n")

    def send(self, *pieces: bytes) -> bytes:
        for piece in pieces:
            self.machine.receive(piece)
            while (event := self.machine.next_event()) is not None:
                self.seen.append(event)
                self.messages += isinstance(event, events.DataEnd)
                if event.needs_answer:
                    special = {events.DataStart: Reply(354, "", ("Go",)), events.StartTls: Reply(220, "", ("Go",))}
                    self.machine.answer(special.get(type(event), OK))
        return self.machine.take_output()

    @property
    def aborted(self) -> list[Kind]:
        return [event.refusal.kind for event in self.seen if isinstance(event, events.DataAborted)]


@pytest.mark.parametrize("name", SMUGGLING)
def test_no_odd_end_of_data_smuggles_a_message_at_any_split(name: str) -> None:
    attack = b"Subject: first\r\n\r\nbody" + SMUGGLING[name] + SECOND
    for split in range(len(attack) + 1):
        door = Door()
        door.send(ENVELOPE)
        output = door.send(attack[:split], attack[split:])
        assert door.messages == 0
        assert output == b"550 5.6.0 Bare CR, bare LF or NUL is not allowed; lines end with CRLF\r\n"
        assert door.machine.closing
        assert door.aborted == [Kind.BARE_LINE_END]


@pytest.mark.parametrize("name", SMUGGLING)
def test_an_odd_end_at_the_very_start_of_the_message_is_refused_too(name: str) -> None:
    for split in range(12):
        door = Door()
        door.send(ENVELOPE)
        attack = SMUGGLING[name].removeprefix(b"\r\n") + SECOND
        door.send(attack[:split], attack[split:])
        assert door.messages == 0
        assert door.machine.closing


def test_a_true_end_and_a_second_envelope_are_two_messages() -> None:
    door = Door()
    door.send(ENVELOPE)
    door.send(b"body\r\n.\r\n" + ENVELOPE)
    door.send(b"body\r\n.\r\n")
    assert door.messages == 2


@pytest.mark.parametrize("line", [b"NOOP\n", b"NO\rOP\r\n", b"NOOP \0\r\n", b"NOOP\r\r\n", b"\n", b"\0"])
def test_bare_line_ends_in_commands_close(line: bytes) -> None:
    for split in range(len(line) + 1):
        door = Door()
        output = door.send(line[:split], line[split:])
        assert output.startswith(b"550 5.6.0")
        assert door.machine.closing


@pytest.mark.parametrize(
    "injected", [b"NOOP\r\n", b"MAIL FROM:<a@b.fr>\r\n", b"AUTH PLAIN\r\n", b"MAIL FR", b"\x16\x03", b"STARTTLS\r\n"]
)
def test_what_follows_starttls_in_clear_is_never_answered(injected: bytes) -> None:
    whole = Door(tls=False)
    assert whole.send(b"STARTTLS\r\n" + injected) == b""
    assert whole.machine.closing
    later = Door(tls=False)
    assert later.send(b"STARTTLS\r\n").startswith(b"220")
    assert later.send(injected) == b""
    assert later.machine.closing
    later.machine.tls_started()
    assert later.send(b"NOOP\r\n") == b""


@pytest.mark.parametrize(
    "early",
    [
        b"EHLO x\r\nMAIL FROM:<a@b.fr>\r\n",
        b"MAIL FROM:<a@b.fr>\r\nRCPT TO:<c@d.fr>\r\nDATA\r\nSubject: early\r\n",
        b"EHLO x\r\nN",
    ],
)
def test_commands_sent_before_they_are_allowed_close(early: bytes) -> None:
    door = Door()
    assert door.send(early).endswith(b"554 5.5.0 Commands were sent before they were allowed\r\n")
    assert door.machine.closing
    assert door.messages == 0


def test_talking_before_the_greeting_closes() -> None:
    machine = ServerMachine(ServerProfile("mx.a.fr", "ESMTP", True, False, (), False, LIMITS), tls=False)
    machine.receive(b"EHLO early\r\n")
    assert machine.next_event() is None
    machine.greet()
    assert machine.take_output().startswith(b"554 5.5.0")
    assert machine.closing


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.1\r\n",
        b"POST / HTTP/1.0\r\n",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"*1\r\n",
        b"\x16\x03\x01\x02\x00",
        b"\xff\xfe\r\n",
        b"$4\r\n",
    ],
)
def test_other_protocols_are_cut_at_their_first_line(line: bytes) -> None:
    machine = ServerMachine(ServerProfile("mx.a.fr", "ESMTP", True, False, (), False, LIMITS), tls=False)
    machine.greet()
    machine.receive(line)
    assert machine.next_event() is None
    assert machine.closing
    door = Door()
    door.send(line)
    assert door.machine.closing or line.startswith(b"SSH")


def test_command_lines_are_bounded() -> None:
    fits = b"NOOP " + b"x" * (512 - 7) + b"\r\n"
    assert Door().send(fits).startswith(b"250")
    long = Door()
    assert long.send(b"NOOP " + b"x" * (513 - 7) + b"\r\n").startswith(b"500 5.5.2")
    assert long.machine.closing
    endless = Door()
    assert endless.send(*[b"x" * 100] * 10).startswith(b"500 5.5.2")
    assert endless.send(b"x" * 1_000_000) == b""


@pytest.mark.parametrize(("length", "taken"), [(998, True), (999, False), (1000, False), (5000, False)])
def test_text_lines_are_bounded_at_any_cut(length: int, taken: bool) -> None:
    message = b"Subject: x\r\n\r\n" + b"x" * length + b"\r\nend\r\n.\r\n"
    for step in (1, 7, 997, 998, 999, 1000, 1001, len(message)):
        door = Door()
        door.send(ENVELOPE)
        output = door.send(*(message[start : start + step] for start in range(0, len(message), step)))
        assert door.messages == taken
        assert output.startswith(b"250" if taken else b"500 5.5.2 Text line")
        assert not door.machine.closing


def test_a_message_that_is_too_big_is_swallowed_then_refused() -> None:
    door = Door()
    door.send(ENVELOPE)
    output = door.send(*[b"x" * 98 + b"\r\n"] * 101)
    assert output == b""
    assert door.aborted == [Kind.MESSAGE_TOO_BIG]
    assert door.send(b".\r\n").startswith(b"552 5.3.4")
    assert door.machine.phase is Phase.READY
    door.send(ENVELOPE)
    door.send(b"small\r\n.\r\n")
    assert door.messages == 1


def test_a_message_that_never_ends_is_cut_at_twice_the_limit() -> None:
    door = Door()
    door.send(ENVELOPE)
    output = door.send(*[b"x" * 98 + b"\r\n"] * 201)
    assert output.startswith(b"552 5.3.4")
    assert door.machine.closing
    assert door.aborted == [Kind.MESSAGE_TOO_BIG]


@pytest.mark.parametrize("line", [b"NOOP", b"RSET", b"VRFY a", b"HELP", b"EHLO x"])
def test_a_flood_of_idle_commands_is_cut(line: bytes) -> None:
    door = Door()
    output = b"".join(door.send(line + b"\r\n") for _ in range(10_000))
    assert output.endswith(b"421 4.7.0 Too many errors or idle commands\r\n")
    assert output.count(b"\r\n250 ") + output.count(b"\r\n252 ") + output.count(b"\r\n214 ") <= JUNK_COMMANDS
    assert door.machine.closing


@pytest.mark.parametrize("line", [b"FROB", b"EXPN a", b"BDAT 1", b"RCPT TO:<a@b.fr>", b"MAIL FROM:<broken", b""])
def test_a_flood_of_bad_commands_is_cut(line: bytes) -> None:
    door = Door()
    output = b"".join(door.send(line + b"\r\n") for _ in range(100))
    assert len(output.splitlines()) == LIMITS.bad_commands + 1
    assert output.endswith(b"421 4.7.0 Too many errors or idle commands\r\n")


def test_idle_commands_between_accepted_messages_are_forgiven() -> None:
    door = Door()
    for _ in range(3):
        door.send(*[b"NOOP\r\n"] * (JUNK_COMMANDS - 2))
        door.send(ENVELOPE)
        door.send(b"x\r\n.\r\n")
    assert door.messages == 3
    assert not door.machine.closing


def test_bytes_that_nobody_reads_are_bounded() -> None:
    door = Door()
    door.machine.receive(ENVELOPE)
    assert door.machine.next_event() is not None
    for _ in range(UNREAD_MAX_BYTES // 65536 + 3):
        door.machine.receive(b"x" * 65536)
    assert door.machine.closing


def test_nothing_that_a_peer_says_can_break_our_reply_lines() -> None:
    door = Door()
    for line in (b"EHLO a\x1bb", b"MAIL FROM:<a\x07@b.fr>", b"RCPT TO:<\xc3\xa9@b.fr>", b"MAIL FROM:<a@b.fr> \x7f=1"):
        for reply in door.send(line + b"\r\n").split(b"\r\n")[:-1]:
            assert reply[:3].isdigit()
            assert all(32 <= byte < 127 for byte in reply)
