"""A renewed certificate is shown at the next handshake of an HTTPS door; a bad file leaves the old one in force.

Source: reliability.md H20.
"""

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvloop
from fhir_https import written
from forge import DAY, Issued, Order, authority_name, issue, server_name
from standins import KeptLog
from starlette.applications import Starlette

from mssante.doors.directory.peer import CertificateProtocol
from mssante.doors.net.client_certificates import ClientCertificates
from mssante.doors.net.https import open_door

NOW = datetime.now(UTC)
DATES = {"not_before": NOW - DAY, "not_after": NOW + DAY}
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
ROOT = issue(Order(subject=authority_name("TEST AC"), key_name="root", authority=True, sign_usage=True, **DATES))
OLD, NEW = (issue(Order(dns=("localhost",), key_name=name, **DATES), ROOT) for name in ("old", "new"))


class Renewals:
    """A door whose certificate files are changed while it is open."""

    def __init__(self, folder: Path, *, asks: bool) -> None:
        self.log = KeptLog()
        self.folder = folder
        self.files = written(folder, "server", OLD)
        root = written(folder, "root", ROOT).chain
        clients = ClientCertificates((root,), CertificateProtocol, lambda _refusal: None) if asks else None
        self.opened = open_door(
            Starlette(),
            host="127.0.0.1",
            port=0,
            certificate=self.files.chain,
            key=self.files.key,
            section="directory",
            clients=clients,
            log=self.log,
        )

    def put(self, certificate: Issued, key: Issued) -> None:
        """Write new files in the place of the old ones, as a renewal does."""
        made = written(self.folder, "made", certificate)
        made.chain.rename(self.files.chain)
        written(self.folder, "made", key).key.rename(self.files.key)

    def events(self) -> list[str]:
        return [event for _level, event, _facts in self.log.lines]


async def shown(port: int, folder: Path, name: str | None, most: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> bytes:
    """Return the certificate that the door shows."""
    context = ssl.create_default_context(cafile=str(folder / "root.pem"))
    context.maximum_version = most
    if name is None:
        context.check_hostname = False
    _reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name or "127.0.0.1")
    try:
        found: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return found
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def asked(port: int, context: ssl.SSLContext) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
    try:
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return await reader.read()
    finally:
        writer.close()


async def renewed(folder: Path, name: str | None, *, asks: bool, most: ssl.TLSVersion) -> None:
    door = Renewals(folder, asks=asks)
    async with door.opened as port:
        assert await shown(port, folder, name, most) == OLD.der
        assert door.events() == []
        door.put(NEW, NEW)
        assert await shown(port, folder, name, most) == NEW.der
        assert await shown(port, folder, name, most) == NEW.der
        assert door.events() == ["certificate-loaded"]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("name", ["localhost", None])
@pytest.mark.parametrize("asks", [True, False])
@pytest.mark.parametrize("most", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_renewed_certificate_is_shown_at_the_next_handshake(
    tmp_path: Path,
    loop: Callable[[], asyncio.AbstractEventLoop],
    name: str | None,
    most: ssl.TLSVersion,
    *,
    asks: bool,
) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(renewed(tmp_path, name, asks=asks, most=most))


async def test_files_that_cannot_be_used_leave_the_old_ones_in_force_and_are_told_of_once(tmp_path: Path) -> None:
    door = Renewals(tmp_path, asks=False)
    async with door.opened as port:
        for break_it in (
            lambda: door.put(NEW, OLD),
            lambda: door.files.chain.write_bytes(b"not a certificate"),
            door.files.chain.unlink,
        ):
            door.log.lines.clear()
            break_it()
            for _ in range(2):
                assert await shown(port, tmp_path, "localhost") == OLD.der
            assert door.events() == ["certificate-not-loaded"]
        door.put(NEW, NEW)
        assert await shown(port, tmp_path, "localhost") == NEW.der


async def test_renewed_authorities_count_at_the_next_handshake(tmp_path: Path) -> None:
    other = issue(Order(subject=authority_name("AUTRE"), key_name="o", authority=True, sign_usage=True, **DATES))
    files = written(tmp_path, "client", issue(Order(subject=server_name("DPI"), key_name="x", **DATES), other))
    door = Renewals(tmp_path, asks=True)
    async with door.opened as port:
        context = ssl.create_default_context(cafile=str(tmp_path / "root.pem"))
        context.load_cert_chain(files.chain, files.key)
        with pytest.raises(ssl.SSLError, match=r"(?i)unknown.ca"):
            await asked(port, context)
        written(tmp_path, "root", other)
        assert b"404" in await asked(port, context)


async def test_a_door_that_asks_for_certificates_still_does_after_a_renewal(tmp_path: Path) -> None:
    stranger = issue(Order(subject=server_name("INCONNU"), key_name="x", **DATES))
    door = Renewals(tmp_path, asks=True)
    async with door.opened as port:
        door.put(NEW, NEW)
        context = ssl.create_default_context(cafile=str(tmp_path / "root.pem"))
        files = written(tmp_path, "client", stranger)
        context.load_cert_chain(files.chain, files.key)
        with pytest.raises(ssl.SSLError, match=r"(?i)unknown.ca"):
            await asked(port, context)
