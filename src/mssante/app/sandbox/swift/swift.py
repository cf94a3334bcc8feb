"""A running object store that speaks S3: OpenStack Swift with three devices and three copies, from Debian's packages.

`open_swift` starts it on free ports of loopback and stops it; in between devices are killed and started again. Nothing
is written outside its folder, nor read from /etc/swift. Not for what is stored there.

No replicator runs: what was written while a device was away stays off it.

Source: libraries.md (distributed engine, note 6).
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mssante.app.sandbox.kept.family import Family, Progress, quietly
from mssante.app.sandbox.swift.layout import (
    BUCKET,
    DEVICES,
    PROXY,
    REGION,
    USER,
    Laid,
    check_attributes,
    check_installed,
    lay_out_swift,
    write,
)
from mssante.model.errors import LinkError
from mssante.model.settings import BlobSettings

if TYPE_CHECKING:
    import httpx2

READY_SECONDS: Final = 90.0
ANSWER_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.1
_BUCKET_MADE: Final = frozenset({201, 202})


class Swift(Family):
    """The programs of a store by name: d1, d2, d3 (the account, container and object servers of a device), proxy."""

    def __init__(self, laid: Laid, client: "httpx2.AsyncClient") -> None:
        """Keep what was laid out; use `open_swift`."""
        super().__init__(laid.orders, None)
        self._laid = laid
        self._client = client

    @property
    def devices(self) -> tuple[str, ...]:
        """Return the names of the devices."""
        return DEVICES

    @property
    def running(self) -> tuple[str, ...]:
        """Return the names of the devices that run now."""
        return tuple(name for name in DEVICES if self._is_running(name))

    def settings(self, folder: Path) -> BlobSettings:
        """Return a section [blobs] for its bucket; the two files of the key are written in the folder."""
        access, secret = folder / "s3-access", folder / "s3-secret"
        write(access, f"{USER}:{USER}\n")
        write(secret, f"{self._laid.key}\n")
        return BlobSettings(
            "s3", endpoint=self._laid.endpoint, bucket=BUCKET, region=REGION, access_key=access, secret_key=secret
        )

    async def start(self, device: str) -> None:
        """Start the servers of a device, or another program, that does not run, and wait until they answer.

        Raises:
            LinkError: they do not within 90 seconds; the text says what they said last.
            MssError: they run already (a bug in the caller).
        """
        await super().start(device)
        await self._until_ready(device)

    async def close(self) -> None:
        """Stop everything."""
        await self.stop(*self._laid.orders)

    async def open(self, progress: Progress = quietly) -> None:
        """Start everything, wait for it and make the bucket. `close` is needed also when this fails."""
        progress(f"Démarrage du stockage objet Swift ({len(DEVICES)} disques, {len(DEVICES)} copies)...")
        for name in self._laid.orders:
            await super().start(name)
        for name in self._laid.orders:
            await self._until_ready(name)
        await self._make_bucket()
        progress(f"Stockage objet prêt : {self._laid.endpoint}/{BUCKET}")

    async def _until_ready(self, name: str) -> None:
        waiting = list(self._laid.looks(name))
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_SECONDS):
                while self._is_running(name):
                    waiting = [one for one in waiting if not await self._answers(one)]
                    if not waiting:
                        return
                    await asyncio.sleep(LOOK_SECONDS)
        state = "ne répond pas" if self._is_running(name) else "s'est arrêté"
        msg = f"Swift : {name} {state} : {self._laid.orders[name].tail()}"
        raise LinkError(msg)

    async def _answers(self, address: str) -> bool:
        import httpx2

        try:
            return (await self._client.get(address)).is_success
        except httpx2.HTTPError:
            return False

    async def _make_bucket(self) -> None:
        """Make the bucket through Swift's own interface, where it is called a container."""
        import httpx2

        given = {"X-Auth-User": f"{USER}:{USER}", "X-Auth-Key": self._laid.key}
        try:
            signed = await self._client.get(f"{self._laid.endpoint}/auth/v1.0", headers=given)
            token = {"X-Auth-Token": signed.headers.get("X-Auth-Token", "")}
            place = f"{self._laid.endpoint}/v1/AUTH_{USER}/{BUCKET}"
            status = (await self._client.put(place, headers=token)).status_code
        except httpx2.HTTPError as error:
            status, why = 0, str(error)
        else:
            why = f"réponse {status}"
        if status not in _BUCKET_MADE:
            msg = f"Swift : le bucket {BUCKET} n'a pas pu être créé ({why}) : {self._laid.orders[PROXY].tail()}"
            raise LinkError(msg)


@asynccontextmanager
async def open_swift(*, folder: Path | None = None, progress: Progress = quietly) -> AsyncIterator[Swift]:
    """Start an object store and give it when it is ready; stop all of it at the end, whatever happens.

    Its programs stop also when this process is killed. They run as ourselves.

    Args:
        folder: empty and ours, stays; None takes a temporary one, which is removed.
        progress: is told, in French, how far it is.

    Raises:
        ConfigError: Debian's packages are not there, or the folder's file system cannot hold a device.
        LinkError: it did not start; the text says what its programs said last.
    """
    import httpx2

    check_installed()
    place = folder or Path(tempfile.mkdtemp(prefix="mssante-swift-"))
    try:
        check_attributes(place)
        laid = await lay_out_swift(place.resolve())
        async with httpx2.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
            swift = Swift(laid, client)
            try:
                await swift.open(progress)
                yield swift
            finally:
                await swift.close()
    finally:
        if folder is None:
            await asyncio.to_thread(shutil.rmtree, place)
