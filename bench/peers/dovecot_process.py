"""A private Dovecot of any kind: its process, and the settings that all have alike."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench import procs

# No password check, as the fastest log-in it can give; everything is flushed, as ours.
_COMMON: Final = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
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


class DovecotProcess:
    """One run after the other in one folder."""

    def __init__(self, folder: Path) -> None:
        """Name the folder, which is made at the start."""
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def boxes(self) -> Path:
        """Return the folder with one home for each mailbox."""
        return self.folder / "boxes"

    @property
    def lmtp(self) -> Path:
        """Return the socket that takes deliveries."""
        return self.folder / "lmtp"

    @contextlib.contextmanager
    def running(self, own: str) -> Iterator[None]:
        """Start it, wait until it takes deliveries; stop it at the end.

        Args:
            own: settings beside the common ones, as text.
        """
        self.boxes.mkdir(parents=True, exist_ok=True)
        self.boxes.chmod(0o777)
        # Left by an earlier run: its being there again says that this one listens.
        self.lmtp.unlink(missing_ok=True)
        config = self.folder / "dovecot.conf"
        config.write_text(_COMMON.format(folder=self.folder) + own)
        self._process = procs.start(
            ("dovecot", "-F", "-c", config), log=self.folder / "start.log", output=self.folder / "output.log"
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

    def _await_socket(self) -> None:
        until = time.monotonic() + procs.STOP_SECONDS
        while not self.lmtp.exists():
            if time.monotonic() > until:
                msg = f"Dovecot did not start, see {self.folder}/dovecot.log and start.log"
                raise RuntimeError(msg)
            time.sleep(0.05)
