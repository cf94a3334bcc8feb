"""A private Dovecot: LMTP on a socket into Maildir, flushed (``mail_fsync = always``), no other service."""

import contextlib
from pathlib import Path
from typing import Final

from bench.load import mailbox
from bench.peers.dovecot_process import DovecotProcess

_CONFIG: Final = """\
protocols = lmtp
ssl = no
mail_location = maildir:~/Maildir
"""


class Dovecot:
    """The delivery half of the usual pair."""

    def __init__(self, folder: Path, mailboxes: int) -> None:
        self._process = DovecotProcess(folder)
        self._names = tuple(mailbox(number).partition("@")[0] for number in range(mailboxes))

    @property
    def socket(self) -> Path:
        """Return the LMTP socket."""
        return self._process.lmtp

    def running(self) -> contextlib.AbstractContextManager[None]:
        """Start it in the folder, which must be empty; stop it at the end."""
        return self._process.running(_CONFIG)

    def roots(self) -> tuple[int, ...]:
        """Return the process id of its master."""
        return self._process.roots()

    def visible(self) -> int:
        """Return the messages in ``new`` and ``cur`` of all mailboxes: what any IMAP reader sees at its next look."""
        boxes = self._process.boxes
        return sum(_files(boxes / name / "Maildir" / part) for name in self._names for part in ("new", "cur"))


def _files(folder: Path) -> int:
    try:
        return sum(1 for _ in folder.iterdir())
    except FileNotFoundError:
        return 0
