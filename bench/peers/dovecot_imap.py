"""A private Dovecot as an IMAP server: TLS with our certificate, flushed storage, LMTP for deliveries."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench import procs
from bench.credentials import Credentials
from bench.peers.ports import free_ports

# No password check, as the fastest log-in it can give; as many processes as the campaign opens connections.
_CONFIG: Final = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap lmtp
ssl = required
ssl_cert = <{files.server}
ssl_key = <{files.server_key}
ssl_min_protocol = TLSv1.2
mail_location = {storage}
mail_fsync = always
mail_max_userip_connections = 5000
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
service imap-login {{
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
  process_min_avail = 2
  service_count = 0
  client_limit = 5000
}}
service imap {{
  process_limit = 5000
  service_count = 100
}}
service anvil {{
  client_limit = 20000
}}
service auth {{
  client_limit = 20000
}}
service lmtp {{
  unix_listener {folder}/lmtp {{
    mode = 0666
  }}
  process_min_avail = 4
}}
"""
STORAGES: Final = {"sdbox": "sdbox:~/sdbox", "Maildir": "maildir:~/Maildir"}


class DovecotImap:
    """The reading half of the usual pair, with one kind of storage."""

    def __init__(self, folder: Path, files: Credentials, storage: str) -> None:
        """Name its folder, which is made at the start.

        Args:
            folder: its own.
            files: certificates.
            storage: key of `STORAGES`.
        """
        self._folder = folder
        self._files = files
        self._storage = storage
        (self.imap_port,) = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        """Return the name that tables show."""
        return f"Dovecot {self._storage}"

    @property
    def lmtp(self) -> Path:
        """Return the socket that takes deliveries."""
        return self._folder / "lmtp"

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Start it in its folder; stop it at the end."""
        boxes = self._folder / "boxes"
        boxes.mkdir(parents=True, exist_ok=True)
        boxes.chmod(0o777)
        # Left by an earlier run: its being there again says that this one listens.
        self.lmtp.unlink(missing_ok=True)
        config = self._folder / "dovecot.conf"
        config.write_text(
            _CONFIG.format(folder=self._folder, files=self._files, storage=STORAGES[self._storage], port=self.imap_port)
        )
        self._process = procs.start(
            ("dovecot", "-F", "-c", config), log=self._folder / "start.log", output=self._folder / "output.log"
        )
        try:
            until = time.monotonic() + procs.STOP_SECONDS
            while not self.lmtp.exists():
                if time.monotonic() > until:
                    msg = f"Dovecot did not start, see {self._folder}/dovecot.log and start.log"
                    raise RuntimeError(msg)
                time.sleep(0.05)
            yield
        finally:
            procs.stop(self._process)
            self._process = None

    def roots(self) -> tuple[int, ...]:
        """Return the process id of its master."""
        return () if self._process is None else (self._process.pid,)

    def user(self, number: int) -> tuple[str, str]:
        """Return login and password of a mailbox."""
        return f"b{number}", "x"
