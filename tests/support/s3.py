"""A small object store of our own that speaks enough of S3, with switches for everything that can go wrong there.

Signatures have to be there and are not verified. Loopback, a free port, everything in memory.
"""

import hashlib
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from lxml import etree

from mssante.model.settings import BlobSettings

BUCKET = "corps"
_PIECE_BYTES = 64 * 1024
_PATIENCE_SECONDS = 30


@dataclass
class Faults:
    """What goes wrong from now on.

    Attributes:
        refuse: answer that many questions with `status` first.
        closes: close the connection instead of answering, that many times.
        slow: seconds before each answer.
        drip: seconds between two pieces of 64 KiB of an object: slow, and alive.
        cut: give half of what was announced of an object and close the connection, that many times.
        lose_puts: say 200 to a PUT and keep nothing.
        truncate: give the first half of an object, and say that this is all.
        other: give another object's bytes of the same length.
        denied: 403 to everything, with `code`.
        clock: seconds that this server's clock is ahead.
        gate: nothing is answered until it is set.
    """

    refuse: int = 0
    status: int = 503
    closes: int = 0
    slow: float = 0.0
    drip: float = 0.0
    cut: int = 0
    lose_puts: bool = False
    truncate: bool = False
    other: bool = False
    denied: bool = False
    code: str = "AccessDenied"
    clock: float = 0.0
    gate: threading.Event | None = None


@dataclass
class FakeS3:
    """The server; `objects` may be looked at and changed.

    Attributes:
        page_rows: objects in one answer to a list.
        asked: each question: its method and its key or its parameters.
        uploads: those in parts that are not at their end.
    """

    port: int = 0
    page_rows: int = 1000
    objects: dict[str, bytes] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    asked: list[str] = field(default_factory=list)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}"

    def settings(self, folder: Path, **more: Any) -> BlobSettings:  # noqa: ANN401 - any of the settings
        """Return a section [blobs] for it; the keys are written in the folder."""
        for name in ("access", "secret"):
            (folder / f"s3-{name}").write_text(f"{name}\n")
        values: dict[str, Any] = {"answer_seconds": 5.0, "retries": 3} | more
        return BlobSettings(
            "s3",
            endpoint=self.endpoint,
            bucket=values.pop("bucket", BUCKET),
            access_key=folder / "s3-access",
            secret_key=folder / "s3-secret",
            **values,
        )


@contextmanager
def fake_s3() -> Iterator[FakeS3]:
    """Run one with an empty bucket."""
    store = FakeS3()

    class Handler(_Handler):
        s3 = store

    server = _Server(("127.0.0.1", 0), Handler)
    store.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as in the class above
        """Say nothing of a client that did not wait for the end: that is what some tests are about."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # The head and the bytes of an answer go out as two packets: without this the second waits 40 ms.
    disable_nagle_algorithm = True
    s3: FakeS3

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self._body()
        address = urlsplit(self.path)
        bucket, _, key = unquote(address.path).lstrip("/").partition("/")
        asked = parse_qs(address.query, keep_blank_values=True)
        self.s3.asked.append(f"{self.command} {key or '?' + address.query}")
        faults = self.s3.faults
        time.sleep(faults.slow)
        if faults.gate is not None:
            faults.gate.wait(_PATIENCE_SECONDS)
        if faults.closes:
            faults.closes -= 1
            self.close_connection = True
            return
        if faults.refuse:
            faults.refuse -= 1
            self._answer(faults.status, _error("SlowDown"))
        elif faults.denied or "AWS4-HMAC-SHA256" not in self.headers.get("Authorization", ""):
            self._answer(403, _error(faults.code))
        elif bucket != BUCKET:
            self._answer(404, _error("NoSuchBucket"))
        elif not key:
            self._on_bucket(asked, body)
        else:
            self._on_object(key, asked, body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") == "chunked":
            pieces = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _on_bucket(self, asked: dict[str, list[str]], body: bytes) -> None:
        if "delete" in asked:
            keys = [one.text or "" for one in etree.fromstring(body).iter("{*}Key")]
            for key in keys:
                self.s3.objects.pop(key, None)
            gone = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
            self._answer(200, f"<DeleteResult>{gone}</DeleteResult>".encode())
            return
        prefix, after = (asked.get(name, [""])[0] for name in ("prefix", "continuation-token"))
        keys = sorted(key for key in self.s3.objects if key.startswith(prefix) and key > after)
        page = keys[: self.s3.page_rows]
        is_last = page == keys
        found = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>x</ETag><Size>{len(self.s3.objects[key])}</Size></Contents>"
            for key in page
        )
        more = "" if is_last else f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>"
        said = f"<IsTruncated>{str(not is_last).lower()}</IsTruncated>{more}{found}"
        self._answer(200, f"<ListBucketResult>{said}</ListBucketResult>".encode())

    def _on_object(self, key: str, asked: dict[str, list[str]], body: bytes) -> None:
        match self.command:
            case "PUT" if "partNumber" in asked:
                self.s3.uploads[asked["uploadId"][0]][int(asked["partNumber"][0])] = body
                self._answer(200, etag=_etag(body))
            case "PUT":
                if not self.s3.faults.lose_puts:
                    self.s3.objects[key] = body
                self._answer(200, etag=_etag(body))
            case "POST" if "uploads" in asked:
                name = f"envoi{len(self.s3.uploads)}"
                self.s3.uploads[name] = {}
                said = f"<InitiateMultipartUploadResult><UploadId>{name}</UploadId></InitiateMultipartUploadResult>"
                self._answer(200, said.encode())
            case "POST":
                parts = self.s3.uploads.pop(asked["uploadId"][0])
                if not self.s3.faults.lose_puts:
                    self.s3.objects[key] = b"".join(parts[number] for number in sorted(parts))
                said = "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"
                self._answer(200, said.encode(), etag="x")
            case "DELETE":
                self.s3.objects.pop(key, None)
                self._answer(204)
            case _:
                self._give(key)

    def _give(self, key: str) -> None:
        data = self.s3.objects.get(key)
        if data is None:
            self._answer(404, b"" if self.command == "HEAD" else _error("NoSuchKey"))
            return
        if self.s3.faults.truncate:
            data = data[: len(data) // 2]
        if self.s3.faults.other:
            data = bytes(len(data))
        wanted = self.headers.get("Range", "")
        if wanted:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            part = data[int(first) : int(last) + 1]
            said = f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}"
            self._answer(206 if part else 416, part, etag=_etag(data), extra={"Content-Range": said})
        else:
            self._answer(200, data, etag=_etag(data))

    def _answer(self, code: int, body: bytes = b"", *, etag: str = "x", extra: dict[str, str] | None = None) -> None:
        now = datetime.fromtimestamp(datetime.now(UTC).timestamp() + self.s3.faults.clock, UTC)
        self.send_response(code)
        self.send_header("ETag", f'"{etag}"')
        self.send_header("Last-Modified", now.strftime("%a, %d %b %Y %H:%M:%S GMT"))
        for name, value in (extra or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET" and code in {200, 206}:
            self._pour(body)
        elif self.command != "HEAD":
            self.wfile.write(body)

    def _pour(self, body: bytes) -> None:
        faults = self.s3.faults
        if faults.cut and len(body) > 1:
            faults.cut -= 1
            body = body[: len(body) // 2]
            self.close_connection = True
        for start in range(0, len(body), _PIECE_BYTES):
            self.wfile.write(body[start : start + _PIECE_BYTES])
            time.sleep(faults.drip)


def _etag(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
