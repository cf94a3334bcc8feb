"""A private Dovecot: LMTP on a socket into Maildir, flushed (``mail_fsync = always``), no other service."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench import procs
from bench.load import mailbox

_CONFIG: Final = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = lmtp
ssl = no
mail_location = maildir:~/Maildir
mail_fsync = always
first_valid_uid = 1
auth_mechanisms = plain
auth_username_format = %n
lmtp_save_to_detail_mailbox = no
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/boxes/%n allow_all_users=yes
}}
service lmtp {{
  unix_listener {folder}/lmtp {{
    mode = 0666
  }}
  process_min_avail = 4
}}
"""


class Dovecot:
    """The delivery half of the usual pair."""

    def __init__(self, folder: Path, mailboxes: int) -> None:
        self._folder = folder
        self._boxes = folder / "boxes"
        self._names = tuple(mailbox(number).partition("@")[0] for number in range(mailboxes))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        """Return the LMTP socket."""
        return self._folder / "lmtp"

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Start it in the folder, which must be empty; stop it at the end."""
        self._boxes.mkdir(parents=True)
        self._boxes.chmod(0o777)
        config = self._folder / "dovecot.conf"
        config.write_text(_CONFIG.format(folder=self._folder))
        self._process = procs.start(
            ("dovecot", "-F", "-c", config), log=self._folder / "start.log", output=self._folder / "output.log"
        )
        try:
            self._await_socket()
            yield
        finally:
            procs.stop(self._process)
            self._process = None

    def roots(self) -> tuple[int, ...]:
        """Return the process id of its master."""
        return () if self._process is None else (self._process.pid,)

    def visible(self) -> int:
        """Return the messages in ``new`` and ``cur`` of all mailboxes: what any IMAP reader sees at its next look."""
        return sum(_files(self._boxes / name / "Maildir" / part) for name in self._names for part in ("new", "cur"))

    def _await_socket(self) -> None:
        until = time.monotonic() + procs.STOP_SECONDS
        while not self.socket.exists():
            if time.monotonic() > until:
                msg = f"Dovecot did not start, see {self._folder}/dovecot.log and start.log"
                raise RuntimeError(msg)
            time.sleep(0.05)


def _files(folder: Path) -> int:
    try:
        return sum(1 for _ in folder.iterdir())
    except FileNotFoundError:
        return 0
