"""An identity provider for tests: keys, tokens, and the documents that it publishes, in memory."""

import json
from typing import Any

from forge import NOW
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from mssante.model.errors import LinkError

ISSUER = "https://psc.test/auth/realms/esante-wallet"
RPPS = "10009900110"


class Provider:
    """What `TokenVerifier` asks; `down` makes it answer nothing."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {"k1": RSAKey.generate_key(2048, {"kid": "k1"})}
        self.down = False
        self.asked: list[str] = []
        self.active: dict[str, dict[str, Any]] = {}
        self.headers: dict[str, str] = {}

    async def ask(self, url: str, *, body: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
        self.asked.append(url)
        if self.down:
            msg = "down"
            raise LinkError(msg)
        if body is not None:
            self.headers = dict(headers or {})
            token = body.decode().split("&")[0].removeprefix("token=")
            return json.dumps({"active": token in self.active, **self.active.get(token, {})}).encode()
        if url.endswith("openid-configuration"):
            return json.dumps(
                {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/certs", "introspection_endpoint": f"{ISSUER}/introspect"}
            ).encode()
        return json.dumps({"keys": [key.as_dict(private=False) for key in self.keys.values()]}).encode()

    def claims(self, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - claims are any JSON
        """Return good claims with changes; None takes a claim away."""
        now = int(NOW.timestamp())
        claims = {
            "iss": ISSUER,
            "sub": "f:1:2",
            "aud": "mssante",
            "azp": "logiciel",
            "typ": "Bearer",
            "iat": now,
            "exp": now + 240,
            "SubjectNameID": f"8{RPPS}",
            "preferred_username": f"8{RPPS}",
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key: str = "k1", header: dict[str, Any] | None = None, **changes: Any) -> str:  # noqa: ANN401 - see above
        """Return a token signed with one of the keys."""
        made = {"alg": "RS256", "kid": key, "typ": "JWT", **(header or {})}
        payload = json.dumps(self.claims(**changes))
        algorithms = [made["alg"]]
        return jws.serialize_compact(made, payload, self.keys[key], algorithms=algorithms)


__all__ = ["ISSUER", "RPPS", "ECKey", "Provider", "RSAKey"]
