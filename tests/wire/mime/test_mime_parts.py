"""Parts, structure, envelope, text and fields of whole messages.

Source: RFC 2045; RFC 2046; RFC 2231; RFC 9051 sections 6.4.5.1 and 7.5.2; RFC 5256 section 2.1; RFC 8970.
"""

import email
import email.policy
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mssante.wire.mime.decode import decode_transfer, preview_of, search_text, strip_html
from mssante.wire.mime.envelope import (
    base_subject,
    parse_mailboxes,
    read_head,
    references_of,
    render_envelope,
    sent_at,
    sort_key,
)
from mssante.wire.mime.fields import select_fields
from mssante.wire.mime.index import index_message
from mssante.wire.mime.parameters import parameter, parse_parameters
from mssante.wire.mime.parts import Part, find_part, parse_parts, walk
from mssante.wire.mime.structure import render_structure

NESTED = (
    b"From: a@x.fr\r\nContent-Type: multipart/mixed; boundary=out\r\n\r\npreamble\r\n--out\r\n\r\nUn\r\n--out\r\n"
    b"Content-Type: message/rfc822\r\n\r\nSubject: Dedans\r\nContent-Type: multipart/alternative; boundary=in\r\n\r\n"
    b"--in\r\nContent-Type: text/plain\r\n\r\nDeux\r\n--in\r\nContent-Type: text/html\r\n\r\n<p>Deux</p>\r\n--in--\r\n"
    b"\r\n--out\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--out--\r\nepilogue\r\n"
)


def piece(data: bytes, *path: int) -> bytes | None:
    part = find_part(parse_parts(data), path)
    return None if part is None else data[part.body : part.end]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ((1,), b"Un"),
        ((2, 1), b"Deux"),
        ((2, 2), b"<p>Deux</p>"),
        ((3,), b"AAEC"),
        ((4,), None),
        ((0,), None),
        ((1, 1), None),
        ((2, 3), None),
        ((3, 1), None),
    ],
)
def test_part_numbers(path: tuple[int, ...], content: bytes | None) -> None:
    assert piece(NESTED, *path) == content


def test_a_message_of_one_part_has_part_one() -> None:
    assert piece(b"Subject: x\r\n\r\ntexte\r\n", 1) == b"texte\r\n"
    assert piece(b"Subject: x\r\n\r\ntexte\r\n", 1, 1) is None
    assert piece(b"Subject: x\r\n\r\ntexte\r\n", 2) is None


def test_the_structure_of_a_letter() -> None:
    root = parse_parts(NESTED)
    assert render_structure(root, NESTED, extended=False) == (
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 2 0)("message" "rfc822" NIL NIL NIL "7bit" 163 (NIL "Dedans" NIL NIL NIL NIL NIL NIL NIL NIL) '
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 4 0)("text" "html" ("charset" "us-ascii") NIL NIL "7bit" 11 0) "alternative") 12)'
        b'("application" "pdf" ("name" "a.pdf") NIL NIL "base64" 4) "mixed")'
    )
    assert b'NIL ("attachment" ("filename" "a.pdf")) NIL NIL)' in render_structure(root, NESTED, extended=True)


@pytest.mark.parametrize(
    ("data", "type_"),
    [
        (b"Content-Type: multipart/mixed\r\n\r\nx", "text/plain"),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\nnothing", "text/plain"),
        (b"Content-Type: nonsense\r\n\r\nx", "text/plain"),
        (b"CoNtEnT-TyPe: image/png\r\n\r\nx", "image/png"),
        (b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC", "application/octet-stream"),
        (b"", "text/plain"),
    ],
)
def test_a_broken_message_has_a_sound_type(data: bytes, type_: str) -> None:
    root = parse_parts(data)
    assert f"{root.type_}/{root.subtype}" == type_


def test_boundaries_that_begin_alike_are_others() -> None:
    data = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nun\r\n--bb\r\n--b--x\r\ndeux\r\n--b  \r\n\r\ntrois\r\n--b--"
    assert [data[part.body : part.end] for part in parse_parts(data).children] == [
        b"un\r\n--bb\r\n--b--x\r\ndeux",
        b"trois",
    ]


def test_a_message_that_was_cut_keeps_its_parts() -> None:
    data = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nun\r\n--b\r\n\r\ndeu"
    assert [data[part.body : part.end] for part in parse_parts(data).children] == [b"un", b"deu"]


def test_depth_and_number_are_bounded() -> None:
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(10_000))
    assert len(walk(parse_parts(deep))) < 100
    wide = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 50_000
    assert len(walk(parse_parts(wide))) <= 1001
    index_message(b"Subject: " + b"x" * 1_000_000 + b"\r\n\r\n")


def _many_parts(size: int) -> bytes:
    return b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * (size // 10)


def _nested(size: int) -> bytes:
    inner = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(40))
    return inner + b"x\r\n" * (size // 3)


def _same_boundary(size: int) -> bytes:
    return b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * (size // 54)


def _alike(size: int) -> bytes:
    return b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--bb\r\n" * (size // 6)


def _header(size: int) -> bytes:
    return b"Content-Type: text/plain; " + b"a=b; " * (size // 5) + b"\r\n\r\nx"


def _least_seconds(data: bytes) -> float:
    best = 9.0
    for _ in range(3):
        began = time.process_time()
        parse_parts(data)
        best = min(best, time.process_time() - began)
    return best


@pytest.mark.parametrize("make", [_many_parts, _nested, _same_boundary, _alike, _header])
def test_splitting_takes_time_in_proportion(make: Callable[[int], bytes]) -> None:
    # Three doublings, each below 2.5; a square would make 64 of it. Others use the machine too.
    small, large = make(250_000), make(2_000_000)
    assert _least_seconds(large) / max(_least_seconds(small), 0.002) < 2.5**3


TEXTS = st.text("abcé \n-", min_size=1, max_size=40)


@st.composite
def letters(draw: st.DrawFn, depth: int = 2) -> EmailMessage:
    message = EmailMessage(policy=email.policy.SMTP)
    message["Subject"] = draw(st.text("abc é", max_size=20))
    kind = draw(st.sampled_from(["plain", "html", "mixed", "attached"]))
    message.set_content(draw(TEXTS), subtype="html" if kind == "html" else "plain")
    if kind in {"mixed", "attached"}:
        message.add_attachment(draw(st.binary(max_size=50)), maintype="application", subtype="pdf", filename="é.pdf")
    if kind == "attached" and depth:
        message.add_attachment(draw(letters(depth=depth - 1)))
    return message


@settings(max_examples=80, deadline=None)
@given(letters())
def test_parts_are_those_that_another_reader_finds(message: EmailMessage) -> None:
    data = message.as_bytes()
    root = parse_parts(data)

    def same(part: Part, other: email.message.Message) -> None:
        assert f"{part.type_}/{part.subtype}" == other.get_content_type()
        if other.is_multipart():
            children = other.get_payload()
            assert len(part.children) == len(children)
            for child, one in zip(part.children, children, strict=True):
                same(child, one)  # type: ignore[arg-type]
        else:
            assert decode_transfer(data[part.body : part.end], part.encoding) == other.get_payload(decode=True)
            assert parameter(part.disposition_params, "filename") == (other.get_filename() or "")

    same(root, email.message_from_bytes(data))


def test_the_envelope_of_a_letter() -> None:
    head = (
        b'Date: Mon, 1 Jun 2026 10:00:00 +0200\r\nSubject: Compte\r\n rendu\r\nFrom: "Dr \\"P\\" Lenoir" <p@x.fr>\r\n'
        b"To: groupe: a@b.fr, Anne <c@d.fr>;, e@f.fr\r\nCc: g@h.fr (Gilles)\r\nMessage-ID: <1@x>\r\n"
        b"In-Reply-To: <0@x>\r\n\r\n"
    )
    assert render_envelope(read_head(head)) == (
        b'("Mon, 1 Jun 2026 10:00:00 +0200" "Compte rendu" (("Dr \\"P\\" Lenoir" NIL "p" "x.fr")) '
        b'(("Dr \\"P\\" Lenoir" NIL "p" "x.fr")) (("Dr \\"P\\" Lenoir" NIL "p" "x.fr")) '
        b'((NIL NIL "groupe" NIL)(NIL NIL "a" "b.fr")("Anne" NIL "c" "d.fr")(NIL NIL NIL NIL)(NIL NIL "e" "f.fr")) '
        b'(("Gilles" NIL "g" "h.fr")) NIL "<0@x>" "<1@x>")'
    )


def test_what_sorting_and_threading_need() -> None:
    head = read_head(b"From: Zoe <Zoe@x>\r\nReferences: <a@x>\r\n <b@x> <a@x>\r\nDate: 1 Jun 26 10:00 EST\r\n\r\n")
    assert sort_key(head, b"from") == "zoe"
    assert references_of(head) == ("a@x", "b@x")
    assert sent_at(head) == datetime(2026, 6, 1, 15, 0, tzinfo=UTC)
    assert sent_at(read_head(b"Date: jamais\r\n\r\n")) is None
    assert references_of(read_head(b"In-Reply-To: <c@x> <d@x>\r\n\r\n")) == ("c@x",)
    assert len(parse_mailboxes(b"a@b," * 10_000)) == 2000


@pytest.mark.parametrize(
    ("subject", "base", "answered"),
    [
        ("Bonjour", "bonjour", False),
        ("Re: Bonjour", "bonjour", True),
        ("RE : re: Bonjour", "bonjour", True),
        ("Fwd: Bonjour (fwd)", "bonjour", True),
        ("[liste] Re: Bonjour", "bonjour", True),
        ("[Fwd: Bonjour]", "bonjour", True),
        ("[seul]", "[seul]", False),
        ("Re[2]: Bonjour", "bonjour", True),
        ("  a   b ", "a b", False),
        ("", "", False),
    ],
)
def test_the_base_subject(subject: str, base: str, answered: bool) -> None:
    assert base_subject(subject) == (base, answered)


@pytest.mark.parametrize(
    ("raw", "name", "value"),
    [
        (b"a/b; NAME=x", "name", "x"),
        (b'a/b; name="x;\\"y" ; z=1', "name", 'x;"y'),
        (b"a/b; name*=utf-8''%C3%A9.pdf", "name", "é.pdf"),
        (b"a/b; name*0*=utf-8''%C3; name*1*=%A9; name*2=.pdf", "name", "é.pdf"),
        (b'a/b; name="=?utf-8?b?w6k=?="', "name", "é"),
        (b"a/b; (comment) name=x (more)", "name", "x"),
        (b'a/b; name="unclosed', "name", "unclosed"),
    ],
)
def test_parameters(raw: bytes, name: str, value: str) -> None:
    word, found = parse_parameters(raw)
    assert word == "a/b"
    assert parameter(found, name) == value


@pytest.mark.parametrize(
    ("data", "encoding", "content"),
    [
        (b"AAEC", "base64", b"\0\1\2"),
        (b"AA EC\r\n====", "BASE64", b"\0\1\2"),
        (b"AAECA", "base64", b"\0\1\2"),
        (b"=C3=A9=\r\nx", "quoted-printable", "éx".encode()),
        (b"x", "binary", b"x"),
        (b"x", "uuencode", None),
    ],
)
def test_transfer_encodings(data: bytes, encoding: str, content: bytes | None) -> None:
    assert decode_transfer(data, encoding) == content


def test_words_for_search_and_preview() -> None:
    root = parse_parts(NESTED)
    assert search_text(root, NESTED).split() == ["Un", "Deux", "Deux", "a.pdf"]
    quoted = b"Subject: x\r\n\r\n> avant\r\nBonjour,\r\n\r\n  le   monde\r\n"
    assert preview_of(parse_parts(quoted), quoted) == "Bonjour, le monde"
    words = strip_html("<style>x{}</style><p>a<b>b</b>&eacute;<!-- c --><script>d</script>e").split()
    assert words == ["abé", "e"]


def test_fields_are_chosen_by_name_and_kept_as_written() -> None:
    head = b"From: a\r\nX-Long: b\r\n c\r\nfrom: d\r\nTo: e\rX-Forged: f\r\n\r\n"
    assert select_fields(head, frozenset({b"from"}), without=False) == b"From: a\r\nfrom: d\r\n\r\n"
    assert select_fields(head, frozenset({b"x-long"}), without=False) == b"X-Long: b\r\n c\r\n\r\n"
    assert select_fields(head, frozenset({b"x-forged"}), without=False) == b"\r\n"
    assert select_fields(head, frozenset({b"from"}), without=True) == b"X-Long: b\r\n c\r\nTo: e\rX-Forged: f\r\n\r\n"
    assert select_fields(b"To: x", frozenset({b"to"}), without=False) == b"To: x\r\n\r\n"
