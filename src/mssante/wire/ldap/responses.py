"""Responses to BER, and from BER for the client's side, with which the server is proved.

Source: RFC 4511 sections 4.1.9, 4.2.2, 4.4.1, 4.5.2 and 4.12.
"""

from dataclasses import dataclass
from typing import Final

from mssante.model.errors import TheirProtocolError
from mssante.wire.ldap import ber
from mssante.wire.ldap.messages import BIND_RESPONSE, EXTENDED_RESPONSE, SEARCH_ENTRY, SEARCH_REFERENCE, Control
from mssante.wire.ldap.requests import CONTROLS, write_controls
from mssante.wire.ldap.results import NOTICE_OF_DISCONNECTION, ResultCode

_REFERRAL: Final = 0xA3
_SASL_CREDENTIALS: Final = 0x87
_NAME: Final = 0x8A
_VALUE: Final = 0x8B


@dataclass(frozen=True, slots=True)
class Done:
    """What ends an operation.

    Attributes:
        tag: which operation.
        matched: the nearest name that exists, with NO_SUCH_OBJECT.
        name, value: of an extended response.
    """

    tag: int
    code: ResultCode
    text: str = ""
    matched: str = ""
    name: str = ""
    value: bytes | None = None


@dataclass(frozen=True, slots=True)
class FoundEntry:
    """One entry of a search: its name and its attributes in their order."""

    name: str
    attributes: tuple[tuple[str, tuple[bytes, ...]], ...]


@dataclass(frozen=True, slots=True)
class Response:
    """One answer with the number of its operation."""

    message_id: int
    answer: Done | FoundEntry
    controls: tuple[Control, ...] = ()


def attribute(name: str, values: tuple[bytes, ...]) -> bytes:
    """Return one attribute of an entry; without values when only its type is wanted.

    Source: RFC 4511 section 4.1.7.
    """
    return ber.element(ber.SEQUENCE, ber.text(name) + ber.element(ber.SET, b"".join(map(ber.octets, values))))


def write_entry(message_id: int, name: str, attributes: bytes) -> bytes:
    """Return one found entry; `attributes` are `attribute` behind one another."""
    entry = ber.element(SEARCH_ENTRY, ber.text(name) + ber.element(ber.SEQUENCE, attributes))
    return ber.element(ber.SEQUENCE, ber.number(message_id) + entry)


def write_done(message_id: int, done: Done, controls: tuple[Control, ...] = ()) -> bytes:
    """Return what ends an operation."""
    parts = [ber.number(done.code.value, ber.ENUMERATED), ber.text(done.matched), ber.text(done.text)]
    if done.name:
        parts.append(ber.element(_NAME, done.name.encode()))
    if done.value is not None:
        parts.append(ber.element(_SASL_CREDENTIALS if done.tag == BIND_RESPONSE else _VALUE, done.value))
    body = [ber.number(message_id), ber.sequence(*parts, tag=done.tag)]
    if controls:
        body.append(write_controls(controls))
    return ber.sequence(*body)


def write_notice(code: ResultCode, text: str) -> bytes:
    """Return the notice that the session ends.

    Source: RFC 4511 section 4.4.1.
    """
    return write_done(0, Done(EXTENDED_RESPONSE, code, text, name=NOTICE_OF_DISCONNECTION))


def read_response(data: bytes) -> Response:
    """Return the answer that the bytes of one LDAPMessage are.

    Raises:
        TheirProtocolError: it is none that this server gives.
    """
    inside = ber.Elements(data).inside()
    message_id = inside.number()
    tag = inside.next_tag
    if tag == SEARCH_ENTRY:
        answer: Done | FoundEntry = _read_entry(inside.inside(tag))
    elif tag == SEARCH_REFERENCE:
        msg = "a reference to another directory, which this one never gives"
        raise TheirProtocolError(msg)
    else:
        answer = _read_done(tag, inside.inside(tag))
    return Response(message_id, answer, _read_controls(inside))


def _read_entry(inside: ber.Elements) -> FoundEntry:
    name, listed = inside.text(), inside.inside()
    attributes: list[tuple[str, tuple[bytes, ...]]] = []
    while not listed.at_end:
        one = listed.inside()
        kind, held = one.text(), one.inside(ber.SET)
        values: list[bytes] = []
        while not held.at_end:
            values.append(held.octets())
        attributes.append((kind, tuple(values)))
    return FoundEntry(name, tuple(attributes))


def _read_done(tag: int, inside: ber.Elements) -> Done:
    number, matched, text = inside.number(ber.ENUMERATED), inside.text(), inside.text()
    try:
        code = ResultCode(number)
    except ValueError as error:
        msg = f"{number} is no result"
        raise TheirProtocolError(msg) from error
    if inside.next_tag == _REFERRAL:
        inside.skip()
    name = inside.text(_NAME) if inside.next_tag == _NAME else ""
    has_value = inside.next_tag in {_VALUE, _SASL_CREDENTIALS}
    return Done(tag, code, text, matched, name, inside.octets(inside.next_tag) if has_value else None)


def _read_controls(inside: ber.Elements) -> tuple[Control, ...]:
    found: list[Control] = []
    if inside.next_tag == CONTROLS:
        listed = inside.inside(CONTROLS)
        while not listed.at_end:
            one = listed.inside()
            oid = one.text()
            is_critical = one.flag() if one.next_tag == ber.BOOLEAN else False
            found.append(Control(oid, is_critical, one.octets() if one.next_tag == ber.OCTETS else None))
    return tuple(found)
