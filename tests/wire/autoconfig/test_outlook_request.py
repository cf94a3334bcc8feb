"""The question of Outlook, and what must not pass for one."""

import time

import pytest
from services import CLAIRE

from mssante.model.errors import TheirProtocolError
from mssante.wire.autoconfig.autodiscover import OUTLOOK_ANSWER, OUTLOOK_REQUEST, REQUEST_MAX_BYTES, read_request


def question(address: str = CLAIRE, schema: str = OUTLOOK_ANSWER, *, before: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?>{before}<Autodiscover xmlns="{OUTLOOK_REQUEST}"><Request>'
        f"<EMailAddress>{address}</EMailAddress><AcceptableResponseSchema>{schema}</AcceptableResponseSchema>"
        "</Request></Autodiscover>"
    ).encode()


@pytest.mark.parametrize("data", [question(), b"\xef\xbb\xbf" + question(), question(f" {CLAIRE}\n")])
def test_reads_the_address(data: bytes) -> None:
    assert str(read_request(data)) == CLAIRE


BOMB = '<!DOCTYPE a [<!ENTITY a "' + "x" * 1000 + '"><!ENTITY b "' + "&a;" * 1000 + '">]>'


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not xml",
        b"<a/>",
        question("nobody"),
        question(""),
        question(schema="http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"),
        question(before="<!DOCTYPE Autodiscover>"),
        question(before=BOMB),
        question("&b;", before=BOMB),
        question("&e;", before='<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>'),
        question().decode().encode("utf-16"),
        question().replace(b"utf-8", b"utf-7"),
        question()[:-5],
        b"\xff\xfe",
        question("a" * REQUEST_MAX_BYTES + "@b.fr"),
        b"<a>" * 10_000,
        b" " * 10 * 1024 * 1024,
    ],
)
def test_refuses_what_is_no_question_at_once(data: bytes) -> None:
    began = time.process_time()
    if b"utf-7" in data:
        # The declaration is not believed: the bytes are read as UTF-8.
        assert str(read_request(data)) == CLAIRE
    else:
        with pytest.raises(TheirProtocolError):
            read_request(data)
    assert time.process_time() - began < 1
