"""Change mailboxes in another directory, one FHIR Patch over HTTPS each, and ask it what it has of our addresses.

With the configured roots only, one key or client certificate, bounded sizes, times and calls a second; no redirection
is followed.

Source: operators.md 4.5, 4.6; clients.md 10; reliability.md E14.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from mssante.model.address import parse_address
from mssante.model.decision import Kind
from mssante.model.directory import Holder, ListedMailbox, MailboxChange, Target
from mssante.model.errors import ConfigError, TheirProtocolError
from mssante.model.publication import Accepted, DirectoryAnswer, RefusedByDirectory, Unreachable
from mssante.wire.fhir.look_up import ADDRESSES_MAX, Page, look_up_queries, read_page
from mssante.wire.fhir.naming import criteria
from mssante.wire.fhir.outcome import read_codes, read_reason
from mssante.wire.fhir.patch_build import build_patch
from mssante.wire.fhir.resources import encode
from mssante.wire.fhir.search import NAMES

if TYPE_CHECKING:
    import httpx2

TIMEOUT_SECONDS: Final = 30.0
CONNECT_SECONDS: Final = 10.0
ANSWER_MAX_BYTES: Final = 1024 * 1024
PAGE_MAX_BYTES: Final = 4 * 1024 * 1024
PAGES_MAX: Final = 10
"""Pages of one question; twenty addresses never take so many, unless the server does not narrow at all."""
CALLS_PER_SECOND: Final = 15.0
"""Questions, not patches: the national API takes 17 a second of one application (operators.md 4.5)."""
REFUSALS: Final[Mapping[int, Kind]] = MappingProxyType(
    {
        400: Kind.QUERY_UNCLEAR,
        401: Kind.SIGN_IN_FAILED,
        403: Kind.NOT_YOURS,
        404: Kind.ENTRY_UNKNOWN,
        412: Kind.ENTRY_AMBIGUOUS,
        422: Kind.ADDRESS_TAKEN,
    }
)
"""Status -> reason; any other 4xx is QUERY_UNCLEAR, but those that say to come back (408, 425, 429)."""
_LATER: Final = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """What we show: PEM files of the chain and of its key."""

    chain: Path
    key: Path


@dataclass(frozen=True, slots=True)
class _Reply:
    """What came back; `is_cut`: there was more than is read."""

    status: int
    body: bytes
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class _Reading:
    """What all resources say: lines by the key of the address; `unclear`: keys of which a line was not understood."""

    lines: Mapping[str, tuple[ListedMailbox, ...]]
    unclear: frozenset[str]
    is_whole: bool


class FhirDirectory:
    """Sends patches, a connection for each, because a mailbox changes rarely; asks for addresses, some at a time.

    Fulfils `mssante.flows.publication.ports.DirectoryLink`, and `look_up` `mssante.flows.directory.comparing.LookUp`.
    """

    def __init__(
        self,
        base_url: str,
        anchors: tuple[bytes, ...],
        *,
        api_key: str = "",
        certificate: ClientCertificate | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        calls_per_second: float = CALLS_PER_SECOND,
    ) -> None:
        """Keep the settings; nothing is opened yet.

        Args:
            base_url: address of the resources, ``https://annuaire.example.fr/fhir/v2``.
            anchors: DER of the roots that the directory's certificate must come from; never those of the machine.
            api_key: sent as ESANTE-API-KEY; "": none.
            certificate: ours, or None.
            timeout_seconds: longest time for one patch, or one page of an answer, in all.
            calls_per_second: most questions that begin in a second.

        Raises:
            ConfigError: the address is not HTTPS, or the certificate or key cannot be used.
        """
        parts = urlsplit(base_url)
        if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
            msg = f"{base_url} n'est pas l'adresse HTTPS d'un annuaire FHIR ; corrigez-la"
            raise ConfigError(msg)
        if not (api_key.isascii() and api_key.isprintable()):
            msg = "la clé d'API de l'annuaire contient un caractère interdit ; vérifiez son fichier"
            raise ConfigError(msg)
        self._base_url = base_url.rstrip("/")
        self._context = _client_context(anchors, certificate)
        self._api_key = api_key
        self._timeout_seconds = timeout_seconds
        self._pause_seconds = 1 / calls_per_second
        self._turn = asyncio.Lock()

    async def change(self, target: Target, changes: tuple[MailboxChange, ...]) -> DirectoryAnswer:
        """Ask for the changes of one holder's mailboxes, in order; never raises for what the directory answers."""
        patch = build_patch(target.holder, changes)
        if not patch.parameter:
            return Accepted()
        url = f"{self._base_url}/{NAMES[target.holder]}?{urlencode(criteria(target, changes))}"
        async with self._client() as client:
            reply = await self._ask(client, "PATCH", url, encode(patch), most_bytes=ANSWER_MAX_BYTES)
        return reply if isinstance(reply, Unreachable) else judged(reply.status, reply.body)

    async def look_up(self, addresses: Sequence[str]) -> dict[str, tuple[ListedMailbox, ...]] | Unreachable:
        """Return what the directory has of some addresses, `ADDRESSES_MAX` at most: address -> its lines, perhaps none.

        An address that is not in the answer got none that can be believed: it may be there. Never raises for what the
        directory answers.
        """
        if not addresses:
            return {}
        async with self._client() as client:
            return await self._look_up(client, addresses[:ADDRESSES_MAX])

    async def _look_up(
        self, client: "httpx2.AsyncClient", addresses: Sequence[str]
    ) -> dict[str, tuple[ListedMailbox, ...]] | Unreachable:
        """Ask for all at once; when the answer leaves something out, in two halves; for one alone, lines are lines."""
        read = await self._read(client, addresses)
        if isinstance(read, Unreachable):
            return read
        if read.is_whole or len(addresses) == 1:
            keys = {one: _key(one) for one in addresses}
            known = {one: key for one, key in keys.items() if key not in read.unclear}
            return {one: read.lines[key] for one, key in known.items() if read.is_whole or read.lines[key]}
        half = len(addresses) // 2
        first = await self._look_up(client, addresses[:half])
        if isinstance(first, Unreachable):
            return first
        second = await self._look_up(client, addresses[half:])
        return second if isinstance(second, Unreachable) else first | second

    async def _read(self, client: "httpx2.AsyncClient", addresses: Sequence[str]) -> "_Reading | Unreachable":
        """Return what every resource says of some addresses."""
        lines: dict[str, tuple[ListedMailbox, ...]] = {_key(one): () for one in addresses}
        unclear: set[str] = set()
        is_whole = True
        for holder, query in look_up_queries(addresses):
            pages = await self._pages(client, holder, query)
            if isinstance(pages, Unreachable):
                return pages
            for page in pages:
                is_whole = is_whole and page.is_whole
                unclear |= {_key(one) for one in page.unclear}
                for line in page.lines:
                    if _key(line.address) in lines:
                        lines[_key(line.address)] += (line,)
        return _Reading(lines, frozenset(unclear), is_whole)

    async def _pages(self, client: "httpx2.AsyncClient", holder: Holder, query: str) -> list[Page] | Unreachable:
        """Return every page of an answer; all are asked for at our own address, whatever the links say."""
        found: list[Page] = []
        while query:
            if len(found) == PAGES_MAX:
                return Unreachable(f"{self._base_url} answers with more than {PAGES_MAX} pages")
            async with self._turn:
                await asyncio.sleep(self._pause_seconds)
            url = f"{self._base_url}/{NAMES[holder]}?{query}"
            reply = await self._ask(client, "GET", url, None, most_bytes=PAGE_MAX_BYTES)
            if isinstance(reply, Unreachable):
                return reply
            if reply.status != 200:
                return Unreachable(_reason(reply.status, reply.body))
            if reply.is_cut:
                return Unreachable(f"{self._base_url} answers with more than {PAGE_MAX_BYTES} bytes")
            try:
                found.append(read_page(holder, reply.body))
            except TheirProtocolError as error:
                return Unreachable(f"{self._base_url}: {error}")
            query = found[-1].next_query
        return found

    def _client(self) -> "httpx2.AsyncClient":
        import httpx2

        headers = {"Accept": "application/fhir+json", "Accept-Encoding": "identity", "User-Agent": "mssante"}
        if self._api_key:
            headers["ESANTE-API-KEY"] = self._api_key
        return httpx2.AsyncClient(
            verify=self._context, trust_env=False, follow_redirects=False, timeout=CONNECT_SECONDS, headers=headers
        )

    async def _ask(
        self, client: "httpx2.AsyncClient", method: str, url: str, body: bytes | None, *, most_bytes: int
    ) -> "_Reply | Unreachable":
        import httpx2

        # A parameter that the server does not know must not be passed over: it is what narrows.
        headers = {"Prefer": "handling=strict"} if body is None else {"Content-Type": "application/fhir+json"}
        try:
            async with (
                asyncio.timeout(self._timeout_seconds),
                client.stream(method, url, headers=headers, content=body) as response,
            ):
                data = bytearray()
                async for chunk in response.aiter_raw():
                    data += chunk
                    if len(data) > most_bytes:
                        break
                return _Reply(response.status_code, bytes(data[:most_bytes]), len(data) > most_bytes)
        except TimeoutError:
            return Unreachable(f"{self._base_url} did not answer within {self._timeout_seconds:g} seconds")
        except (httpx2.HTTPError, httpx2.InvalidURL, ssl.SSLError, OSError) as error:
            return Unreachable(f"{self._base_url}: {str(error) or type(error).__name__}")


def judged(status: int, body: bytes) -> DirectoryAnswer:
    """Return what an answer means.

    Args:
        body: an OperationOutcome when the status is an error, as a rule.

    Source: operators.md 4.6 (answers); a 422 that does not speak of a duplicate is about what never changes.
    """
    if 200 <= status < 300:
        return Accepted()
    reason = _reason(status, body)
    if not 400 <= status < 500 or status in _LATER:
        return Unreachable(reason)
    kind = REFUSALS.get(status, Kind.QUERY_UNCLEAR)
    if status == 422 and "business-rule" in read_codes(body):
        kind = Kind.ADDRESS_FIXED
    return RefusedByDirectory(kind, reason)


def _key(address: str) -> str:
    """Return an address as it is compared: what the directory has may be no address at all."""
    try:
        return parse_address(address).key
    except TheirProtocolError:
        return address.lower()


def _reason(status: int, body: bytes) -> str:
    try:
        said = read_reason(body)
    except TheirProtocolError:
        said = ""
    return f"{status} {said}".strip()


def _client_context(anchors: tuple[bytes, ...], certificate: ClientCertificate | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        for der in anchors:
            context.load_verify_locations(cadata=der)
        if certificate is not None:
            context.load_cert_chain(certificate.chain, certificate.key)
    except (OSError, ssl.SSLError) as error:
        msg = f"le certificat ou la clé pour l'annuaire FHIR ne peut être lu ({error}) ; vérifiez les fichiers"
        raise ConfigError(msg) from error
    return context
