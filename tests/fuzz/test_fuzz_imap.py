"""The fuzz targets of IMAP and of whole messages, run in small by hypothesis on bytes that look like them."""

import pytest
from fuzzing import target
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

WORDS = [
    b"a1 ", b"NOOP\r\n", b"LOGIN ", b"SELECT INBOX", b"FETCH 1:* ", b"(FLAGS ", b"BODY.PEEK[", b"HEADER.FIELDS (", b"]", b")", b"(", b"<0.1>",
    b"UID ", b"SEARCH ", b"OR ", b"NOT ", b"SUBJECT ", b"{3}\r\n", b"{0+}\r\n", b"~{2}\r\n", b"abc", b"\r\n", b'"', b"\\", b"*", b"%", b"APPEND INBOX ",
    b"RETURN (", b"LIST ", b'"" ', b"STORE 1 +FLAGS ", b"\\Seen", b"&AOk-", b"\xc3\xa9", b"\0", b"DONE\r\n", b"1-Jan-2026",
]  # fmt: skip
PARTS = [
    b"From: ", b"To: a <b@c>, ", b"Subject: =?utf-8?b?w6k=?=\r\n", b"Date: Mon, 1 Jan 2026 00:00:00 +0000\r\n", b"Content-Type: multipart/mixed; boundary=b\r\n",
    b"Content-Type: message/rfc822\r\n", b"Content-Type: text/html; charset=", b"Content-Transfer-Encoding: base64\r\n", b"\r\n", b"\r\n\r\n", b"--b\r\n", b"--b--\r\n",
    b"--b--x", b"--bb\r\n", b'name="', b"filename*0*=utf-8''%C3", b";", b"(", b")", b"<", b">", b"<script>", b"&eacute;", b"\n", b"\r", b"\0", b"\xff",
]  # fmt: skip


def bytes_of(words: list[bytes]) -> st.SearchStrategy[bytes]:
    return st.lists(st.one_of(st.sampled_from(words), st.binary(max_size=6)), max_size=40).map(b"".join)


IMAP, MIME = target("fuzz_imap_reader"), target("fuzz_mime_parts")
QUIET = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@QUIET
@given(bytes_of(WORDS))
def test_the_reader_holds_on_bytes_that_look_like_commands(data: bytes) -> None:
    IMAP(data)


@QUIET
@given(bytes_of(PARTS))
def test_the_index_holds_on_bytes_that_look_like_messages(data: bytes) -> None:
    MIME(data)


@pytest.mark.parametrize(
    "data", [b"", b"\r\n", b"a {5}\r\n", b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--x\r\n"]
)
def test_small_inputs(data: bytes) -> None:
    IMAP(data)
    MIME(data)
