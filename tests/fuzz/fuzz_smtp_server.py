"""Fuzz target: any bytes, in any cut, to the SMTP server machine; runs under atheris or hypothesis."""

from mssante.model.settings import LimitSettings
from mssante.wire.smtp import events
from mssante.wire.smtp.replies import Reply
from mssante.wire.smtp.server import ServerMachine
from mssante.wire.smtp.session import ServerProfile

LIMITS = LimitSettings(message_bytes=2000, recipients=3, command_bytes=200, bad_commands=5)
PROFILE = ServerProfile("mx.a.fr", "ESMTP", True, False, (b"PLAIN",), False, LIMITS, True)
ANSWERS = {events.DataStart: 354, events.StartTls: 220, events.AuthStart: 334}


def one_input(data: bytes) -> None:
    """Check what must hold for all input: well-formed replies, clean and bounded messages, silence once closed."""
    if not data:
        return
    machine = ServerMachine(PROFILE, tls=bool(data[0] & 1))
    machine.greet()
    step = data[0] // 4 + 1
    size = 0
    output = machine.take_output()
    for start in range(1, len(data), step):
        closed = machine.closing
        machine.receive(data[start : start + step])
        while (event := machine.next_event()) is not None:
            if isinstance(event, events.DataChunk):
                size += len(event.data)
                rest = event.data.replace(b"\r\n", b"")
                assert b"\r" not in rest
                assert b"\n" not in rest
                assert b"\0" not in rest
                assert size <= LIMITS.message_bytes
            elif isinstance(event, events.DataStart):
                size = 0
            if event.needs_answer:
                machine.answer(Reply(ANSWERS.get(type(event), 250), "", ("Ok",)))
        said = machine.take_output()
        assert not (closed and said)
        output += said
    assert output.endswith(b"\r\n")
    for line in output[:-2].split(b"\r\n"):
        assert line[:3].isdigit()
        assert line[3:4] in {b" ", b"-"}
        assert all(32 <= byte < 127 for byte in line)
