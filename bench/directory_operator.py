"""Our own operator with its LDAP door open, on a directory that was loaded before."""

from pathlib import Path
from typing import Final

from bench.credentials import Credentials
from bench.peers.operator import Operator

# No budget of entries: one account asks more in a minute here than a person does in a year.
_MORE: Final = """
[directory]
folder = "{directory}"
daily_entries = 0

[ldap]
host = "127.0.0.1"
implicit_port = {port}
"""


class DirectoryOperator(Operator):
    """``mssante serve`` as an administrator starts it."""

    def __init__(self, folder: Path, files: Credentials, *, documents: int, directory: Path, port: int) -> None:
        """Name its folder, which is made, the folder of the directory, and the LDAPS port.

        Args:
            documents: port of the white list, which the certificates name too.
        """
        super().__init__(folder, files, documents=documents, mailboxes=1)
        self.ldap_port = port
        self._home = folder
        self._directory = directory

    def sign_in(self) -> tuple[str, str]:
        """Return login and application password of its only account."""
        return self.user(0)

    def _prepare(self) -> None:
        super()._prepare()
        with (self._home / "mssante.toml").open("a") as file:
            file.write(_MORE.format(directory=self._directory, port=self.ldap_port))
