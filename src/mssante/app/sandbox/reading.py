"""The view of a mail program: the GP opens his box by IMAP, reads the letter, marks it, and his telephone hears of it.

Done with Python's own imaplib, as a program of a third party would; nothing of ours but the server is used.
"""

import asyncio
import imaplib
import ssl
import time
from dataclasses import dataclass
from typing import Final

from mssante.app.sandbox.layout import Layout
from mssante.app.sandbox.letters import Letter, user_context
from mssante.app.sandbox.pki import LOOPBACK
from mssante.app.sandbox.stores import SandboxAccount
from mssante.model.errors import LinkError
from mssante.wire.mime.words import decode_words

IMAP_SECONDS: Final = 30
FLAG: Final = "\\Flagged"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the program, and how long it took.

    Attributes:
        name: "signed-in", "listed", "read", "flagged" or "heard".
        text: what came of it, in French.
    """

    name: str
    text: str
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Opened:
    """What the program saw.

    Attributes:
        user: who signed in.
        folders: names as sent, special uses included.
        is_whole: the letter came with every byte that was sent.
        is_heard: the second session was told of the flag.
    """

    user: str
    folders: tuple[str, ...]
    steps: tuple[Step, ...]
    is_whole: bool
    is_heard: bool

    @property
    def as_expected(self) -> bool:
        """Tell whether everything worked."""
        return self.is_whole and self.is_heard and bool(self.folders)


async def open_box(layout: Layout, account: SandboxAccount, letter: Letter) -> Opened:
    """Open the account's box with two sessions, read that letter, and mark it.

    Raises:
        LinkError: the operator did not let the program do it.
    """
    return await asyncio.to_thread(_open_box, layout, account, letter)


def _open_box(layout: Layout, account: SandboxAccount, letter: Letter) -> Opened:
    port = layout.operator_of(account.address.domain).ports.imap
    context = user_context(layout, account)
    try:
        began = time.perf_counter()
        with _session(port, context, account) as desk, _session(port, context, account) as phone:
            watch = _Watch(began)
            watch.note("signed-in", "deux sessions ouvertes (STARTTLS, mot de passe d'application)")
            folders = tuple(_name(line) for line in _good(desk.list())[1])
            watch.note("listed", ", ".join(folders))
            _good(desk.select("INBOX"))
            _good(phone.select("INBOX"))
            number = _good(desk.search(None, "HEADER", "Message-ID", f"<{letter.message_id}>"))[1][0].decode()
            whole = _good(desk.fetch(number, "(BODY.PEEK[])"))[1][0][1]
            watch.note("read", f"« {_subject(whole)} », {len(whole)} octets")
            phone.send(b"attend IDLE\r\n")
            phone.readline()
            watch.restart()
            _good(desk.store(number, "+FLAGS", FLAG))
            watch.note("flagged", "marquée comme importante")
            heard = FLAG.encode() in phone.readline()
            watch.note("heard", "l'autre session l'apprend (IDLE)")
            phone.send(b"DONE\r\n")
            phone.readline()
    except (OSError, imaplib.IMAP4.error) as error:
        msg = f"the operator of {account.address.domain} did not open the box: {error}"
        raise LinkError(msg) from error
    return Opened(account.user, folders, tuple(watch.steps), whole.endswith(letter.data), heard)


def _session(port: int, context: ssl.SSLContext, account: SandboxAccount) -> imaplib.IMAP4:
    client = imaplib.IMAP4(LOOPBACK, port, timeout=IMAP_SECONDS)
    client.starttls(context)
    client.login(account.user, account.password)
    return client


def _good(answer: tuple[str, list]) -> tuple[str, list]:  # type: ignore[type-arg]  # as imaplib is typed
    if answer[0] != "OK":
        msg = str(answer)
        raise imaplib.IMAP4.error(msg)
    return answer


def _name(line: bytes) -> str:
    """Return the name of a folder, with what it is for."""
    head, _, name = line.decode("ascii").rpartition(' "/" ')
    use = next((word for word in head.strip("()").split() if word in _USES), "")
    return _USES.get(use, name.strip('"'))


_USES: Final = {"\\Sent": "Envoyés", "\\Drafts": "Brouillons", "\\Trash": "Corbeille", "\\Junk": "Indésirables"}


def _subject(letter: bytes) -> str:
    head = letter.partition(b"\r\n\r\n")[0].decode("ascii", "replace").replace("\r\n ", " ")
    lines = (line for line in head.split("\r\n") if line.lower().startswith("subject: "))
    return decode_words(next(lines, "subject: ")[9:])


class _Watch:
    """Times the steps."""

    def __init__(self, began: float) -> None:
        self._last = began
        self.steps: list[Step] = []

    def restart(self) -> None:
        self._last = time.perf_counter()

    def note(self, name: str, text: str) -> None:
        now = time.perf_counter()
        self.steps.append(Step(name, text, (now - self._last) * 1000))
        if name != "flagged":
            # The time of "heard" counts from the moment the flag was asked for.
            self._last = now
