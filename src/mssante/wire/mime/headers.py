"""The header block of a message: found, counted, summarised; on the path of every message that comes in.

Not for bodies and their parts, and never for changing a message: received bytes are stored untouched (law 9).
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from mssante.model.address import Address
from mssante.model.decision import Kind, Refusal
from mssante.model.message import Summary
from mssante.wire.mime.addresses import parse_addresses
from mssante.wire.mime.words import decode_words, one_line

SUBJECT_MAX_CHARS: Final = 998
VALUE_MAX_BYTES: Final = 16 * 1024
FROM_MAX: Final = 100
PRESENT_MAX: Final = 1000
NATIONAL: Final = frozenset({"x-mss-nil", "x-mss-codecda", "x-mss-ins", "x-mss-mes"})

_KEPT: Final = NATIONAL | {"message-id", "subject", "date", "reply-to"}
_NAME_CACHED_BYTES: Final = 40
_NAME_CHARS: Final = bytes(code for code in range(33, 127) if code != ord(":"))
_BLANKS: Final = (b" ", b"\t")


def split_header(data: bytes, limit: int) -> int:
    """Return where the body begins, after the empty line; -1 when there is no empty line before the limit.

    Args:
        data: the beginning of a message; lines end with CRLF, or LF in files that people import.
        limit: number of bytes that are looked at.

    Source: RFC 5322 section 2.1.
    """
    if data.startswith((b"\r\n", b"\n")):
        return 2 if data[0] == 13 else 1
    crlf = data.find(b"\n\r\n", 0, limit)
    plain = data.find(b"\n\n", 0, limit if crlf < 0 else crlf + 1)
    if plain >= 0:
        return plain + 2
    return crlf + 3 if crlf >= 0 else -1


def iter_fields(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name of each field and its raw value with its folding, without the last line end.

    Reads up to the empty line or the end. A line that is neither a field nor a continuation is yielded with the name
    b"" and ends the field before it, so that nobody takes it for a part of something. Blanks between name and colon
    (obsolete syntax) are dropped, because other readers see the field too.

    Source: RFC 5322 sections 2.2, 2.2.3 and 4.5.
    """
    name = b""
    value: list[bytes] | None = None
    for line in head.split(b"\n"):
        if value is not None and line.startswith(_BLANKS):
            value.append(line)
            continue
        if value is not None:
            yield name, b"\n".join(value).removesuffix(b"\r")
            value = None
        if line in {b"", b"\r"}:
            return
        raw, colon, rest = line.partition(b":")
        name = raw.rstrip(b" \t")
        if not colon or not _name(name):
            yield b"", line.removesuffix(b"\r")
        else:
            value = [rest]
    if value is not None:
        yield name, b"\n".join(value).removesuffix(b"\r")


def summarize(head: bytes) -> Summary:
    """Return what is kept beside a message, from its header block or its first bytes. Never raises; linear.

    A repeated field counts once, the first one, except From: all its addresses are kept, so that the rules judge them
    all (reliability.md B06).

    Source: RFC 5322 section 3.6; operators.md 2.7; reliability.md C02.
    """
    length = split_header(head, len(head))
    kept: dict[str, bytes] = {}
    names: set[str] = set()
    from_fields: list[bytes] = []
    received = broken = 0
    wanted = ""
    for line in (head if length < 0 else head[:length]).split(b"\n"):
        if line.startswith(_BLANKS):
            if wanted and len(kept[wanted]) < VALUE_MAX_BYTES:
                kept[wanted] += line[:VALUE_MAX_BYTES]
            # A header that begins with the continuation of nothing.
            broken += not names and not broken
            continue
        raw, colon, rest = line.partition(b":")
        name = _known_name(raw) if len(raw) <= _NAME_CACHED_BYTES else _name(raw)
        wanted = ""
        if not colon or not name:
            broken += line not in {b"", b"\r"}
            continue
        if name == "received":
            received += 1
        elif name in _KEPT and name not in kept:
            kept[wanted := name] = rest[:VALUE_MAX_BYTES]
        elif name == "from":
            # The one before is put aside, so that its continuation lines are complete.
            from_fields += [kept[name]] if name in kept else []
            kept[wanted := name] = rest[:VALUE_MAX_BYTES]
        if len(names) < PRESENT_MAX:
            names.add(name)
    from_fields += [kept["from"]] if "from" in kept else []
    return Summary(
        message_id=_message_id(kept.get("message-id", b"")),
        subject=_subject(kept.get("subject", b"")),
        from_addresses=_senders(from_fields),
        from_count=len(from_fields),
        date=_text(kept.get("date", b""))[:SUBJECT_MAX_CHARS],
        received_count=received,
        header_bytes=length if length >= 0 else len(head),
        national={name: _text(kept[name])[:SUBJECT_MAX_CHARS] for name in kept.keys() & NATIONAL},
        present=frozenset(names),
        broken_lines=broken,
        reply_to=_senders([kept["reply-to"]]) if "reply-to" in kept else (),
    )


def _name(raw: bytes) -> str:
    """Return the name of a field in lower case, or "" when it is none; blanks before the colon are obsolete syntax."""
    name = raw.rstrip(b" \t")
    return "" if name.translate(None, _NAME_CHARS) else name.lower().decode()


_known_name = lru_cache(maxsize=1024)(_name)


def _senders(fields: list[bytes]) -> tuple[Address, ...]:
    """Return the addresses of all From fields; none when there is more than we read, so that nothing hides behind."""
    found: list[Address] = []
    for value in fields:
        if len(value) >= VALUE_MAX_BYTES or len(found) > FROM_MAX:
            return ()
        found += [address for _, address in parse_addresses(value)]
    return tuple(found) if len(found) <= FROM_MAX else ()


def _text(value: bytes) -> str:
    """Return a value on one line: unfolded, decoded as UTF-8 whatever it is."""
    if b"\r" in value:
        value = value.replace(b"\r", b"")
    return one_line(value.decode("utf-8", "replace"))


def _subject(value: bytes) -> str:
    text = _text(value)
    if "=?" in text:
        text = one_line(decode_words(text))
    return text[:SUBJECT_MAX_CHARS]


def _message_id(value: bytes) -> str:
    text = _text(value)
    if text.startswith("<"):
        text = text[1:].partition(">")[0]
    return text[:SUBJECT_MAX_CHARS]


class HeaderWatch:
    """Collects the header block while a message comes in, within its limits.

    Feed it each chunk; once `done` it ignores the rest at no cost.
    """

    __slots__ = ("_buffer", "_count_limit", "_limit_bytes", "done", "head", "refusal")

    def __init__(self, *, limit_bytes: int, limit_count: int) -> None:
        """Start before the first byte of a message.

        Args:
            limit_bytes: longest header block.
            limit_count: most fields.
        """
        self._limit_bytes = limit_bytes
        self._count_limit = limit_count
        self._buffer: bytearray | None = None
        self.done = False
        self.head = b""
        self.refusal: Refusal | None = None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes; `head` and `refusal` are set once the empty line or a limit has been met.

        Source: reliability.md C02 (refuse at SMTP).
        """
        if self.done:
            return
        if self._buffer is None:
            offset = split_header(chunk, self._limit_bytes)
            if offset >= 0:
                self._end(chunk[:offset])
                return
            self._buffer = bytearray()
        # The empty line may lie across two chunks: look again at the last two bytes, at all of them when there are few.
        start = max(0, len(self._buffer) - 2)
        self._buffer += chunk[: self._limit_bytes + 4 - len(self._buffer)]
        self._search(start)

    def _search(self, start: int) -> None:
        buffer = self._buffer
        if buffer is None:
            return
        if start < 3 and (buffer.startswith((b"\r\n", b"\n"))):
            self._end(bytes(buffer[: 2 if buffer[0] == 13 else 1]))
            return
        crlf = buffer.find(b"\n\r\n", start, self._limit_bytes)
        plain = buffer.find(b"\n\n", start, self._limit_bytes if crlf < 0 else crlf + 1)
        if plain >= 0:
            self._end(bytes(buffer[: plain + 2]))
        elif crlf >= 0:
            self._end(bytes(buffer[: crlf + 3]))
        elif len(buffer) >= self._limit_bytes:
            self._end(bytes(buffer))
            self.refusal = Refusal(
                Kind.MESSAGE_MALFORMED,
                "header-bytes",
                f"Header longer than {self._limit_bytes} bytes",
                french=f"L'en-tête du message dépasse {self._limit_bytes} octets : mettez moins de destinataires.",
            )

    def finish(self) -> None:
        """Tell that the message has ended: one without an empty line is all header."""
        if not self.done:
            self._end(bytes(self._buffer or b""))

    def _end(self, head: bytes) -> None:
        self.done = True
        self.head = head
        self._buffer = None
        if head.count(b"\n") > self._count_limit:
            fields = head.count(b"\n") - head.count(b"\n ") - head.count(b"\n\t")
            if fields > self._count_limit + 1:
                self.refusal = Refusal(
                    Kind.MESSAGE_MALFORMED,
                    "header-count",
                    f"More than {self._count_limit} header fields",
                    french=f"Le message a plus de {self._count_limit} champs d'en-tête.",
                )
