"""The ledger that stands outside the server: what was handed over and what was acknowledged, flushed before each step.

Source: reliability.md 3.1.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SENDING = "sending"
ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True)
class Letter:
    """One message as the client knows it; its identifier is its Message-ID."""

    ident: str
    sender: str
    recipients: tuple[str, ...]
    data: bytes


def letter(ident: str, sender: str, recipients: tuple[str, ...], size: int) -> Letter:
    """Return a letter of about that size, its content its own."""
    line = hashlib.sha256(ident.encode()).hexdigest() + "\r\n.pointé\r\n"
    head = (
        f"From: {sender}\r\nTo: {', '.join(recipients)}\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n"
        f"Message-ID: <{ident}>\r\nSubject: essai\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    )
    return Letter(ident, sender, recipients, (head + line * max(1, size // len(line))).encode())


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the ledger."""

    ident: str
    recipient: str
    sha256: str
    size: int
    state: str


@dataclass(frozen=True, slots=True)
class Found:
    """One message in a mailbox: its Message-ID and all its bytes."""

    ident: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the comparison says, each as (identifier, recipient)."""

    lost: tuple[tuple[str, str], ...] = ()
    doubled: tuple[tuple[str, str], ...] = ()
    changed: tuple[tuple[str, str], ...] = ()


class Ledger:
    """A file that only grows, one line per step."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, letter: Letter, state: str) -> None:
        """Write one line per recipient, flushed before anything else happens."""
        digest = hashlib.sha256(letter.data).hexdigest()
        with self.path.open("a") as file:
            for recipient in letter.recipients:
                facts = {"ident": letter.ident, "recipient": recipient, "sha256": digest, "size": len(letter.data)}
                file.write(json.dumps({**facts, "state": state}) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def lines(self) -> list[Line]:
        """Return every line."""
        return [Line(**json.loads(text)) for text in self.path.read_text().splitlines()]

    def judge(self, boxes: Mapping[str, Sequence[Found]]) -> Verdict:
        """Compare with what lies in the mailboxes: address -> messages."""
        lines = self.lines()
        acknowledged = {(line.ident, line.recipient) for line in lines if line.state == ACKNOWLEDGED}
        found = Counter((one.ident, address) for address, held in boxes.items() for one in held)
        return Verdict(
            lost=tuple(sorted(acknowledged - found.keys())),
            doubled=tuple(sorted(key for key, count in found.items() if count > 1)),
            changed=tuple(sorted(_changed(lines, boxes))),
        )


def _changed(lines: Iterable[Line], boxes: Mapping[str, Sequence[Found]]) -> set[tuple[str, str]]:
    """Return what does not end with the bytes handed over; operators add header fields in front only."""
    wanted = {(line.ident, line.recipient): line for line in lines}
    return {
        (one.ident, address)
        for address, held in boxes.items()
        for one in held
        if (line := wanted.get((one.ident, address))) is not None
        and hashlib.sha256(one.data[-line.size :]).hexdigest() != line.sha256
    }
