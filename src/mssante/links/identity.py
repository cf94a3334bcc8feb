"""Verify access tokens of the identity provider: by its published keys, or by asking it.

The keys are fetched over HTTPS with the configured roots, kept for an hour, and looked for again when a token names one
that is not known; the last good ones stay when a look fails. Nothing that a token says of itself chooses a key or an
address.

Source: RFC 7519; RFC 7662; RFC 8725; clients.md 7.1; reliability.md E03.
"""

import asyncio
import base64
import contextlib
import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from mssante.model.decision import Kind, Refusal
from mssante.model.errors import LinkError
from mssante.model.log import Log
from mssante.model.settings import IdentitySettings
from mssante.model.token import TokenFacts

ALGORITHMS: Final = ("RS256", "PS256", "ES256")
TOKEN_MAX_BYTES: Final = 16 * 1024
DOCUMENT_MAX_BYTES: Final = 256 * 1024
VERIFIED_KEPT: Final = 10_000
KEYS_MAX: Final = 50
KEYS_GOOD_FOR: Final = timedelta(hours=1)
TIMEOUT_SECONDS: Final = 10.0
_UNAVAILABLE: Final = Refusal(
    Kind.IDENTITY_UNAVAILABLE,
    "identity",
    "The identity provider cannot be reached, try again later",
    french="Le fournisseur d'identité ne répond pas : réessayez dans un instant.",
)


class TokenVerifier:
    """Verifies tokens of one issuer; guards its keys and the tokens that were verified already."""

    def __init__(
        self,
        settings: IdentitySettings,
        *,
        ask: "Callable[..., Any]",
        secret: str,
        clock: Callable[[], datetime],
        log: Log,
    ) -> None:
        """Keep the settings; nothing is fetched yet.

        Args:
            settings: section [identity], with an issuer.
            ask: `HttpIdentity.ask`, or a stand-in.
            secret: ours at the provider, for introspection.
            clock: UTC.
            log: for keys that cannot be fetched; never sees a token.
        """
        self._settings = settings
        self._ask = ask
        self._secret = secret
        self._clock = clock
        self._log = log
        self._keys: KeySet | None = None
        self._key_ids: frozenset[str] = frozenset()
        self._looked_at: datetime | None = None
        self._fetched_at: datetime | None = None
        self._looking: asyncio.Task[None] | None = None
        self._described: Mapping[str, Any] | None = None
        self._described_at = clock()
        self._verified: OrderedDict[bytes, TokenFacts] = OrderedDict()

    async def check(self, token: str) -> TokenFacts | Refusal:
        """Return what the token says, or the refusal; see `mssante.flows.ports.TokenSource`."""
        if not 0 < len(token) <= TOKEN_MAX_BYTES:
            return _refused("the token is empty or too long")
        digest = hashlib.sha256(token.encode()).digest()
        known = self._verified.get(digest)
        if known is not None and not self._is_over(known.expires_at):
            return known
        try:
            by_keys = self._settings.mode == "jwt"
            claims = await (self._by_keys(token) if by_keys else self._by_asking(token))
        except LinkError as error:
            self._log.error("identity-unavailable", error=str(error))
            return _UNAVAILABLE
        found = claims if isinstance(claims, Refusal) else self._judge(claims)
        # What was asked for is asked for again: the provider may have ended the session.
        if by_keys and not isinstance(found, Refusal):
            self._verified[digest] = found
            if len(self._verified) > VERIFIED_KEPT:
                self._verified.popitem(last=False)
        return found

    # -- the claims ----------------------------------------------------------------------------------------------

    def _judge(self, claims: Mapping[str, Any]) -> TokenFacts | Refusal:
        if claims.get("iss") != self._settings.issuer:
            return _refused("the token is of another issuer")
        expires_at, not_before = _moment(claims.get("exp")), _moment(claims.get("nbf", 0))
        issued_at = _moment(claims.get("iat", 0))
        if expires_at is None or not_before is None or issued_at is None:
            return _refused("a date of the token is missing or none")
        skew = timedelta(seconds=self._settings.skew_seconds)
        now = self._clock()
        if self._is_over(expires_at):
            return _refused("the token is over")
        if not_before - now > skew or issued_at - now > skew:
            return _refused("the token is of the future")
        if not self._is_for_us(claims):
            return _refused("the token is for somebody else")
        if str(claims.get("typ", "Bearer")).lower() not in {"bearer", "at+jwt", "jwt"}:
            return _refused("the token is no access token")
        subject, national_id = claims.get("sub"), claims.get("SubjectNameID") or claims.get("preferred_username")
        if not isinstance(national_id, str) or not 0 < len(national_id) <= 64 or not isinstance(subject, str):
            return _refused("the token names nobody")
        return TokenFacts(self._settings.issuer, subject, national_id, expires_at)

    def _is_for_us(self, claims: Mapping[str, Any]) -> bool:
        wanted = set(self._settings.audience)
        if not wanted:
            return True
        audience = claims.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        return bool(wanted & {one for one in (*named, claims.get("azp")) if isinstance(one, str)})

    def _is_over(self, expires_at: datetime) -> bool:
        return self._clock() - expires_at >= timedelta(seconds=self._settings.skew_seconds)

    # -- by the provider's keys ----------------------------------------------------------------------------------

    async def _by_keys(self, token: str) -> Mapping[str, Any] | Refusal:
        header = _header(token)
        if header is None:
            return _refused("the token is no signed JSON token")
        if header.get("alg") not in ALGORITHMS or "crit" in header:
            return _refused("the token is signed in a way that is not accepted")
        key_id = header.get("kid")
        if not isinstance(key_id, str) or len(key_id) > 200:
            return _refused("the token names no key")
        keys = await self._keys_with(key_id)
        if keys is None:
            return _refused("the token names a key that the provider has not published")
        try:
            signed = jws.deserialize_compact(token, keys, algorithms=list(ALGORITHMS))
            claims = json.loads(signed.payload)
        except (JoseError, ValueError, RecursionError):
            return _refused("the signature of the token is wrong")
        return claims if isinstance(claims, dict) else _refused("the token holds no claims")

    async def _keys_with(self, key_id: str) -> KeySet | None:
        # Known keys are looked at again in time too: a withdrawn one must not stay good until a new one is used.
        if key_id not in self._key_ids or self._are_old():
            await self._look()
        return self._keys if key_id in self._key_ids else None

    def _are_old(self) -> bool:
        return self._fetched_at is None or self._clock() - self._fetched_at >= KEYS_GOOD_FOR

    async def _look(self) -> None:
        """Fetch the keys, or wait with the others for the look that is under way."""
        if self._looking is None:
            least = timedelta(seconds=self._settings.refresh_seconds)
            if self._looked_at is not None and self._clock() - self._looked_at < least:
                return
            self._looking = asyncio.create_task(self._fetch_keys())
            self._looking.add_done_callback(self._looked)
        # Whoever hangs up does not take the look away from the others.
        await asyncio.shield(self._looking)

    def _looked(self, task: "asyncio.Task[None]") -> None:
        self._looking = None
        if not task.cancelled():
            task.exception()  # Taken here, for nobody may be waiting any more.

    async def _fetch_keys(self) -> None:
        self._looked_at = self._clock()
        try:
            found = await self._document(await self._address("jwks_url", "jwks_uri"))
            keys = _usable_keys(found.get("keys"))
        except LinkError as error:
            # Without any key nobody can sign in; with the last good ones, all but holders of a new one can.
            self._log.error("identity-keys-not-fetched", error=str(error))
            if self._keys is None:
                self._looked_at = None
                raise
            return
        self._keys, self._key_ids, self._fetched_at = KeySet(list(keys.values())), frozenset(keys), self._clock()

    # -- by asking -----------------------------------------------------------------------------------------------

    async def _by_asking(self, token: str) -> Mapping[str, Any] | Refusal:
        url = await self._address("introspection_url", "introspection_endpoint")
        # Both are form-encoded before they are joined (RFC 6749 section 2.3.1).
        pair = f"{quote_plus(self._settings.client_id)}:{quote_plus(self._secret)}"
        basic = base64.b64encode(pair.encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode({"token": token, "token_type_hint": "access_token"}).encode()
        found = _json(await self._ask(url, body=body, headers=headers))
        if found.get("active") is not True:
            return _refused("the provider says that the token is not active")
        # The claim is optional in this answer, which comes from the issuer itself (RFC 7662 section 2.2).
        return {"iss": self._settings.issuer, **found}

    async def _address(self, setting: str, name: str) -> str:
        given: str = getattr(self._settings, setting)
        if given:
            return given
        found = (await self._description()).get(name)
        if not isinstance(found, str) or not found.startswith("https://"):
            self._described = None  # Looked at again the next time.
            msg = f"{self._settings.described_at} names no {name} with https"
            raise LinkError(msg)
        return found

    async def _description(self) -> Mapping[str, Any]:
        """Return how the provider describes itself, fetched once an hour; the last one stays when a look fails."""
        now = self._clock()
        if self._described is not None and now - self._described_at < KEYS_GOOD_FOR:
            return self._described
        known, self._described_at = self._described, now
        try:
            self._described = await self._document(self._settings.described_at)
        except LinkError as error:
            if known is None:
                raise
            self._log.error("identity-description-not-fetched", error=str(error))
            return known
        return self._described

    async def _document(self, url: str) -> Mapping[str, Any]:
        return _json(await self._ask(url))


def _header(token: str) -> Mapping[str, Any] | None:
    parts = token.split(".")
    if len(parts) != 3:
        # Five are an encrypted token, which is none of ours.
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4)))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _usable_keys(published: object) -> dict[str, RSAKey | ECKey]:
    """Return the keys that can be used, by identifier; one that cannot be read does not spoil the others.

    Raises:
        LinkError: there is none.
    """
    found: dict[str, RSAKey | ECKey] = {}
    for key in published[:KEYS_MAX] if isinstance(published, list) else ():
        if not isinstance(key, dict) or key.get("use", "sig") != "sig":
            continue
        key_id, kind = key.get("kid"), key.get("kty")
        if not isinstance(key_id, str) or kind not in ("RSA", "EC"):
            continue
        # Certificates beside a key, and addresses of them, are never looked at.
        public = {name: value for name, value in key.items() if name not in {"x5u", "x5c"}}
        with contextlib.suppress(JoseError, ValueError, TypeError, KeyError):
            made: RSAKey | ECKey = RSAKey.import_key(public) if kind == "RSA" else ECKey.import_key(public)
            _ = made.raw_value  # Reads the numbers.
            found[key_id] = made
    if not found:
        msg = "the identity provider publishes no usable key"
        raise LinkError(msg)
    return found


def _json(data: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        msg = "the identity provider answered something else than JSON"
        raise LinkError(msg) from error
    if not isinstance(found, dict):
        msg = "the identity provider answered no JSON object"
        raise LinkError(msg)
    return found


def _moment(seconds: object) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _refused(detail: str) -> Refusal:
    return Refusal(
        Kind.SIGN_IN_FAILED,
        "token",
        "Authentication failed",
        detail,
        "Votre session Pro Santé Connect n'est pas valable ici : identifiez-vous de nouveau.",
    )
