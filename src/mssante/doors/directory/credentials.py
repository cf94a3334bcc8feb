"""What a request shows of its sender: an API key, a token, a password; and the keys that are known.

Not for what is to be thought of tokens, passwords and certificates: that is asked of the sign-in flow by app.

Source: operators.md 4.5 (ESANTE-API-KEY); RFC 6750 section 2.1; RFC 7617 section 2.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mssante.model.directory import Caller

KEY_HEADER: Final = "esante-api-key"
SECRET_MAX_CHARS: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of a program."""

    key: str


@dataclass(frozen=True, slots=True)
class Bearer:
    """An access token of the identity provider."""

    token: str


@dataclass(frozen=True, slots=True)
class Basic:
    """A login and an application password."""

    login: str
    password: str


Credentials = ApiKey | Bearer | Basic


def read_credentials(headers: Mapping[str, str]) -> Credentials | None:
    """Return what the headers show, an API key first; None when there is nothing that can be understood.

    Args:
        headers: names in lower case.
    """
    key = headers.get(KEY_HEADER, "")
    if key:
        return ApiKey(key) if len(key) <= SECRET_MAX_CHARS else None
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    rest = rest.strip()
    if not rest or len(rest) > SECRET_MAX_CHARS:
        return None
    match scheme.lower():
        case "bearer":
            return Bearer(rest)
        case "basic":
            return _basic(rest)
        case _:
            return None


def _basic(text: str) -> Basic | None:
    try:
        login, colon, password = base64.b64decode(text, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        return None
    return Basic(login, password) if colon and login else None


class ApiKeys:
    """Keys that are known, kept as SHA-256 digests only; guards nothing else."""

    def __init__(self, callers: Mapping[bytes, Caller]) -> None:
        """Keep them.

        Args:
            callers: SHA-256 digest of a key -> whose it is.
        """
        self._callers = tuple(callers.items())

    def caller(self, key: str) -> Caller | None:
        """Return whose key it is; the time it takes says nothing of the keys that are known."""
        asked = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
        found = None
        for digest, caller in self._callers:
            if hmac.compare_digest(digest, asked):
                found = caller
        return found
