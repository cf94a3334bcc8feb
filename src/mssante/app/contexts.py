"""The TLS contexts in force, made again when the certificate files change; a bad file leaves the old ones in force."""

import ssl
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from mssante.app.tls import TlsMaterial, days_left, operator_client, operator_server, read_material, user_server
from mssante.model.errors import ConfigError
from mssante.model.log import Log
from mssante.model.settings import TlsSettings

ALARM_DAYS: Final = (30, 14, 7, 1)


class Contexts:
    """Certificates and contexts of this operator; each handshake asks here."""

    def __init__(self, settings: TlsSettings, *, clock: Callable[[], datetime], log: Log) -> None:
        """Read everything once.

        Raises:
            ConfigError: the start must stop.
        """
        self._settings = settings
        self._clock = clock
        self._log = log
        self._stamp = self._read_stamp()
        self._alarmed: set[int] = set()
        self._load()

    def _load(self) -> None:
        material = read_material(self._settings, now=self._clock())
        server, client = operator_server(self._settings), operator_client(self._settings)
        users = user_server(self._settings)
        self.material: TlsMaterial = material
        self._server, self._client, self._users = server, client, users

    def operator_server(self) -> ssl.SSLContext:
        """Return the context of the door between operators."""
        return self._server

    def operator_client(self) -> ssl.SSLContext:
        """Return the context for sending."""
        return self._client

    def user_server(self) -> ssl.SSLContext:
        """Return the context of the doors for users."""
        return self._users

    def look(self) -> bool:
        """Load the files again when they have changed; tells whether new ones are in force. Alarms before expiry."""
        changed = False
        stamp = self._read_stamp()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._load()
            except ConfigError as error:
                self._log.error("certificate-not-loaded", error=str(error), kept=self.material.own.fingerprint)
            else:
                changed = True
                self._alarmed.clear()
                self._log.info("certificate-loaded", fingerprint=self.material.own.fingerprint)
        self._alarm()
        return changed

    def _alarm(self) -> None:
        left = days_left(self.material.own, self._clock())
        reached = [days for days in ALARM_DAYS if left < days and days not in self._alarmed]
        if reached:
            self._alarmed.update(reached)
            self._log.error("certificate-expires", days_left=left, not_after=str(self.material.own.not_after))

    def _read_stamp(self) -> tuple[float, ...]:
        paths = (self._settings.certificate, self._settings.key, self._settings.anchors, self._settings.intermediates)
        return tuple(_changed_at(path) for path in paths)


def _changed_at(path: Path) -> float:
    """Return when the file changed last; 0 while it is not there, as in the middle of a renewal."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
