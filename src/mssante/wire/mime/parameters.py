"""Content-Type and Content-Disposition: the word in front and the parameters after it.

Source: RFC 2045 section 5.1; RFC 2183; RFC 2231.
"""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from mssante.wire.mime.words import codec_of, decode_words, one_line

VALUE_MAX_BYTES: Final = 16 * 1024
PARAMETERS_MAX: Final = 100
# Possessive: an unclosed string or comment takes the rest, no step is tried twice.
_PIECE: Final = re.compile(r'"((?:[^"\\]|\\.)*+)(?:"|\\?$)|([^\s;"()]++)|\((?:[^()\\]|\\.)*+\)?|\s++|.', re.DOTALL)
_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)

Parameters = tuple[tuple[str, str], ...]


def parse_parameters(raw: bytes) -> tuple[str, Parameters]:
    """Return the word in front in lower case, and the parameters as written: names in lower case, values unquoted.

    Continuations and charsets of RFC 2231 stay as they are written; `parameter` puts them together.

    Args:
        raw: the value of the field with its folding.
    """
    text = raw[:VALUE_MAX_BYTES].decode("utf-8", "replace").replace("\r", "").replace("\n", "")
    word, semicolon, rest = text.partition(";")
    word = _no_comment(word) if "(" in word else word.strip()
    if not semicolon:
        return word.lower(), ()
    if "(" not in rest and '"' not in rest:
        return word.lower(), _plain(rest)
    return word.lower(), _careful(rest)


def _plain(rest: str) -> Parameters:
    found: list[tuple[str, str]] = []
    for piece in rest.split(";", PARAMETERS_MAX)[:PARAMETERS_MAX]:
        name, equals, value = piece.partition("=")
        name = name.strip()
        if equals and name:
            found.append((name.lower(), value.strip()))
    return tuple(found)


def _careful(rest: str) -> Parameters:
    found: list[tuple[str, str]] = []
    name = ""
    value: list[str] | None = None
    for match in _PIECE.finditer(rest):
        piece = match[0]
        if piece == ";":
            if name and value is not None and len(found) < PARAMETERS_MAX:
                found.append((name, "".join(value)))
            name, value = "", None
        elif match[1] is not None:
            if value is not None:
                value.append(_PAIR.sub(r"\1", match[1]))
        elif match[2] is not None:
            if value is None:
                name, equals, start = (name + piece).partition("=")
                name = name.lower()
                value = [start] if equals else None
            else:
                value.append(piece)
    if name and value is not None and len(found) < PARAMETERS_MAX:
        found.append((name, "".join(value)))
    return tuple(found)


def _no_comment(word: str) -> str:
    return "".join(match[0] for match in _PIECE.finditer(word) if not match[0].startswith("(")).strip()


def parameter(parameters: Parameters, name: str) -> str:
    """Return the value of a parameter, its pieces put together and decoded; "" when it is not there.

    Source: RFC 2231 sections 3 and 4; encoded words in parameters, which some writers make.
    """
    plain = [value for key, value in parameters if key == name]
    if plain:
        return one_line(decode_words(plain[0]))
    pieces = [(key.removeprefix(f"{name}*"), value) for key, value in parameters if key.startswith(f"{name}*")]
    pieces.sort(key=lambda piece: _place(piece[0]))
    if not pieces:
        return ""
    charset = "utf-8"
    raw = bytearray()
    for place, (key, value) in enumerate(pieces):
        if key and not key.endswith("*"):
            raw += value.encode()
        elif place == 0 and value.count("'") >= 2:
            charset, _, text = value.split("'", 2)
            raw += unquote_to_bytes(text)
        else:
            raw += unquote_to_bytes(value)
    return one_line(bytes(raw).decode(codec_of(charset) or "utf-8", "replace"))


def _place(key: str) -> int:
    digits = key.rstrip("*")
    return int(digits) if digits.isdigit() and len(digits) < 4 else 0
