"""The certificate of an HTTPS door, and whose it takes, read again when files change; bad ones leave the old in force.

Not for the doors that hold their TLS themselves: those ask `mssante.app.contexts`.

Source: reliability.md H20.
"""

import ssl
from pathlib import Path
from typing import Final

from mssante.doors.net.client_certificates import ClientCertificates, ask_for_certificates
from mssante.model.log import Log

_Stamp = tuple[tuple[int, int, int] | None, ...]
_SHOWN_CHARS: Final = 300


class OwnCertificate:
    """Certificate, key and authorities of one door. Guards those that are in force."""

    def __init__(
        self, certificate: Path, key: Path, clients: ClientCertificates | None, *, section: str, log: Log | None
    ) -> None:
        """Read them.

        Args:
            clients: asks for their certificates; None: does not.
            section: of the configuration, as the door is called in the log.

        Raises:
            OSError: they cannot be read, or do not go together.
        """
        self._pair = (certificate, key)
        self._clients = clients
        self._files = (certificate, key, *(() if clients is None else clients.authorities))
        self._section = section
        self._log = log
        self._stamp = self._read_stamp()
        self._context = self._load()

    def show(self, context: ssl.SSLContext) -> None:
        """Have what is in force count at each handshake with that context, and not what was loaded into it."""
        if self._clients is not None:
            ask_for_certificates(context, self._clients)
        context.sni_callback = self._choose

    def _choose(self, session: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _context: ssl.SSLContext) -> None:
        self.look()
        session.context = self._context

    def look(self) -> None:
        """Read the files when they have changed."""
        stamp = self._read_stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._context = self._load()
        except (OSError, ValueError) as error:
            if self._log is not None:
                said = str(error)[:_SHOWN_CHARS]
                self._log.error("certificate-not-loaded", door=self._section, file=str(self._files[0]), error=said)
        else:
            if self._log is not None:
                self._log.info("certificate-loaded", door=self._section, file=str(self._files[0]))

    def _load(self) -> ssl.SSLContext:
        """Return a context with the pair and the authorities; all else stays as the handshake began."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate, key = self._pair
        # Without a password an encrypted key is an error, and not a question to a terminal.
        context.load_cert_chain(certificate, key, password="")
        return context if self._clients is None else ask_for_certificates(context, self._clients)

    def _read_stamp(self) -> _Stamp:
        return tuple(_changed(file) for file in self._files)


def _changed(file: Path) -> tuple[int, int, int] | None:
    """Return what tells one state of a file from another; None while it is not there, as in the middle of a renewal."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
