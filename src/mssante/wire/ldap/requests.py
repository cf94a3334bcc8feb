"""Requests from BER, and to BER for the client's side, with which the server is proved.

What breaks the structure ends the session; what is only too large or not served is answered (RFC 4511 section 4.1.1).

Source: RFC 4511 section 4.
"""

from typing import Final

from mssante.model.errors import OurProtocolError, TheirProtocolError
from mssante.wire.ldap import ber
from mssante.wire.ldap.filters import FilterTooLargeError, read_filter, write_filter
from mssante.wire.ldap.messages import (
    SEARCH_DONE,
    Abandon,
    Bind,
    Compare,
    Control,
    Extended,
    Message,
    Operation,
    OtherBind,
    RequestLimits,
    SaslBind,
    Scope,
    Search,
    SimpleBind,
    Unbind,
    Unserved,
    response_tag,
)
from mssante.wire.ldap.results import ResultCode

BIND: Final = 0x60
UNBIND: Final = 0x42
SEARCH: Final = 0x63
COMPARE: Final = 0x6E
ABANDON: Final = 0x50
EXTENDED: Final = 0x77
CONTROLS: Final = 0xA0
_SIMPLE: Final = 0x80
_SASL: Final = 0xA3
_OID: Final = 0x80
_VALUE: Final = 0x81
# Modify, Add, Delete, ModifyDN: known, never carried out; the directory changes through its own API.
_READ_ONLY: Final = {0x66: 0x67, 0x68: 0x69, 0x4A: 0x6B, 0x6C: 0x6D}


def read_message(data: bytes, limits: RequestLimits) -> Message:
    """Return the message that the bytes of one LDAPMessage are.

    Trailing elements that are not known are left out, as section 4 asks.

    Raises:
        TheirProtocolError: it is none: the session cannot go on.
    """
    inside = ber.Elements(data).inside()
    message_id = inside.number()
    operation = _read_operation(inside, limits)
    controls = _read_controls(inside.inside(CONTROLS), limits) if inside.next_tag == CONTROLS else ()
    if message_id == 0 and not isinstance(operation, Unbind | Abandon):
        msg = "message number 0 is the server's own"
        raise TheirProtocolError(msg)
    if controls is None:
        operation, controls = _too_large(operation, "too many controls"), ()
    return Message(message_id, operation, controls)


def _read_operation(inside: ber.Elements, limits: RequestLimits) -> Operation:
    tag = inside.next_tag
    if tag == SEARCH:
        return _read_search(inside.inside(tag), limits)
    if tag == BIND:
        return _read_bind(inside.inside(tag))
    if tag == COMPARE:
        asked = inside.inside(tag)
        name, assertion = asked.text(), asked.inside()
        return Compare(name, assertion.text(), assertion.octets())
    if tag == UNBIND:
        inside.skip()
        return Unbind()
    if tag == ABANDON:
        return Abandon(inside.number(tag))
    if tag == EXTENDED:
        asked = inside.inside(tag)
        oid = asked.text(_OID)
        return Extended(oid, asked.octets(_VALUE) if asked.next_tag == _VALUE else None)
    if tag in _READ_ONLY:
        inside.skip()
        return Unserved(_READ_ONLY[tag], ResultCode.UNWILLING_TO_PERFORM, "Annuaire en lecture seule")
    msg = f"0x{tag & 0xFF:02x} is no request"
    raise TheirProtocolError(msg)


def _read_bind(inside: ber.Elements) -> Bind:
    version, name = inside.number(), inside.text()
    if inside.next_tag == _SIMPLE:
        return SimpleBind(version, name, inside.octets(_SIMPLE))
    if inside.next_tag == _SASL:
        sasl = inside.inside(_SASL)
        mechanism = sasl.text()
        return SaslBind(version, name, mechanism, sasl.octets() if sasl.next_tag == ber.OCTETS else None)
    tag, _start, _stop = inside.skip()
    return OtherBind(version, name, tag)


def _read_search(inside: ber.Elements, limits: RequestLimits) -> Search | Unserved:
    base, scope, aliases = inside.text(), inside.number(ber.ENUMERATED), inside.number(ber.ENUMERATED)
    size_limit, time_limit, types_only = inside.number(), inside.number(), inside.flag()
    try:
        wanted = read_filter(inside, limits.filter)
    except FilterTooLargeError:
        return Unserved(SEARCH_DONE, ResultCode.ADMIN_LIMIT_EXCEEDED, "Filtre trop long ou trop profond")
    names = inside.inside()
    attributes: list[str] = []
    while not names.at_end:
        if len(attributes) == limits.attributes:
            return Unserved(SEARCH_DONE, ResultCode.ADMIN_LIMIT_EXCEEDED, "Trop d'attributs demandés")
        attributes.append(names.text())
    if scope > Scope.SUBTREE.value:
        return Unserved(SEARCH_DONE, ResultCode.PROTOCOL_ERROR, "unknown scope")
    return Search(base, Scope(scope), wanted, tuple(attributes), size_limit, time_limit, types_only, aliases)


def _read_controls(inside: ber.Elements, limits: RequestLimits) -> tuple[Control, ...] | None:
    found: list[Control] = []
    while not inside.at_end:
        if len(found) == limits.controls:
            return None
        one = inside.inside()
        oid = one.text()
        is_critical = one.flag() if one.next_tag == ber.BOOLEAN else False
        found.append(Control(oid, is_critical, one.octets() if one.next_tag == ber.OCTETS else None))
    return tuple(found)


def _too_large(operation: Operation, text: str) -> Operation:
    tag = response_tag(operation)
    return operation if tag < 0 else Unserved(tag, ResultCode.ADMIN_LIMIT_EXCEEDED, text)


def write_message(message: Message) -> bytes:
    """Return a request in BER.

    Raises:
        OurProtocolError: it is no request.
    """
    parts = [ber.number(message.message_id), _write_operation(message.operation)]
    if message.controls:
        parts.append(write_controls(message.controls))
    return ber.sequence(*parts)


def write_controls(controls: tuple[Control, ...]) -> bytes:
    """Return the controls of a message in BER."""
    return ber.sequence(*(_write_control(one) for one in controls), tag=CONTROLS)


def _write_control(control: Control) -> bytes:
    parts = [ber.text(control.oid)]
    if control.is_critical:
        parts.append(ber.flag(value=True))
    if control.value is not None:
        parts.append(ber.octets(control.value))
    return ber.sequence(*parts)


def _write_operation(operation: Operation) -> bytes:
    match operation:
        case SimpleBind(version, name, password):
            return ber.sequence(ber.number(version), ber.text(name), ber.element(_SIMPLE, password), tag=BIND)
        case SaslBind(version, name, mechanism, credentials):
            sasl = ber.sequence(
                ber.text(mechanism), *(() if credentials is None else (ber.octets(credentials),)), tag=_SASL
            )
            return ber.sequence(ber.number(version), ber.text(name), sasl, tag=BIND)
        case Unbind():
            return ber.element(UNBIND, b"")
        case Abandon(message_id):
            return ber.number(message_id, ABANDON)
        case Extended(oid, value):
            parts = [ber.element(_OID, oid.encode("utf-8", "surrogateescape"))]
            parts += [] if value is None else [ber.element(_VALUE, value)]
            return ber.sequence(*parts, tag=EXTENDED)
        case Search():
            return _write_search(operation)
        case Compare(name, attribute, value):
            assertion = ber.sequence(ber.text(attribute), ber.octets(value))
            return ber.sequence(ber.text(name), assertion, tag=COMPARE)
        case _:
            msg = f"{type(operation).__name__} is nothing that a client says"
            raise OurProtocolError(msg)


def _write_search(search: Search) -> bytes:
    return ber.sequence(
        ber.text(search.base),
        ber.number(search.scope.value, ber.ENUMERATED),
        ber.number(search.aliases, ber.ENUMERATED),
        ber.number(search.size_limit),
        ber.number(search.time_limit_seconds),
        ber.flag(value=search.types_only),
        write_filter(search.filter),
        ber.sequence(*(ber.text(name) for name in search.attributes)),
        tag=SEARCH,
    )
