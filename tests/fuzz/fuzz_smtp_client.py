"""Fuzz target: any bytes, in any cut, as the replies of a server; runs under atheris or hypothesis."""

from mssante.model.address import Address
from mssante.model.envelope import MailOptions, Recipient
from mssante.model.errors import TheirProtocolError
from mssante.wire.smtp.client import ClientMachine
from mssante.wire.smtp.replies import Reply


def one_input(data: bytes) -> None:
    """Check what must hold for all input: replies are harmless text, everything else is their error."""
    step = (data[0] if data else 0) + 1
    for commands in (False, True):
        machine = ClientMachine("mx.a.fr")
        try:
            if commands:
                machine.receive(b"220 mx\r\n")
                machine.hello()
                machine.receive(b"250-mx\r\n250-DSN\r\n250 PIPELINING\r\n")
                machine.mail(None, MailOptions())
                machine.rcpt(Recipient(Address("b", "b.fr")))
                machine.data()
            for start in range(1, len(data), step):
                for reply in machine.receive(data[start : start + step]):
                    _check(reply)
        except TheirProtocolError:
            continue


def _check(reply: Reply) -> None:
    assert 200 <= reply.code < 600
    assert all(line.isascii() and (line.isprintable() or not line) for line in reply.lines)
