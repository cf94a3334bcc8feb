"""A private Dovecot as an IMAP server: TLS with our certificate, flushed storage, LMTP for deliveries."""

import contextlib
from pathlib import Path
from typing import Final

from bench.credentials import Credentials
from bench.peers.dovecot_process import DovecotProcess
from mssante.app.sandbox.ports import free_ports

# As many processes as the campaign opens connections.
_CONFIG: Final = """\
protocols = imap lmtp
ssl = required
ssl_cert = <{files.server}
ssl_key = <{files.server_key}
ssl_min_protocol = TLSv1.2
mail_location = {storage}
mail_max_userip_connections = 5000
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
        self._process = DovecotProcess(folder)
        self._files = files
        self._storage = storage
        (self.imap_port,) = free_ports(1)

    @property
    def name(self) -> str:
        """Return the name that tables show."""
        return f"Dovecot {self._storage}"

    @property
    def lmtp(self) -> Path:
        """Return the socket that takes deliveries."""
        return self._process.lmtp

    def running(self) -> contextlib.AbstractContextManager[None]:
        """Start it in its folder; stop it at the end."""
        return self._process.running(
            _CONFIG.format(files=self._files, storage=STORAGES[self._storage], port=self.imap_port)
        )

    def roots(self) -> tuple[int, ...]:
        """Return the process id of its master."""
        return self._process.roots()

    def user(self, number: int) -> tuple[str, str]:
        """Return login and password of a mailbox."""
        return f"b{number}", "x"
