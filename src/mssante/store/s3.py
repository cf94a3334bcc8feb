"""Large bodies in an object store that speaks S3: sent whole and found there before the transaction that shows them.

A body is spooled on this machine as in `mssante.store.blobs`, then sent under a key made of its hash and of the day on
which it was written. Nodes that send the same body on the same day write the same object. The sweep removes objects of
past days only, to which nobody writes any more: no node can lose an object that another one has just sent. It knows
ours by the whole form of their keys, and leaves everything else in the bucket alone.

Source: libraries.md (distributed engine, note 6); reliability.md H08.
"""

import hashlib
import re
import tempfile
from collections.abc import Callable, Container, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from mssante.model.errors import ConfigError, StoreAwayError, StoreDamagedError, StoreError
from mssante.model.message import Body
from mssante.model.settings import BlobSettings
from mssante.model.system import reason
from mssante.store.blobs import BlobFolder, blob_error

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

T = TypeVar("T")

PART_BYTES: Final = 8 * 1024 * 1024
PARTS_AT_ONCE: Final = 2
LIST_ROWS: Final = 1000
_OURS: Final = re.compile(r"[0-9a-f]{2}/[0-9a-f]{62}-([0-9]{8})", re.ASCII)
_FIRST_RETRY: Final = timedelta(milliseconds=100)
_LONGEST_RETRY: Final = timedelta(seconds=2)


class BucketBlobs(BlobFolder):
    """`BlobFolder` whose large bodies are objects; its folder only holds what is on its way."""

    def __init__(self, data_dir: Path, settings: BlobSettings, *, probe: Callable[[str], None]) -> None:
        """Read the keys; the bucket is not asked yet.

        Raises:
            ConfigError: a setting cannot be used, or a file of a key cannot be read.
            StoreError: the folder of bodies on their way cannot be made.
        """
        super().__init__(data_dir, probe=probe)
        self._name = f"{settings.endpoint}/{settings.bucket}"
        # As the library writes it in keys, or the sweep would not know them again.
        prefix = settings.prefix.strip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._store = _opened(settings)

    def head(self, body: Body, limit_bytes: int) -> bytes:
        """Return the first bytes of a body; none when its object is gone.

        Raises:
            StoreAwayError: the object store does not answer.
            StoreError: it refuses.
        """
        if body.data is not None:
            return body.data[:limit_bytes]
        length = min(limit_bytes, body.size_bytes)
        try:
            return bytes(obstore.get_range(self._store, self._key(body.path), start=0, length=length))
        except (BaseError, OSError) as error:
            if isinstance(error, FileNotFoundError) and _NO_BUCKET not in str(error):
                return b""
            raise self._error(error) from error

    def sweep(self, referenced: Container[str], older_than: timedelta, now: datetime, *, part: str = "") -> int:
        """Remove objects that nothing refers to, of days that are over."""
        removed = 0
        # A whole day more than asked: nodes whose clocks differ still write to it.
        last = (now - max(older_than, timedelta(days=1)) - timedelta(days=1)).astimezone(UTC).date()
        for paths in self._listed(part):
            gone = [self._key(path) for path in paths if _is_of_a_day_until(path, last) and path not in referenced]
            if gone:
                self._asked(lambda gone=gone: obstore.delete(self._store, gone))  # type: ignore[misc]
                removed += len(gone)
        return removed

    def _listed(self, part: str) -> Iterator[list[str]]:
        """Give the names of all objects of a part, page by page; each page is a question of its own."""
        pages = self._asked(lambda: obstore.list(self._store, self._key(part) or None, chunk_size=LIST_ROWS))
        while (page := self._asked(lambda: next(pages, None))) is not None:
            keys = [str(one["path"]) for one in page]
            yield [key.removeprefix(self._prefix) for key in keys if key.startswith(self._prefix)]

    def keep(self, spooled: Path, digest: bytes) -> str:
        """Send a flushed file, see that it is there whole, and drop it here; return its name. Runs in a thread.

        Raises:
            StoreError: it could not be sent, or is not there afterwards.
        """
        written = spooled.stat()
        day = datetime.fromtimestamp(written.st_mtime, UTC).strftime("%Y%m%d")
        name = digest.hex()
        path = f"{name[:2]}/{name[2:]}-{day}"
        self._asked(lambda: self._send(spooled, path, written.st_size))
        self.probe("K07")
        spooled.unlink()
        return path

    def try_out(self) -> datetime:
        """Write, read and remove a small object; return when the object store says that it was written.

        It goes the way of a body and no two are alike: nodes may try at the same time, what a stop leaves is swept.

        Raises:
            StoreError: one of these is refused, or what is read is not what was written.
        """
        spooled = self._spooled_name()
        said = spooled.name.encode()
        digest = hashlib.sha256(said).digest()
        try:
            path = self.keep(spooled, digest)
            self.read(Body(digest, len(said), None, path))
        except StoreDamagedError as error:
            msg = f"{self._name} ne rend pas ce qui y est écrit : vérifiez ce stockage avant toute chose"
            raise StoreError(msg) from error
        finally:
            spooled.unlink(missing_ok=True)
        written = self._asked(lambda: obstore.head(self._store, self._key(path))["last_modified"])
        self._asked(lambda: obstore.delete(self._store, self._key(path)))
        return written

    def _spooled_name(self) -> Path:
        """Return a file on its way that holds its own name, which is like no other's."""
        try:
            with tempfile.NamedTemporaryFile("w", dir=self.spool_path, delete=False) as file:
                file.write(Path(file.name).name)
        except OSError as error:
            raise blob_error(error, self.spool_path) from error
        return Path(file.name)

    def _send(self, spooled: Path, path: str, size_bytes: int) -> None:
        key = self._key(path)
        with spooled.open("rb") as file:
            obstore.put(
                self._store,
                key,
                file,
                use_multipart=size_bytes > PART_BYTES,
                chunk_size=PART_BYTES,
                max_concurrency=PARTS_AT_ONCE,
            )
        # Some servers say 200 and have nothing, or not all of it (H08): a look costs one more question.
        found = obstore.head(self._store, key)["size"]
        if found != size_bytes:
            msg = f"{self._name} : {found} octets de {path} au lieu de {size_bytes} ; vérifiez ce stockage"
            raise StoreError(msg)

    def _load(self, body: Body) -> bytes:
        try:
            return self._fetched(body, self._key(body.path))
        except FileNotFoundError as error:
            if _NO_BUCKET in str(error):
                raise self._error(error) from error
            msg = f"le corps {body.path} n'est plus dans {self._name} : {_FIX}"
            raise StoreDamagedError(msg) from error
        except (BaseError, OSError) as error:
            raise self._error(error) from error

    def _fetched(self, body: Body, key: str) -> bytes:
        """Return the bytes of an object of the right length; a large one in parts, each of which has its own time."""
        if body.size_bytes <= PART_BYTES:
            found = obstore.get(self._store, key)
            self._check_size(body, found.meta["size"])
            return bytes(found.bytes())
        self._check_size(body, obstore.head(self._store, key)["size"])
        starts = range(0, body.size_bytes, PART_BYTES)
        ends = (min(start + PART_BYTES, body.size_bytes) for start in starts)
        parts = zip(starts, ends, strict=True)
        return b"".join([obstore.get_range(self._store, key, start=start, end=end) for start, end in parts])

    def _check_size(self, body: Body, size: int) -> None:
        if size != body.size_bytes:
            msg = f"le corps {body.path} a {size} octets dans {self._name} au lieu de {body.size_bytes} : {_FIX}"
            raise StoreDamagedError(msg)

    def _key(self, path: str | None) -> str:
        return f"{self._prefix}{path or ''}"

    def _asked(self, question: Callable[[], T]) -> T:
        try:
            return question()
        except (BaseError, OSError) as error:
            raise self._error(error) from error

    def _error(self, error: BaseError | OSError) -> StoreError:
        """Return what failed with its fix; the library's own text names the server's answer."""
        match error:
            case PermissionDeniedError() if _SKEWED in str(error):
                why = "l'horloge d'ici et celle du stockage objet diffèrent trop : mettez les deux à l'heure"
            case PermissionDeniedError() | UnauthenticatedError():
                why = "accès refusé : vérifiez [blobs] access_key, secret_key et les droits de ce compte sur le bucket"
            case FileNotFoundError():
                why = f"introuvable : vérifiez que le bucket existe et garde ce qu'il reçoit ({_first_line(error)})"
            case _:
                why = f"le stockage objet ne répond pas bien, réessayez ({_first_line(error)})"
                return StoreAwayError(f"{self._name} : {why}")
        return StoreError(f"{self._name} : {why}")


_NO_BUCKET: Final = "NoSuchBucket"
_SKEWED: Final = "RequestTimeTooSkewed"
_FIX: Final = "remettez sa dernière bonne copie"


def _opened(settings: BlobSettings) -> S3Store:
    answer = timedelta(seconds=settings.answer_seconds)
    client: ClientConfig = {
        "allow_http": settings.endpoint.startswith("http://"),
        "connect_timeout": timedelta(seconds=settings.connect_seconds),
        "timeout": answer,
    }
    if settings.tls_anchors is not None:
        client["root_certificate"] = _read(settings.tls_anchors, "tls_anchors")
    retry: RetryConfig = {
        "max_retries": settings.retries,
        "retry_timeout": answer,
        "backoff": {"init_backoff": _FIRST_RETRY, "max_backoff": _LONGEST_RETRY, "base": 2},
    }
    return S3Store(
        settings.bucket,
        endpoint=settings.endpoint,
        region=settings.region,
        access_key_id=_read(settings.access_key, "access_key").strip(),
        secret_access_key=_read(settings.secret_key, "secret_key").strip(),
        virtual_hosted_style_request=False,
        client_options=client,
        retry_config=retry,
    )


def _read(path: Path | None, name: str) -> str:
    if path is None:
        msg = f'[blobs] {name} manque : donnez le fichier, par exemple {name} = "s3-{name}"'
        raise ConfigError(msg)
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = reason(error) if isinstance(error, OSError) else "illisible"
        msg = f"[blobs] {name} {path} : {said} ; donnez un fichier lisible"
        raise ConfigError(msg) from error


def _is_of_a_day_until(path: str, last: date) -> bool:
    ours = _OURS.fullmatch(path)
    return ours is not None and ours[1] <= last.strftime("%Y%m%d")


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:300]
