"""Arguments of MAIL, RCPT and EHLO: the table of reliability.md A14, options, xtext."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mssante.model.address import Address
from mssante.model.decision import Kind, Refusal
from mssante.model.envelope import DEFAULT_NOTIFY, MailOptions, Notify, Recipient, Return
from mssante.wire.smtp.commands import Grammar, notify_words, parse_hello, parse_mail, parse_rcpt
from mssante.wire.smtp.events import MailFrom, RcptTo
from mssante.wire.smtp.xtext import decode_original, decode_xtext, encode_original, encode_xtext

GRAMMAR = Grammar("mx.a.fr", 1000)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (b"a@b.fr", Address("a", "b.fr")),
        (b"a@B.FR", Address("a", "b.fr")),
        (b"A@b.fr", Address("A", "b.fr")),
        (b"a%b@c.fr", Address("a%b", "c.fr")),
        (b"a!b@c.fr", Address("a!b", "c.fr")),
        (b'"a@b"@c.fr', Address("a@b", "c.fr")),
        (b'"a>b"@c.fr', Address("a>b", "c.fr")),
        (b'"a\\"b"@c.fr', Address('a"b', "c.fr")),
        (b"a@xn--caf-dma.fr", Address("a", "xn--caf-dma.fr")),
        (b"Postmaster", Address("postmaster", "mx.a.fr")),
        (b"x" * 64 + b"@b.fr", Address("x" * 64, "b.fr")),
        (b"@a,@b:c@d.fr", Kind.ADDRESS_SYNTAX),
        (b"@a:c@d.fr", Kind.ADDRESS_SYNTAX),
        (b"", Kind.ADDRESS_SYNTAX),
        (b"a", Kind.ADDRESS_SYNTAX),
        (b"a@", Kind.ADDRESS_SYNTAX),
        (b"@b.fr", Kind.ADDRESS_SYNTAX),
        (b"a@b.fr.", Kind.ADDRESS_SYNTAX),
        (b"a@b@c.fr", Kind.ADDRESS_SYNTAX),
        (b"a@[127.0.0.1]", Kind.ADDRESS_SYNTAX),
        (b"a@[IPv6:::1]", Kind.ADDRESS_SYNTAX),
        (b"x" * 65 + b"@b.fr", Kind.ADDRESS_SYNTAX),
        (b"a@" + b"b." * 130 + b"fr", Kind.ADDRESS_SYNTAX),
        (b"a (note)@b.fr", Kind.ADDRESS_SYNTAX),
        (b".a@b.fr", Kind.ADDRESS_SYNTAX),
        (b"a..b@b.fr", Kind.ADDRESS_SYNTAX),
        (b"a@b..fr", Kind.ADDRESS_SYNTAX),
        (b"a@-b.fr", Kind.ADDRESS_SYNTAX),
        (b"a\x07@b.fr", Kind.ADDRESS_SYNTAX),
        ("é@b.fr".encode(), Kind.UTF8_REQUIRED),
        ("a@café.fr".encode(), Kind.UTF8_REQUIRED),
        (b"\xe9@b.fr", Kind.ADDRESS_SYNTAX),
        (b"\xc0\xaf@b.fr", Kind.ADDRESS_SYNTAX),
        (b"\xed\xa0\x80@b.fr", Kind.ADDRESS_SYNTAX),
    ],
)
def test_each_odd_path_has_its_answer(path: bytes, expected: Address | Kind) -> None:
    found = parse_rcpt(b"TO:<" + path + b">", GRAMMAR, utf8=False)
    assert (
        found == RcptTo(Recipient(expected))
        if isinstance(expected, Address)
        else isinstance(found, Refusal) and found.kind is expected
    )


@pytest.mark.parametrize("path", [b"190017500112345", b"190017500112345@", b"190017500112345@patient_mssante.fr"])
def test_a_refused_address_is_not_repeated_because_it_may_be_a_patients(path: bytes) -> None:
    refused = parse_rcpt(b"TO:<" + path + b">", GRAMMAR, utf8=False)
    assert isinstance(refused, Refusal)
    assert "190017500112345" not in repr(refused)


def test_addresses_outside_ascii_need_smtputf8_and_an_ascii_domain() -> None:
    found = parse_mail("FROM:<é@b.fr> SMTPUTF8".encode(), GRAMMAR)
    assert found == MailFrom(Address("é", "b.fr"), MailOptions(smtputf8=True))
    refused = parse_rcpt("TO:<a@café.fr>".encode(), GRAMMAR, utf8=True)
    assert isinstance(refused, Refusal)
    assert refused.kind is Kind.ADDRESS_SYNTAX


@pytest.mark.parametrize(
    "argument",
    [
        b"",
        b"FROM",
        b"FROM:",
        b"FROM:a@b.fr",
        b"FROM:<a@b.fr",
        b'FROM:<"a@b.fr>',
        b"FROM:<a@b.fr>x",
        b"TO:<a@b.fr>",
        b"FROM:<>>",
    ],
)
def test_a_broken_mail_argument_is_a_syntax_error(argument: bytes) -> None:
    found = parse_mail(argument, GRAMMAR)
    assert isinstance(found, Refusal)
    assert found.kind is Kind.SYNTAX


def test_all_options_of_mail_together() -> None:
    grammar = Grammar("mx.a.fr", 1000, auth=True, require_tls=True)
    found = parse_mail(b"from: <> size=1000 BODY=8bitmime smtputf8 ENVID=a+2Bb RET=HDRS REQUIRETLS AUTH=<>", grammar)
    assert found == MailFrom(None, MailOptions(1000, True, True, "a+b", Return.HEADERS, True))


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (b"SIZE=1001", Kind.MESSAGE_TOO_BIG),
        (b"SIZE=" + b"9" * 20, Kind.MESSAGE_TOO_BIG),
        (b"SIZE=" + b"9" * 21, Kind.SYNTAX),
        (b"SIZE=-1", Kind.SYNTAX),
        (b"SIZE", Kind.SYNTAX),
        (b"SIZE=1 SIZE=2", Kind.SYNTAX),
        (b"BODY=BINARYMIME", Kind.SYNTAX),
        (b"SMTPUTF8=1", Kind.SYNTAX),
        (b"RET=ALL", Kind.SYNTAX),
        (b"ENVID=", Kind.SYNTAX),
        (b"ENVID=a+0D+0Ab", Kind.SYNTAX),
        (b"ENVID=a+2", Kind.SYNTAX),
        (b"ENVID=" + b"x" * 101, Kind.SYNTAX),
        (b"REQUIRETLS", Kind.PARAMETER_UNKNOWN),
        (b"AUTH=<>", Kind.PARAMETER_UNKNOWN),
        (b"X=1", Kind.PARAMETER_UNKNOWN),
        (b" ".join(b"X%d=1" % number for number in range(21)), Kind.SYNTAX),
    ],
)
def test_each_bad_option_of_mail_is_refused(options: bytes, kind: Kind) -> None:
    found = parse_mail(b"FROM:<a@b.fr> " + options, GRAMMAR)
    assert isinstance(found, Refusal)
    assert found.kind is kind


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (b"NOTIFY=NEVER", Recipient(Address("a", "b.fr"), Notify.NEVER)),
        (b"NOTIFY=success,delay", Recipient(Address("a", "b.fr"), Notify.SUCCESS | Notify.DELAY)),
        (b"ORCPT=rfc822;x+2By@b.fr", Recipient(Address("a", "b.fr"), DEFAULT_NOTIFY, "rfc822;x+y@b.fr")),
        (b"ORCPT=utf-8;\\x{E9}@b.fr", Recipient(Address("a", "b.fr"), DEFAULT_NOTIFY, "utf-8;é@b.fr")),
        (b"NOTIFY=NEVER,SUCCESS", None),
        (b"NOTIFY=", None),
        (b"NOTIFY=SOON", None),
        (b"ORCPT=x", None),
        (b"ORCPT=rfc822;", None),
        (b"ORCPT=rfc822;a+0D+0AX", None),
        (b"ORCPT=rfc822;a=b", None),
        (b"ORCPT=utf-8;\\x{D800}", None),
        (b"ORCPT=utf-8;\\x{110000}", None),
        (b"ORCPT=utf-8;\\y", None),
        (b"ORCPT=\xe9;a", None),
        (b"ORCPT=rfc822;" + b"x" * 500, None),
        (b"X=1", None),
    ],
)
def test_each_option_of_rcpt_is_strict(options: bytes, expected: Recipient | None) -> None:
    found = parse_rcpt(b"TO:<a@b.fr> " + options, GRAMMAR, utf8=False)
    assert isinstance(found, Refusal) if expected is None else found == RcptTo(expected)


def test_hello_takes_names_and_literals() -> None:
    assert parse_hello(b"mx.b.fr") == "mx.b.fr"
    assert parse_hello(b"[127.0.0.1]") == "[127.0.0.1]"
    assert isinstance(parse_hello(b"x" * 256), Refusal)


@given(st.text(alphabet=st.characters(min_codepoint=0, max_codepoint=127), max_size=40))
def test_xtext_round_trip(text: str) -> None:
    assert decode_xtext(encode_xtext(text).encode()) == text


@given(st.text(alphabet=st.characters(min_codepoint=33, categories=("L", "N", "P", "S")), min_size=1, max_size=30))
@settings(deadline=None)
def test_original_recipients_round_trip(text: str) -> None:
    encoded = encode_original(f"utf-8;{text}")
    assert encoded.isascii()
    if len(encoded) <= 500 and text.isprintable():
        assert decode_original(encoded.encode()) == f"utf-8;{text}"


def test_wishes_for_notices_are_said_when_they_differ_from_the_default() -> None:
    assert notify_words(DEFAULT_NOTIFY) is None
    assert notify_words(Notify.NEVER) == "NEVER"
    assert notify_words(Notify.SUCCESS | Notify.FAILURE) == "SUCCESS,FAILURE"


@given(st.binary(max_size=80))
def test_any_bytes_get_a_value_or_a_refusal(data: bytes) -> None:
    assert isinstance(parse_mail(b"FROM:<" + data, GRAMMAR), MailFrom | Refusal)
    assert isinstance(parse_rcpt(b"TO:<a@b.fr> " + data, GRAMMAR, utf8=True), RcptTo | Refusal)
    assert isinstance(parse_hello(data), str | Refusal)
