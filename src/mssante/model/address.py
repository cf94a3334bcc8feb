"""A mail address as a value: parsed once at the border, passed inward as `Address`.

Not for header fields with display names or comments (see `mssante.wire.mime`), nor for routing (see the white list).
"""

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from mssante.model.errors import TheirProtocolError

LOCAL_MAX_BYTES: Final = 64
DOMAIN_MAX_BYTES: Final = 255
ADDRESS_MAX_BYTES: Final = 254

_ATEXT: Final = r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u0080-\U0010ffff]"
_DOT_ATOM: Final = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*")
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_HOST_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_MATRICULE: Final = re.compile(r"[0-9][0-9AB]{14}", re.IGNORECASE)
CITIZEN_DOMAIN: Final = "patient.mssante.fr"


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox of RFC 5321 section 4.1.2 in canonical form.

    Attributes:
        local: the part before the at sign as given, without quotes.
        domain: lower case, ASCII (A-labels are kept as they are), no trailing dot.
    """

    local: str
    domain: str

    def __str__(self) -> str:
        """Return the address as written in an envelope, quoted when its local part needs it."""
        if _DOT_ATOM.fullmatch(self.local):
            return f"{self.local}@{self.domain}"
        escaped = self.local.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"@{self.domain}'

    @property
    def key(self) -> str:
        """Return the form used to compare and to look up: everything in lower case.

        A character never becomes an ASCII one that it was not: the Kelvin sign is no k (reliability.md B07).
        """
        if self.local.isascii():
            return f"{self.local.lower()}@{self.domain}"
        local = "".join(char if char.lower().isascii() and not char.isascii() else char.lower() for char in self.local)
        return f"{unicodedata.normalize('NFC', local)}@{self.domain}"

    @property
    def is_citizen(self) -> bool:
        """Tell whether the local part is, or may be, a national health identity number.

        Source: operators.md 1.4 (``<INS>@patient.mssante.fr``, 15 characters, Corsica has 2A and 2B).
        """
        return self.domain == CITIZEN_DOMAIN or _MATRICULE.fullmatch(self.local) is not None

    @property
    def is_ascii(self) -> bool:
        """Tell whether the address can be sent without SMTPUTF8."""
        return self.local.isascii()


def parse_domain(text: str) -> str:
    """Return the domain in canonical form: lower case, no trailing dot.

    Raises:
        TheirProtocolError: not a host name of RFC 5321 section 4.1.2; literals and U-labels are refused, because the
            trust space knows only listed ASCII names.
    """
    # Asked before the lower case is taken: the Kelvin sign becomes a plain k.
    if not text.isascii() or not text or len(text) > DOMAIN_MAX_BYTES:
        msg = f"domain {text[:80]!r} is not an ASCII host name of 1 to {DOMAIN_MAX_BYTES} bytes"
        raise TheirProtocolError(msg)
    if not _HOST_NAME.fullmatch(text):
        msg = f"domain {text[:80]!r} has a label that is not a host name of 1 to 63 bytes"
        raise TheirProtocolError(msg)
    return text.lower()


# Three addresses a message are read, nearly always of people met before: 8 us a message without it.
@lru_cache(maxsize=8192)
def parse_address(text: str) -> Address:
    """Return the address that the text is, exactly: no display name, no source route, no comment.

    Args:
        text: ``local@domain``; the local part a dot-atom or a quoted string, with UTF-8 allowed (RFC 6531).

    Raises:
        TheirProtocolError: it is not one such address, or it is longer than the limits of RFC 5321 section 4.5.3.1.

    Source: RFC 5321 section 4.1.2; RFC 6531 section 3.3; reliability.md A12, A14, B07.
    """
    at = text.rfind("@")
    if at < 1:
        msg = f"address {text[:80]!r} has no local part or no at sign"
        raise TheirProtocolError(msg)
    local = _parse_local(text[:at], text)
    if not local.isprintable():
        msg = f"address {text[:80]!r} has control, direction or invisible characters"
        raise TheirProtocolError(msg)
    domain = parse_domain(text[at + 1 :])
    local_bytes = len(local) if local.isascii() else len(local.encode())
    if local_bytes > LOCAL_MAX_BYTES or local_bytes + 1 + len(domain) > ADDRESS_MAX_BYTES:
        msg = f"address {text[:80]!r} is longer than {LOCAL_MAX_BYTES} bytes, then {ADDRESS_MAX_BYTES} in all"
        raise TheirProtocolError(msg)
    return Address(local, domain)


def _parse_local(raw: str, whole: str) -> str:
    if _DOT_ATOM.fullmatch(raw):
        return raw
    if len(raw) >= 3 and raw[0] == raw[-1] == '"':
        return _unquote(raw[1:-1], whole)
    msg = f"address {whole[:80]!r} has a local part that is neither a dot-atom nor a quoted string"
    raise TheirProtocolError(msg)


def _unquote(raw: str, whole: str) -> str:
    out: list[str] = []
    escaped = False
    for char in raw:
        if ord(char) < 32 or ord(char) == 127 or (char == '"' and not escaped):
            break
        if char == "\\" and not escaped:
            escaped = True
            continue
        escaped = False
        out.append(char)
    else:
        if not escaped:
            return "".join(out)
    msg = f"address {whole[:80]!r} has a broken quoted string"
    raise TheirProtocolError(msg)


def for_trace(address: Address | None, key: bytes) -> str:
    """Return the address as logs and the audit may hold it: a citizen's becomes a keyed pseudonym.

    Args:
        address: None is the null sender, written ``<>``.
        key: the operator's own pseudonym key, 16 bytes or more.

    Source: operators.md 1.4 and 7 (no patient identity in traces); decision 0006.
    """
    if address is None:
        return "<>"
    if not address.is_citizen:
        return str(address)
    return f"{_pseudonym(address.key, key)}@{address.domain}"


def login_for_trace(login: str, key: bytes) -> str:
    """Return a login as traces may hold it: an address through `for_trace`, anything else as it is, bounded.

    What is nearly an address (one space too many) and holds what may be a national health identity number is
    a pseudonym too.

    Source: operators.md 7 (no patient identity in traces); decision 0006.
    """
    try:
        return for_trace(parse_address(login), key)
    except TheirProtocolError:
        if "@" in login and _MATRICULE.search(login):
            return _pseudonym(login, key)
        return login[:ADDRESS_MAX_BYTES]


def _pseudonym(text: str, key: bytes) -> str:
    return f"ins-{hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:12]}"
