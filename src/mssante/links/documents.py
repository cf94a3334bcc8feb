"""Fetch the white list, the revocation lists and what the identity provider says over HTTPS.

With the configured roots only, and bounded sizes.

Plain HTTP is taken when the address says so, because revocation lists are signed and authorities publish them that way;
the configuration checks that the white list's address is HTTPS.
"""

import asyncio
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from mssante.model.errors import LinkError
from mssante.model.outside import Fetched

if TYPE_CHECKING:
    import httpx2

DOCUMENT_MAX_BYTES: Final = 64 * 1024 * 1024
TIMEOUT_SECONDS: Final = 60.0
CONNECT_SECONDS: Final = 10.0


class HttpDocuments:
    """Fetches documents; a connection is made for each, because there is one an hour.

    Args:
        anchors: DER of the roots that the publishers' certificates must come from; never those of the machine.
        timeout_seconds: longest time for one document in all.
        max_bytes: longest document.

    Source: operators.md 3.1; operators.md 2.4; reliability.md C09.
    """

    def __init__(
        self,
        anchors: tuple[bytes, ...],
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        max_bytes: int = DOCUMENT_MAX_BYTES,
    ) -> None:
        self._context = _client_context(anchors)
        self._timeout_seconds = timeout_seconds
        self._max_bytes = max_bytes

    async def fetch(self, url: str, *, etag: str = "", last_modified: str = "") -> Fetched | None:
        """Return the document, or None when it has not changed; see `mssante.flows.ports.DocumentSource`."""
        headers = {"Accept": "*/*"}
        if etag:
            headers["If-None-Match"] = etag
        elif last_modified:
            headers["If-Modified-Since"] = last_modified
        return await self._answer("GET", url, headers)

    async def ask(self, url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> bytes:
        """Return what a server answers to a question of ours: GET, or POST with a body.

        Raises:
            LinkError: unreachable, not trusted, not 200, or larger than the bound.
        """
        asked = {"Accept": "application/json", **(headers or {})}
        found = await self._answer("GET" if body is None else "POST", url, asked, body)
        return b"" if found is None else found.data

    async def _answer(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Fetched | None:
        import httpx2

        sent = {"Accept-Encoding": "identity", "User-Agent": "mssante", **headers}
        try:
            async with (
                asyncio.timeout(self._timeout_seconds),
                httpx2.AsyncClient(
                    verify=self._context, trust_env=False, follow_redirects=False, timeout=CONNECT_SECONDS
                ) as client,
                client.stream(method, url, headers=sent, content=body) as response,
            ):
                return await self._take(url, response)
        except TimeoutError as error:
            msg = f"{url} was not fetched within {self._timeout_seconds:g} seconds"
            raise LinkError(msg) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, ssl.SSLError, OSError) as error:
            msg = f"{url} cannot be fetched: {str(error) or type(error).__name__}"
            raise LinkError(msg) from error

    async def _take(self, url: str, response: "httpx2.Response") -> Fetched | None:
        if response.status_code == 304:
            return None
        if response.status_code != 200:
            msg = f"{url} answered {response.status_code} instead of 200"
            raise LinkError(msg)
        data = bytearray()
        async for chunk in response.aiter_raw():
            data += chunk
            if len(data) > self._max_bytes:
                msg = f"{url} is longer than {self._max_bytes} bytes"
                raise LinkError(msg)
        return Fetched(bytes(data), response.headers.get("etag", ""), response.headers.get("last-modified", ""))


def _client_context(anchors: tuple[bytes, ...]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for der in anchors:
        context.load_verify_locations(cadata=der)
    return context
