"""A private OpenLDAP server (Debian's slapd, mdb) on LDAPS: loaded by ``slapadd``, then asked.

Debian's own service is not used. Anonymous questions, no access rules: the least that it can do for an answer.
"""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench import procs
from bench.credentials import Credentials

SCHEMAS: Final = ("core", "cosine", "inetorgperson")
READY_SECONDS: Final = 60
# Every attribute that questions name is indexed for both kinds of questions; loading flushes once, at its end.
_CONFIG: Final = """\
{schemas}
pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
modulepath /usr/lib/ldap
moduleload back_mdb
threads 16
tool-threads 2
sizelimit 500
idletimeout 0
loglevel 0
TLSCACertificateFile {files.authority}
TLSCertificateFile {files.server}
TLSCertificateKeyFile {files.server_key}
TLSVerifyClient never

database mdb
suffix "{suffix}"
rootdn "cn=admin,{suffix}"
directory {folder}/data
maxsize 34359738368
index objectClass eq
index cn,sn,givenName,mail,title,l,uid eq,sub
access to * by * read
"""


class Slapd:
    """One server in one folder."""

    def __init__(self, folder: Path, files: Credentials, *, port: int, suffix: str) -> None:
        """Write its settings; nothing runs yet.

        Args:
            folder: its own, which is made.
        """
        self.ldap_port = port
        self._folder = folder
        self._config = folder / "slapd.conf"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True)
        schemas = "\n".join(f"include /etc/ldap/schema/{name}.schema" for name in SCHEMAS)
        self._config.write_text(_CONFIG.format(schemas=schemas, folder=folder, files=files, suffix=suffix))

    @property
    def name(self) -> str:
        """Return the name that tables show."""
        return "slapd"

    def sign_in(self) -> tuple[str, str]:
        """Return nobody's name and password."""
        return "", ""

    def empty(self) -> None:
        """Make the folder of the database, with nothing in it."""
        data = self._folder / "data"
        data.mkdir(exist_ok=True)
        for file in data.iterdir():
            file.unlink()

    def loading(self, ldif: Path) -> tuple[str | Path, ...]:
        """Return the command that fills an empty database and its indexes."""
        return ("/usr/sbin/slapadd", "-q", "-f", self._config, "-l", ldif)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Start it, wait until it listens; stop it at the end."""
        command = ("/usr/sbin/slapd", "-d", "0", "-f", self._config, "-h", f"ldaps://127.0.0.1:{self.ldap_port}/")
        log = self._folder / "slapd.log"
        self._process = procs.start(command, log=log, output=self._folder / "output.log")
        try:
            self._await_ready(log)
            yield
        finally:
            procs.stop(self._process)
            self._process = None

    def roots(self) -> tuple[int, ...]:
        """Return its process id."""
        return () if self._process is None else (self._process.pid,)

    def bytes(self) -> int:
        """Return what its database takes on the disk: the file itself is sparse."""
        return sum(file.stat().st_blocks * 512 for file in (self._folder / "data").iterdir())

    def _await_ready(self, log: Path) -> None:
        until = time.monotonic() + READY_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.ldap_port), timeout=1).close()
            except OSError:
                stopped = self._process is None or self._process.poll() is not None
                if stopped or time.monotonic() > until:
                    msg = f"slapd did not start: {log.read_text()[-800:]}"
                    raise RuntimeError(msg) from None
                time.sleep(0.02)
            else:
                return
