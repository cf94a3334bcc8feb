"""Requests and responses: each is read as it was written, whole and cut at every byte, and as another library reads it.

Source: RFC 4511 section 4.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.errors import OurProtocolError, TheirProtocolError
from mssante.wire.ldap import ber, messages, requests, responses
from mssante.wire.ldap.filter_text import parse_filter
from mssante.wire.ldap.filters import FilterLimits
from mssante.wire.ldap.messages import (
    Abandon,
    Compare,
    Control,
    Extended,
    Message,
    OtherBind,
    RequestLimits,
    SaslBind,
    Scope,
    Search,
    SimpleBind,
    Unbind,
    Unserved,
)
from mssante.wire.ldap.paging import Paging, read_paging, write_paging
from mssante.wire.ldap.reader import Broken, MessageReader
from mssante.wire.ldap.results import PAGED_RESULTS, ResultCode

LIMITS = RequestLimits(FilterLimits(8, 20), attributes=10, controls=3)
SEARCH = Search(
    "ou=mssante,o=annuaire,c=fr",
    Scope.SUBTREE,
    parse_filter("(&(mail=*)(|(cn=dup*)(sn:caseIgnoreMatch:=Dupré)(!(l=nan*es))))"),
    ("cn", "mail"),
    size_limit=100,
    time_limit_seconds=30,
    types_only=True,
    aliases=3,
)
REQUESTS = [
    Message(1, SimpleBind(3, "mail=a@b.fr,ou=boites", b"secret")),
    Message(2, SimpleBind(3, "", b"")),
    Message(3, SaslBind(3, "", "EXTERNAL")),
    Message(4, SaslBind(3, "", "PLAIN", b"\0a\0b")),
    Message(5, Unbind()),
    Message(6, SEARCH),
    Message(7, SEARCH, (write_paging(Paging(50, b"abc"), is_critical=True), Control("1.2.3"))),
    Message(8, Abandon(7)),
    Message(11, Compare("mail=a@b.fr,ou=boites", "sn", "Dupré".encode())),
    Message(12, Compare("", "objectClass", b""), (Control("1.2.3"),)),
    Message(9, Extended("1.3.6.1.4.1.1466.20037")),
    Message(2**31 - 1, Extended("1.2.3", b"\0\xff")),
]
RESPONSES = [
    (responses.write_done(1, responses.Done(0x61, ResultCode.SUCCESS, value=b"creds")), 1),
    (responses.write_done(2, responses.Done(0x65, ResultCode.NO_SUCH_OBJECT, "rien là", "o=x")), 2),
    (responses.write_done(3, responses.Done(0x78, ResultCode.SUCCESS, name="1.2.3", value=b"u:a")), 3),
    (responses.write_done(4, responses.Done(0x65, ResultCode.SUCCESS), (write_paging(Paging(0, b"x")),)), 4),
    (responses.write_notice(ResultCode.UNAVAILABLE, "à plus tard"), 0),
    (
        responses.write_entry(
            5, "mail=é", responses.attribute("cn", ("é".encode(), b"b")) + responses.attribute("sn", ())
        ),
        5,
    ),
]


@pytest.mark.parametrize("message", REQUESTS, ids=lambda one: f"{one.message_id}-{type(one.operation).__name__}")
def test_a_request_is_read_as_it_was_written_whole_and_at_every_byte(message: Message) -> None:
    data = requests.write_message(message)
    assert requests.read_message(data, LIMITS) == message
    for cut in range(len(data) + 1):
        reader = MessageReader(len(data), LIMITS)
        reader.receive(data[:cut])
        first = reader.next()
        assert first == (message if cut == len(data) else None)
        reader.receive(data[cut:])
        assert (first or reader.next()) == message
        assert reader.next() is None


def test_many_requests_in_one_piece_and_byte_by_byte_are_the_same() -> None:
    data = b"".join(requests.write_message(one) for one in REQUESTS)
    whole, bytewise = MessageReader(1000, LIMITS), MessageReader(1000, LIMITS)
    whole.receive(data)
    found = []
    for at in range(len(data)):
        bytewise.receive(data[at : at + 1])
        while (event := bytewise.next()) is not None:
            found.append(event)
    assert found == [whole.next() for _ in REQUESTS] == REQUESTS


@pytest.mark.parametrize("message", REQUESTS, ids=lambda one: f"{one.message_id}-{type(one.operation).__name__}")
def test_a_request_that_is_cut_short_inside_never_reads_further(message: Message) -> None:
    """The length of the whole is made right, what stands in it is short: no element may reach out of it."""
    inside = ber.Elements(requests.write_message(message))
    _tag, start, stop = inside.skip()
    data = requests.write_message(message)[start:stop]
    for cut in range(len(data)):
        try:
            found = requests.read_message(ber.sequence(data[:cut]), LIMITS)
        except TheirProtocolError:
            continue
        # Only what is optional at the end may be missing.
        assert found.message_id == message.message_id
        assert found.operation == message.operation


@pytest.mark.parametrize(("data", "message_id"), RESPONSES)
def test_a_response_is_read_as_it_was_written(data: bytes, message_id: int) -> None:
    found = responses.read_response(data)
    assert found.message_id == message_id
    if isinstance(found.answer, responses.Done):
        assert responses.write_done(message_id, found.answer, found.controls) == data
    else:
        attributes = b"".join(responses.attribute(name, values) for name, values in found.answer.attributes)
        assert responses.write_entry(message_id, found.answer.name, attributes) == data


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("message", [one for one in REQUESTS if not isinstance(one.operation, Search)])
def test_another_library_reads_our_requests(message: Message) -> None:
    decoder = pytest.importorskip("pyasn1.codec.ber.decoder", reason="ldap3 and pyasn1 are not installed")
    spec = pytest.importorskip("ldap3.protocol.rfc4511", reason="ldap3 and pyasn1 are not installed")
    found, rest = decoder.decode(requests.write_message(message), asn1Spec=spec.LDAPMessage())
    assert not rest
    assert int(found["messageID"]) == message.message_id


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_another_library_writes_the_search_that_we_write() -> None:
    ldap3 = pytest.importorskip("ldap3.operation.search", reason="ldap3 and pyasn1 are not installed")
    spec = pytest.importorskip("ldap3.protocol.rfc4511", reason="ldap3 and pyasn1 are not installed")
    encoder = pytest.importorskip("pyasn1.codec.ber.encoder", reason="ldap3 and pyasn1 are not installed")
    text = r"(&(mail=*)(|(cn=dup*)(sn:caseIgnoreMatch:=Dupr\c3\a9)(!(l=nan*es))(a>=1)(b<=2)(c~=d)(e=\2a)))"
    asked = ldap3.search_operation("o=x", text, "SUBTREE", "ALWAYS", ["cn", "mail"], 100, 30, True, False, False)
    message = spec.LDAPMessage()
    message["messageID"] = spec.MessageID(6)
    message["protocolOp"] = spec.ProtocolOp().setComponentByName("searchRequest", asked)
    search = Search("o=x", Scope.SUBTREE, parse_filter(text), ("cn", "mail"), 100, 30, types_only=True, aliases=3)
    found = requests.read_message(encoder.encode(message), LIMITS)
    assert found == Message(6, search)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("data", "message_id"), RESPONSES)
def test_another_library_reads_our_responses(data: bytes, message_id: int) -> None:
    decoder = pytest.importorskip("pyasn1.codec.ber.decoder", reason="ldap3 and pyasn1 are not installed")
    spec = pytest.importorskip("ldap3.protocol.rfc4511", reason="ldap3 and pyasn1 are not installed")
    found, rest = decoder.decode(data, asn1Spec=spec.LDAPMessage())
    assert not rest
    assert int(found["messageID"]) == message_id


@pytest.mark.parametrize(("tag", "answer"), [(0x66, 0x67), (0x68, 0x69), (0x4A, 0x6B), (0x6C, 0x6D)])
def test_writing_is_refused_with_its_own_answer(tag: int, answer: int) -> None:
    data = ber.sequence(ber.number(5), ber.element(tag, b"\x04\x00"))
    found = requests.read_message(data, LIMITS).operation
    assert isinstance(found, Unserved)
    assert (found.response_tag, found.code) == (answer, ResultCode.UNWILLING_TO_PERFORM)


def test_what_is_too_large_is_answered_and_ends_nothing() -> None:
    deep = parse_filter("(!" * 9 + "(a=b)" + ")" * 9)
    wide = Search("", Scope.BASE, parse_filter("(a=*)"), tuple("abcdefghijklm"))
    many = Message(3, Extended("1.2"), tuple(Control(str(number)) for number in range(4)))
    for message, tag in (
        (Message(1, Search("", Scope.BASE, deep)), 0x65),
        (Message(2, wide), 0x65),
        (many, 0x78),
        (Message(4, SimpleBind(3, "a", b"b"), many.controls), 0x61),
    ):
        reader = MessageReader(10_000, LIMITS)
        reader.receive(requests.write_message(message) + requests.write_message(Message(9, Unbind())))
        found = reader.next()
        assert isinstance(found, Message)
        assert isinstance(found.operation, Unserved)
        assert (found.operation.response_tag, found.operation.code) == (tag, ResultCode.ADMIN_LIMIT_EXCEEDED)
        assert reader.next() == Message(9, Unbind())
    abandon = Message(5, Abandon(1), many.controls)
    assert requests.read_message(requests.write_message(abandon), LIMITS) == Message(5, Abandon(1))


def test_an_unknown_scope_is_a_protocol_error_of_that_search() -> None:
    data = requests.write_message(Message(1, Search("", Scope.BASE, parse_filter("(a=*)")))).replace(
        b"\x04\x00\x0a\x01\x00", b"\x04\x00\x0a\x01\x07", 1
    )
    found = requests.read_message(data, LIMITS).operation
    assert isinstance(found, Unserved)
    assert found.code is ResultCode.PROTOCOL_ERROR


def test_an_unknown_choice_of_bind_and_trailing_elements_are_read() -> None:
    bind = ber.sequence(ber.number(3), ber.text("x"), ber.element(0x89, b"sicily"), tag=0x60)
    assert requests.read_message(ber.sequence(ber.number(1), bind), LIMITS).operation == OtherBind(3, "x", 0x89)
    bind = ber.sequence(ber.number(3), ber.text("x"), ber.element(0x80, b"p"), ber.octets(b"new"), tag=0x60)
    assert requests.read_message(ber.sequence(ber.number(1), bind, ber.element(0x8B, b"")), LIMITS) == Message(
        1, SimpleBind(3, "x", b"p")
    )


@pytest.mark.parametrize(
    "data",
    [
        b"\x31\x00",
        b"\x30\x00",
        b"\x30\x80\x00\x00",
        b"\x30\x03\x02\x01\x01",
        b"\x30\x05\x02\x01\x01\x42\x01",
        ber.sequence(ber.number(1), ber.element(0x61, b"")),
        ber.sequence(ber.number(0), ber.element(0x77, ber.element(0x80, b"1.2"))),
        ber.sequence(ber.octets(b"1"), ber.element(0x42, b"")),
        ber.sequence(ber.number(1), ber.element(0x60, b"\x02\x01\x03")),
        ber.sequence(ber.number(1), ber.element(0x63, b"\x04\x00")),
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_breaks_the_structure_ends_the_session(data: bytes) -> None:
    reader = MessageReader(1000, LIMITS)
    reader.receive(data)
    assert isinstance(reader.next(), Broken)
    reader.receive(requests.write_message(Message(1, Unbind())))
    assert reader.next() is None


@pytest.mark.parametrize("head", [b"\x30\x84\x7f\xff\xff\xff", b"\x30\x82\x03\xe9", b"\x30\x88" + b"\xff" * 8])
def test_a_message_that_is_too_long_is_refused_before_it_comes(head: bytes) -> None:
    reader = MessageReader(1000, LIMITS)
    reader.receive(head)
    found = reader.next()
    assert isinstance(found, Broken)
    assert "longer than 1000" in found.text


def test_the_bound_of_messages_is_raised_after_sign_in() -> None:
    data = requests.write_message(Message(1, Extended("1.2", bytes(300))))
    reader = MessageReader(100, LIMITS)
    reader.set_limit(1000)
    reader.receive(data)
    assert reader.next() == Message(1, Extended("1.2", bytes(300)))


def test_what_came_in_clear_is_forgotten_even_half_a_message() -> None:
    data = requests.write_message(Message(1, Extended("1.2", bytes(300))))
    reader = MessageReader(1000, LIMITS)
    reader.receive(data + data[:100])
    assert reader.next() is not None
    assert reader.next() is None
    reader.forget()
    reader.receive(requests.write_message(Message(2, Unbind())))
    assert reader.next() == Message(2, Unbind())


def test_paging_says_what_it_must() -> None:
    control = write_paging(Paging(7, b"next"), is_critical=True)
    assert (control.oid, control.is_critical) == (PAGED_RESULTS, True)
    assert read_paging(control.value) == Paging(7, b"next")
    for value in (None, b"", b"\x30\x03\x02\x01\x07"):
        with pytest.raises(TheirProtocolError):
            read_paging(value)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    try:
        found = requests.read_message(ber.sequence(data), LIMITS)
    except TheirProtocolError:
        return
    assert isinstance(found, Message)


def test_a_password_shows_in_no_representation() -> None:
    assert "secret" not in repr(SimpleBind(3, "a", b"secret")) + repr(SaslBind(3, "a", "PLAIN", b"secret"))


def test_only_requests_are_written_as_requests() -> None:
    with pytest.raises(OurProtocolError):
        requests.write_message(Message(1, Unserved(0x65, ResultCode.BUSY, "")))
    assert messages.response_tag(Unserved(0x65, ResultCode.BUSY, "")) == 0x65


@pytest.mark.parametrize("data", [ber.sequence(ber.number(1), ber.element(0x73, b"")), ber.sequence(ber.number(1), ber.sequence(b"\x0a\x01\x64", b"\x04\0\x04\0", tag=0x65))])  # fmt: skip
def test_references_and_unknown_results_are_no_answers_of_ours(data: bytes) -> None:
    with pytest.raises(TheirProtocolError):
        responses.read_response(data)
