"""Change mailboxes in another directory: one FHIR Patch over HTTPS, named by national identifiers.

With the configured roots only, one key or client certificate, bounded sizes and times; no redirection is followed.

Source: operators.md 4.6; clients.md 10; reliability.md E14.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import urlencode, urlsplit

from mssante.model.decision import Kind
from mssante.model.directory import MailboxChange, Target
from mssante.model.errors import ConfigError, TheirProtocolError
from mssante.model.publication import Accepted, DirectoryAnswer, RefusedByDirectory, Unreachable
from mssante.wire.fhir.naming import criteria
from mssante.wire.fhir.outcome import read_codes, read_reason
from mssante.wire.fhir.patch_build import build_patch
from mssante.wire.fhir.resources import encode
from mssante.wire.fhir.search import NAMES

TIMEOUT_SECONDS: Final = 30.0
CONNECT_SECONDS: Final = 10.0
ANSWER_MAX_BYTES: Final = 1024 * 1024
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
    status: int
    body: bytes


class FhirDirectory:
    """Sends patches; a connection is made for each, because a mailbox changes rarely.

    Fulfils `mssante.flows.publication.ports.DirectoryLink`.
    """

    def __init__(
        self,
        base_url: str,
        anchors: tuple[bytes, ...],
        *,
        api_key: str = "",
        certificate: ClientCertificate | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        """Keep the settings; nothing is opened yet.

        Args:
            base_url: address of the resources, ``https://annuaire.example.fr/fhir/v2``.
            anchors: DER of the roots that the directory's certificate must come from; never those of the machine.
            api_key: sent as ESANTE-API-KEY; "": none.
            certificate: ours, or None.
            timeout_seconds: longest time for one patch in all.

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

    async def change(self, target: Target, changes: tuple[MailboxChange, ...]) -> DirectoryAnswer:
        """Ask for the changes of one holder's mailboxes, in order; never raises for what the directory answers."""
        patch = build_patch(target.holder, changes)
        if not patch.parameter:
            return Accepted()
        url = f"{self._base_url}/{NAMES[target.holder]}?{urlencode(criteria(target, changes))}"
        reply = await self._send(url, encode(patch))
        return reply if isinstance(reply, Unreachable) else judged(reply.status, reply.body)

    async def _send(self, url: str, body: bytes) -> "_Reply | Unreachable":
        import httpx2

        headers = {
            "Accept": "application/fhir+json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/fhir+json",
            "User-Agent": "mssante",
        }
        if self._api_key:
            headers["ESANTE-API-KEY"] = self._api_key
        try:
            async with (
                asyncio.timeout(self._timeout_seconds),
                httpx2.AsyncClient(
                    verify=self._context, trust_env=False, follow_redirects=False, timeout=CONNECT_SECONDS
                ) as client,
                client.stream("PATCH", url, headers=headers, content=body) as response,
            ):
                data = bytearray()
                async for chunk in response.aiter_raw():
                    data += chunk
                    if len(data) > ANSWER_MAX_BYTES:
                        break
                return _Reply(response.status_code, bytes(data[:ANSWER_MAX_BYTES]))
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
