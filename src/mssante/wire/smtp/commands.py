"""The arguments of SMTP commands: bytes in, a value or a refusal out, and the same the other way round.

Not for the order of commands (see `mssante.wire.smtp.server`). A bad argument is a `Refusal`, never an exception.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from mssante.model.address import Address, parse_address
from mssante.model.decision import Kind, Refusal
from mssante.model.envelope import DEFAULT_NOTIFY, MailOptions, Notify, Recipient, Return
from mssante.model.errors import TheirProtocolError
from mssante.wire.smtp.events import MailFrom, RcptTo
from mssante.wire.smtp.xtext import decode_original, decode_xtext

SIZE_MAX_DIGITS: Final = 20
ENVELOPE_ID_MAX_BYTES: Final = 100
HELLO_MAX_BYTES: Final = 255
PARAMETERS_MAX: Final = 20

_NOTIFY: Final[Mapping[bytes, Notify]] = MappingProxyType(
    {b"SUCCESS": Notify.SUCCESS, b"FAILURE": Notify.FAILURE, b"DELAY": Notify.DELAY}
)


@dataclass(frozen=True, slots=True)
class Grammar:
    """What this server understands now.

    Attributes:
        hostname: ours; the domain of ``<Postmaster>``.
        message_bytes: largest message announced with SIZE.
        auth: AUTH is offered, so MAIL may carry its AUTH parameter.
        require_tls: REQUIRETLS is offered.
    """

    hostname: str
    message_bytes: int
    auth: bool = False
    require_tls: bool = False


def parse_hello(argument: bytes) -> str | Refusal:
    """Return the name that a client gives itself, as printable ASCII without spaces.

    Source: RFC 5321 section 4.1.1.1; reliability.md A13.
    """
    name = argument.strip(b" ")
    if not 0 < len(name) <= HELLO_MAX_BYTES or not all(32 < byte < 127 for byte in name):
        return _syntax("EHLO takes one host name of printable ASCII")
    return name.decode("ascii")


def parse_mail(argument: bytes, grammar: Grammar) -> MailFrom | Refusal:
    """Return the sender and the options of ``MAIL FROM:<path> [parameters]``.

    Source: RFC 5321 section 4.1.1.2; RFC 1870; RFC 6152; RFC 6531; RFC 3461 section 4.3 and 4.4; RFC 8689.
    """
    split = _split_path(argument, b"FROM:")
    if isinstance(split, Refusal):
        return split
    path, rest = split
    options = MailOptions()
    if rest:
        parsed = _mail_options(rest, grammar)
        if isinstance(parsed, Refusal):
            return parsed
        options = parsed
    if not path:
        return MailFrom(None, options)
    sender = _parse_path(path, utf8=options.smtputf8, hostname=grammar.hostname)
    return sender if isinstance(sender, Refusal) else MailFrom(sender, options)


def parse_rcpt(argument: bytes, grammar: Grammar, *, utf8: bool) -> RcptTo | Refusal:
    """Return the recipient of ``RCPT TO:<path> [parameters]``.

    Args:
        utf8: SMTPUTF8 was given with MAIL.

    Source: RFC 5321 section 4.1.1.3; RFC 3461 section 4.1 and 4.2.
    """
    split = _split_path(argument, b"TO:")
    if isinstance(split, Refusal):
        return split
    path, rest = split
    address = _parse_path(path, utf8=utf8, hostname=grammar.hostname)
    if isinstance(address, Refusal):
        return address
    recipient = Recipient(address)
    if rest:
        changed = _rcpt_options(rest, recipient)
        if isinstance(changed, Refusal):
            return changed
        recipient = changed
    return RcptTo(recipient)


def _split_path(argument: bytes, keyword: bytes) -> tuple[bytes, bytes] | Refusal:
    usage = f"Syntax: {'MAIL' if keyword == b'FROM:' else 'RCPT'} {keyword.decode()}<address>"
    if argument[: len(keyword)].upper() != keyword:
        return _syntax(usage)
    text = argument[len(keyword) :].lstrip(b" ")
    if text[:1] != b"<":
        return _syntax(usage)
    end = text.find(b">") if b'"' not in text else _path_end(text)
    if end < 0 or text[end + 1 : end + 2] not in {b"", b" "}:
        return _syntax(usage)
    return text[1:end], text[end + 1 :].strip(b" ")


def _path_end(text: bytes) -> int:
    """Return the place of the ``>`` that closes the path, outside of quotes, or -1."""
    quoted = False
    escaped = False
    for place, byte in enumerate(text):
        if escaped:
            escaped = False
        elif quoted and byte == 0x5C:
            escaped = True
        elif byte == 0x22:
            quoted = not quoted
        elif byte == 0x3E and not quoted:
            return place
    return -1


def _parse_path(path: bytes, *, utf8: bool, hostname: str) -> Address | Refusal:
    if path[:1] == b"@":
        return _bad_address("Source routes are not accepted")
    if path.lower() == b"postmaster":
        return Address("postmaster", hostname)
    try:
        text = path.decode("utf-8")
    except UnicodeDecodeError:
        return _bad_address("Address is neither ASCII nor UTF-8")
    if not utf8 and not text.isascii():
        return Refusal(Kind.UTF8_REQUIRED, "address", "Address needs SMTPUTF8, which MAIL did not ask for")
    try:
        return parse_address(text)
    except TheirProtocolError:
        # What was typed stays out: it may be a patient's number, and the detail goes into the audit (law 4).
        return _bad_address("Address is not local-part@listed.domain")


def _parameters(rest: bytes) -> list[tuple[bytes, bytes | None]] | Refusal:
    found: dict[bytes, bytes | None] = {}
    words = rest.split()
    if len(words) > PARAMETERS_MAX:
        return _syntax("Too many parameters")
    for word in words:
        name, equals, value = word.partition(b"=")
        name = name.upper()
        if name in found:
            return _syntax("Parameter given twice")
        found[name] = value if equals else None
    return list(found.items())


def _mail_options(rest: bytes, grammar: Grammar) -> MailOptions | Refusal:
    parameters = _parameters(rest)
    if isinstance(parameters, Refusal):
        return parameters
    fields: dict[str, Any] = {}
    for name, value in parameters:
        parse = _MAIL_PARAMETERS.get(name)
        refusal = _unknown_parameter() if parse is None else parse(value, fields, grammar)
        if refusal is not None:
            return refusal
    return MailOptions(**fields)


def _mail_size(value: bytes | None, fields: dict[str, Any], grammar: Grammar) -> Refusal | None:
    if not value or not value.isdigit() or len(value) > SIZE_MAX_DIGITS:
        return _syntax("SIZE takes a number of bytes")
    size = int(value)
    if size > grammar.message_bytes:
        limit = f"Message is larger than the limit of {grammar.message_bytes} bytes"
        return Refusal(Kind.MESSAGE_TOO_BIG, "message-size", limit)
    fields["size_bytes"] = size
    return None


def _mail_body(value: bytes | None, fields: dict[str, Any], _grammar: Grammar) -> Refusal | None:
    body = (value or b"").upper()
    fields["eight_bit"] = body == b"8BITMIME"
    return None if body in {b"7BIT", b"8BITMIME"} else _syntax("BODY takes 7BIT or 8BITMIME")


def _mail_utf8(value: bytes | None, fields: dict[str, Any], _grammar: Grammar) -> Refusal | None:
    fields["smtputf8"] = True
    return None if value is None else _syntax("SMTPUTF8 takes no value")


def _mail_envid(value: bytes | None, fields: dict[str, Any], _grammar: Grammar) -> Refusal | None:
    decoded = decode_xtext(value or b"") if len(value or b"") <= ENVELOPE_ID_MAX_BYTES else None
    fields["envelope_id"] = decoded
    return (
        None
        if decoded and decoded.isprintable()
        else _syntax(f"ENVID takes 1 to {ENVELOPE_ID_MAX_BYTES} bytes of xtext")
    )


def _mail_ret(value: bytes | None, fields: dict[str, Any], _grammar: Grammar) -> Refusal | None:
    fields["ret"] = {b"FULL": Return.FULL, b"HDRS": Return.HEADERS}.get((value or b"").upper())
    return None if fields["ret"] else _syntax("RET takes FULL or HDRS")


def _mail_require_tls(value: bytes | None, fields: dict[str, Any], grammar: Grammar) -> Refusal | None:
    if not grammar.require_tls:
        return _unknown_parameter()
    fields["require_tls"] = True
    return None if value is None else _syntax("REQUIRETLS takes no value")


def _mail_auth(value: bytes | None, _fields: dict[str, Any], grammar: Grammar) -> Refusal | None:
    # Checked, then left out: who submits is known from the sign-in alone (RFC 4954 section 5 allows to ignore it).
    if not grammar.auth:
        return _unknown_parameter()
    return None if value and decode_xtext(value) is not None else _syntax("AUTH takes xtext")


_MailParameter = Callable[[bytes | None, dict[str, Any], Grammar], Refusal | None]
_MAIL_PARAMETERS: Final[Mapping[bytes, _MailParameter]] = MappingProxyType(
    {
        b"SIZE": _mail_size,
        b"BODY": _mail_body,
        b"SMTPUTF8": _mail_utf8,
        b"ENVID": _mail_envid,
        b"RET": _mail_ret,
        b"REQUIRETLS": _mail_require_tls,
        b"AUTH": _mail_auth,
    }
)


def _rcpt_options(rest: bytes, recipient: Recipient) -> Recipient | Refusal:
    parameters = _parameters(rest)
    if isinstance(parameters, Refusal):
        return parameters
    for name, value in parameters:
        if name == b"NOTIFY":
            notify = _notify(value or b"")
            if notify is None:
                return _syntax("NOTIFY takes NEVER, or a list of SUCCESS, FAILURE, DELAY")
            recipient = replace(recipient, notify=notify)
        elif name == b"ORCPT":
            original = decode_original(value or b"")
            if original is None:
                return _syntax("ORCPT takes type;address in xtext, 500 bytes at most")
            recipient = replace(recipient, original=original)
        else:
            return _unknown_parameter()
    return recipient


def _notify(value: bytes) -> Notify | None:
    """Return what NOTIFY asks for, or None when it is malformed.

    Source: RFC 3461 section 4.1 (NEVER stands alone).
    """
    if value.upper() == b"NEVER":
        return Notify.NEVER
    wanted = Notify.NEVER
    for word in value.upper().split(b","):
        if word not in _NOTIFY:
            return None
        wanted |= _NOTIFY[word]
    return wanted


def notify_words(notify: Notify) -> str | None:
    """Return the value of NOTIFY for these wishes, or None when the default says the same.

    Source: RFC 3461 section 4.1.
    """
    if notify == DEFAULT_NOTIFY:
        return None
    return ",".join(word.decode() for word, flag in _NOTIFY.items() if flag in notify) or "NEVER"


def _syntax(public: str) -> Refusal:
    return Refusal(Kind.SYNTAX, "syntax", public)


def _bad_address(public: str) -> Refusal:
    return Refusal(Kind.ADDRESS_SYNTAX, "address", public)


def _unknown_parameter() -> Refusal:
    return Refusal(Kind.PARAMETER_UNKNOWN, "parameter", "Parameter is not supported or not offered here")
