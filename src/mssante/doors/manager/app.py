"""The manager's publication point over HTTPS: white list, revocation lists, extraction of the directory, nothing else.

Source: operators.md 3.1 (address of the list); operators.md 2.4 (addresses of the revocation lists); operators.md 4.4
(the extraction, open to everybody).
"""

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from mssante.flows.publish import Published

LIST_PATH: Final = "/listeblanchemssante.xml"
EXTRACTION_PATH: Final = "/Extraction_Correspondance_MSSante.zip"
CRL_MAX_BYTES: Final = 32 * 1024 * 1024
CHUNK_BYTES: Final = 256 * 1024
_CRL_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,90}\.crl")
_HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}


class Shelf(Protocol):
    """Where the list comes from; `mssante.flows.publish.Publishing` is one."""

    async def current(self) -> Published | None:
        """Return the version to serve, or None."""
        ...


def build_app(shelf: Shelf, crl_dir: Path | None, extraction: Path | None = None) -> Starlette:
    """Return the application.

    Args:
        shelf: gives the list in force at each request.
        crl_dir: folder of the revocation lists; None serves none.
        extraction: file of the directory's extraction, which may come later; None serves none.
    """

    async def white_list(request: Request) -> Response:
        found = await shelf.current()
        if found is None:
            return _missing()
        return _conditional(request, found.raw, found.etag, found.published_at, "application/xml")

    async def revocation_list(request: Request) -> Response:
        name = request.path_params["name"]
        found = None if crl_dir is None else await asyncio.to_thread(_read_crl_file, crl_dir, name)
        if found is None:
            return _missing()
        raw, changed_at = found
        return _conditional(request, raw, hashlib.sha256(raw).hexdigest()[:32], changed_at, "application/pkix-crl")

    return Starlette(
        routes=[
            Route(LIST_PATH, white_list, methods=["GET"]),
            Route("/CRL/{name}", revocation_list, methods=["GET"]),
            *([] if extraction is None else [Route(EXTRACTION_PATH, _Extraction(extraction), methods=["GET"])]),
        ]
    )


@dataclass(frozen=True, slots=True)
class _Extraction:
    """Serves the file as it was when it was opened, whatever takes its place meanwhile; some of it at a time."""

    path: Path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            file = await asyncio.to_thread(self.path.open, "rb")
        except OSError:
            await _missing()(scope, receive, send)
            return
        with file:
            await _file_answer(Request(scope), file)(scope, receive, send)


def _file_answer(request: Request, file: BinaryIO) -> Response:
    """Return the bytes of an open file, or 304.

    Source: RFC 9110 section 13.1; section 8.8.3 (the validator: another file has another number or moment).
    """
    found = os.fstat(file.fileno())
    changed_at = datetime.fromtimestamp(found.st_mtime, UTC).replace(microsecond=0)
    etag = f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"
    headers = _validators(etag, changed_at)
    if _is_held(request, etag, changed_at):
        return Response(status_code=304, headers=headers)
    headers["Content-Length"] = str(found.st_size)
    if request.method == "HEAD":
        return Response(headers=headers, media_type="application/zip")
    return StreamingResponse(_chunks(file), headers=headers, media_type="application/zip")


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
        yield chunk


def _read_crl_file(folder: Path, name: str) -> tuple[bytes, datetime] | None:
    """Return bytes and time of change of a list of the folder itself; None for any other name."""
    if not _CRL_NAME.fullmatch(name):
        return None
    path = folder / name
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > CRL_MAX_BYTES:
            return None
        return path.read_bytes(), datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return None


def _conditional(request: Request, raw: bytes, etag: str, changed_at: datetime, media_type: str) -> Response:
    """Return the document, or 304 when the asker has it already.

    Source: RFC 9110 section 13.1.
    """
    changed_at = changed_at.replace(microsecond=0)
    headers = _validators(etag, changed_at)
    if _is_held(request, etag, changed_at):
        return Response(status_code=304, headers=headers)
    return Response(raw, media_type=media_type, headers=headers)


def _validators(etag: str, changed_at: datetime) -> dict[str, str]:
    return {**_HEADERS, "ETag": f'"{etag}"', "Last-Modified": format_datetime(changed_at, usegmt=True)}


def _is_held(request: Request, etag: str, changed_at: datetime) -> bool:
    wanted = request.headers.get("if-none-match")
    if wanted is not None:
        tags = {tag.strip().removeprefix("W/").strip('"') for tag in wanted[:1000].split(",")}
        return etag in tags or "*" in tags
    since = request.headers.get("if-modified-since")
    if not since:
        return False
    try:
        held = parsedate_to_datetime(since[:100])
    except ValueError:
        return False
    return held.tzinfo is not None and changed_at <= held


def _missing() -> Response:
    return PlainTextResponse("Aucun document à cette adresse.\n", status_code=404, headers=_HEADERS)
