"""Search filters as text: read, and built with escapes so that what somebody typed stays one value.

Source: RFC 4515 section 3; reliability.md D08.
"""

import re
from typing import Final

from mssante.model.errors import TheirProtocolError
from mssante.wire.ldap.filters import (
    APPROX,
    EQUAL,
    GREATER,
    LESS,
    And,
    Comparison,
    Counter,
    Extensible,
    Filter,
    FilterLimits,
    Not,
    Or,
    Present,
    Substrings,
)

TEXT_MAX_CHARS: Final = 16 * 1024
_SIGNS: Final = {EQUAL: "=", GREATER: ">=", LESS: "<=", APPROX: "~="}
_TAGS: Final = {">": GREATER, "<": LESS, "~": APPROX, "": EQUAL}
_ATTRIBUTE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-]*(?:;[A-Za-z0-9\-]+)*")
_RULE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-]*")
_ESCAPE: Final = re.compile(rb"\\([0-9A-Fa-f]{2})?")
# What RFC 4515 asks for, and control characters and bytes above ASCII, which not every eye sees.
_TO_ESCAPE: Final = re.compile(rb"[\x00-\x1f()*\\\x7f-\xff]")


def parse_filter(text: str, limits: FilterLimits = FilterLimits()) -> Filter:  # noqa: B008 - a frozen value
    """Return the filter that the text writes, as `ldapsearch` takes it; parentheses around it may be left out.

    Raises:
        TheirProtocolError: it is no filter.
        FilterTooLargeError: it is deeper or longer than the limits.
    """
    if len(text) > TEXT_MAX_CHARS:
        msg = f"filter is longer than {TEXT_MAX_CHARS} characters"
        raise TheirProtocolError(msg)
    parser = _Parser(text if text.startswith("(") else f"({text})", Counter(limits))
    found = parser.filter(1)
    parser.end()
    return found


class _Parser:
    """A place in the text; goes forward only."""

    def __init__(self, text: str, counter: Counter) -> None:
        self._text = text
        self._at = 0
        self._counter = counter

    def _need(self, wanted: str, *, found: bool) -> None:
        if not found:
            msg = f"filter: expected {wanted} at character {self._at + 1}"
            raise TheirProtocolError(msg)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _char(self, char: str) -> None:
        self._need(repr(char), found=self._peek() == char)
        self._at += 1

    def end(self) -> None:
        self._need("the end", found=self._at == len(self._text))

    def filter(self, depth: int) -> Filter:
        self._counter.part(depth)
        self._char("(")
        sign = self._peek()
        if sign and sign in "&|!":
            self._at += 1
            found = self._composed(sign, depth)
        else:
            found = self._item()
        self._char(")")
        return found

    def _composed(self, sign: str, depth: int) -> Filter:
        if sign == "!":
            return Not(self.filter(depth + 1))
        parts: list[Filter] = []
        while self._peek() == "(":
            parts.append(self.filter(depth + 1))
        return And(tuple(parts)) if sign == "&" else Or(tuple(parts))

    def _item(self) -> Filter:
        equals = self._text.find("=", self._at)
        # A parenthesis in a value is always escaped: the next one ends the item.
        stop = self._text.find(")", self._at)
        self._need("an attribute, a sign and a value", found=0 <= equals < stop)
        left, raw = self._text[self._at : equals], self._text[equals + 1 : stop]
        self._need("a value without bare parenthesis", found="(" not in raw)
        found = self._extensible(left, raw) if left.endswith(":") else self._simple(left, raw)
        self._at = stop
        return found

    def _simple(self, left: str, raw: str) -> Filter:
        sign = left[-1:] if left[-1:] in {">", "<", "~"} else ""
        attribute = left[:-1] if sign else left
        self._need("the name of an attribute", found=_ATTRIBUTE.fullmatch(attribute) is not None)
        if sign or "*" not in raw:
            return Comparison(_TAGS[sign], attribute, self._value(raw))
        if raw == "*":
            return Present(attribute)
        first, *middle, last = raw.split("*")
        for _ in middle:
            self._counter.part(0)
        # Between two stars that touch stands nothing to look for.
        pieces = tuple(self._value(piece) for piece in middle if piece)
        if not (first or pieces or last):
            return Present(attribute)
        return Substrings(attribute, self._value(first) if first else None, pieces, self._value(last) if last else None)

    def _extensible(self, left: str, raw: str) -> Filter:
        attribute, *words = left[:-1].split(":")
        dn_attributes = bool(words) and words[0].lower() == "dn"
        rest = words[1:] if dn_attributes else words
        rule = rest[0] if rest else ""
        is_named = bool(attribute or rule) and (not attribute or _ATTRIBUTE.fullmatch(attribute) is not None)
        self._need("attribute:dn:rule", found=is_named and len(rest) < 2)
        self._need("the name of a rule", found=not rest or _RULE.fullmatch(rule) is not None)
        return Extensible(rule, attribute, self._value(raw), dn_attributes)

    def _value(self, raw: str) -> bytes:
        self._need("a value without bare star", found="*" not in raw)
        try:
            data = raw.encode()
        except UnicodeEncodeError as error:
            msg = "filter: a value is not Unicode text"
            raise TheirProtocolError(msg) from error
        return _ESCAPE.sub(self._unescaped, data) if b"\\" in data else data

    def _unescaped(self, found: re.Match[bytes]) -> bytes:
        self._need("two hexadecimal digits behind a backslash", found=found[1] is not None)
        return bytes.fromhex(found[1].decode())


def escape(value: bytes) -> str:
    """Return a value as it stands in a filter: whatever it holds, it is read back as this one value."""
    return _TO_ESCAPE.sub(lambda found: b"\\%02x" % found[0][0], value).decode("ascii")


def build_filter(wanted: Filter) -> str:
    """Return the text of a filter; `parse_filter` gives it back.

    Raises:
        TheirProtocolError: an attribute or a rule has a name that no filter can write.
    """
    match wanted:
        case And(parts):
            return f"(&{''.join(build_filter(part) for part in parts)})"
        case Or(parts):
            return f"(|{''.join(build_filter(part) for part in parts)})"
        case Not(part):
            return f"(!{build_filter(part)})"
        case Comparison(tag, attribute, value):
            return f"({_name(attribute)}{_SIGNS[tag]}{escape(value)})"
        case Present(attribute):
            return f"({_name(attribute)}=*)"
        case Substrings(attribute, initial, middle, final):
            pieces = [initial or b"", *(piece for piece in middle if piece), final or b""]
            return f"({_name(attribute)}={'*'.join(escape(piece) for piece in pieces)})"
        case Extensible(rule, attribute, value, dn_attributes):
            left = _name(attribute) if attribute else ""
            dn, by = ":dn" if dn_attributes else "", f":{_rule(rule)}" if rule else ""
            return f"({left}{dn}{by}:={escape(value)})"


def _name(attribute: str) -> str:
    if not _ATTRIBUTE.fullmatch(attribute):
        msg = f"attribute {attribute[:40]!r} is no name"
        raise TheirProtocolError(msg)
    return attribute


def _rule(rule: str) -> str:
    # A rule of this name would be read as the flag.
    if not _RULE.fullmatch(rule) or rule.lower() == "dn":
        msg = f"matching rule {rule[:40]!r} is no name"
        raise TheirProtocolError(msg)
    return rule
