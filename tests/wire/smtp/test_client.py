"""The client machine: commands out, replies in, whole and byte by byte; what a hostile server may try."""

import pytest

from mssante.model.address import Address
from mssante.model.envelope import MailOptions, Notify, Recipient, Return
from mssante.model.errors import OurProtocolError, TheirProtocolError
from mssante.wire.smtp.client import REPLY_LINE_LIMIT_BYTES, ClientMachine
from mssante.wire.smtp.replies import Reply

HELLO = b"250-mx.b.fr\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-DSN\r\n250-8bitmime\r\n250-SMTPUTF8\r\n250-REQUIRETLS\r\n250 STARTTLS\r\n"


def ready(answer: bytes = HELLO, *, split: bool = False, tls: bool = False) -> ClientMachine:
    machine = ClientMachine("mx.a.fr", tls=tls)
    feed(machine, b"220 mx.b.fr ESMTP\r\n", split=split)
    assert machine.hello() == b"EHLO mx.a.fr\r\n"
    feed(machine, answer, split=split)
    return machine


def feed(machine: ClientMachine, data: bytes, *, split: bool) -> list[Reply]:
    pieces = [data[place : place + 1] for place in range(len(data))] if split else [data]
    return [reply for piece in pieces for reply in machine.receive(piece)]


@pytest.mark.parametrize("split", [False, True])
def test_a_grouped_transaction_gets_its_replies_in_order(split: bool) -> None:
    machine = ready(split=split)
    assert machine.extensions["SIZE"] == "1000"
    assert "8BITMIME" in machine.extensions
    options = MailOptions(500, True, True, "id+1", Return.FULL, True)
    assert (
        machine.mail(Address("a", "a.fr"), options)
        == b"MAIL FROM:<a@a.fr> SIZE=500 BODY=8BITMIME SMTPUTF8 REQUIRETLS RET=FULL ENVID=id+2B1\r\n"
    )
    recipient = Recipient(Address("b", "b.fr"), Notify.SUCCESS, "rfc822;b@b.fr")
    assert machine.rcpt(recipient) == b"RCPT TO:<b@b.fr> NOTIFY=SUCCESS ORCPT=rfc822;b@b.fr\r\n"
    assert machine.data() == b"DATA\r\n"
    replies = feed(machine, b"250 2.1.0 Ok\r\n550-5.1.1 Un\r\n550 5.1.1 known\r\n354 go\r\n", split=split)
    assert replies == [Reply(250, "2.1.0", ("Ok",)), Reply(550, "5.1.1", ("Un", "known")), Reply(354, "", ("go",))]
    machine.body_sent()
    assert feed(machine, b"250\r\n", split=split) == [Reply(250, "", ("",))]
    assert machine.reset() == b"RSET\r\n"
    assert machine.noop() == b"NOOP\r\n"
    assert machine.awaited == 2
    assert feed(machine, b"250 Ok\r\n250 Ok\r\n", split=split)
    assert machine.quit() == b"QUIT\r\n"


def test_says_only_what_the_server_offers() -> None:
    machine = ready(b"250 mx.b.fr\r\n")
    assert machine.mail(None, MailOptions(500, True, True, "id", Return.FULL, True)) == b"MAIL FROM:<>\r\n"
    with pytest.raises(OurProtocolError):
        machine.rcpt(Recipient(Address("b", "b.fr")))


def test_nothing_read_before_tls_is_believed_after_it() -> None:
    machine = ready()
    assert machine.starttls() == b"STARTTLS\r\n"
    machine.receive(b"220 go\r\n")
    with pytest.raises(OurProtocolError):
        machine.hello()
    machine.tls_started()
    assert machine.is_tls
    assert machine.extensions == {}


@pytest.mark.parametrize("surplus", [b"250 injected\r\n", b"2", b"\r\n", b"250-mx\r\n250 AUTH PLAIN\r\n"])
def test_surplus_bytes_after_the_answer_to_starttls_are_an_attack(surplus: bytes) -> None:
    machine = ready()
    machine.starttls()
    with pytest.raises(TheirProtocolError):
        machine.receive(b"220 go\r\n" + surplus)
    later = ready()
    later.starttls()
    later.receive(b"220 go\r\n")
    with pytest.raises(TheirProtocolError):
        later.receive(surplus)


@pytest.mark.parametrize(
    "garbage",
    [
        b"hello\r\n",
        b"25\r\n",
        b"2500 Ok\r\n",
        b"150 Ok\r\n",
        b"\x16\x03\x01\r\n",
        b"250-a\r\n251 b\r\n",
        b"250-x\r\n" * 51,
        b"250 " + b"x" * REPLY_LINE_LIMIT_BYTES + b"\r\n",
        b"250 " + b"x" * (REPLY_LINE_LIMIT_BYTES + 1),
        b"354 go\r\n",
        b"250 Ok\r\n250 surplus\r\n",
    ],
)
def test_garbage_is_their_error(garbage: bytes) -> None:
    machine = ready()
    machine.noop()
    with pytest.raises(TheirProtocolError):
        machine.receive(garbage)


def test_the_words_of_a_peer_are_not_repeated_in_our_error() -> None:
    machine = ready()
    machine.noop()
    with pytest.raises(TheirProtocolError) as caught:
        machine.receive(b"190017500112345@patient.mssante.fr unknown\r\n")
    assert "patient" not in str(caught.value)


def test_a_positive_answer_to_data_is_no_answer() -> None:
    machine = ready()
    machine.data()
    with pytest.raises(TheirProtocolError):
        machine.receive(b"250 Ok\r\n")


def test_texts_of_replies_are_made_harmless() -> None:
    machine = ready()
    machine.noop()
    assert machine.receive(b"550 5.1.1 \x1b[2J\xe9 \rX\r\n") == [Reply(550, "5.1.1", ("?[2J? ?X",))]


def test_signs_in_inside_tls_only() -> None:
    assert ready(tls=True).auth_external() == b"AUTH EXTERNAL =\r\n"
    assert ready(tls=True).auth_plain("u", "p") == b"AUTH PLAIN AHUAcA==\r\n"
    with pytest.raises(OurProtocolError):
        ready().auth_plain("u", "p")


def test_never_writes_a_line_end_inside_a_command() -> None:
    with pytest.raises(OurProtocolError):
        ready().mail(Address("a\r\nRSET", "b.fr"), MailOptions())
    with pytest.raises(OurProtocolError):
        ready().tls_started()
