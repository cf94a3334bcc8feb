"""XOAUTH2 and OAUTHBEARER: an access token in place of a password, and the challenge that says why it was refused.

Source: clients.md 1.1 (XOAUTH2 with a Pro Santé Connect token); RFC 7628.
"""

import json
import re
from dataclasses import dataclass
from typing import Final

from mssante.model.errors import TheirProtocolError
from mssante.wire.sasl.text import response_text

TOKEN_MAX_BYTES: Final = 16 * 1024
USER_MAX_BYTES: Final = 255
_TOKEN: Final = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
_FIELD_MARK: Final = "\x01"
SCOPE: Final = "openid scope_all"


@dataclass(frozen=True, slots=True)
class BearerClaim:
    """A token and the mailbox that is to be opened with it.

    Attributes:
        mechanism: XOAUTH2 or OAUTHBEARER.
        user: address of the mailbox, or "" for the token's own (OAUTHBEARER only).
    """

    mechanism: str
    user: str
    token: str

    def __repr__(self) -> str:
        """Return the user only: a token must never reach a log."""
        return f"BearerClaim(mechanism={self.mechanism!r}, user={self.user!r})"


def read_xoauth2(data: bytes) -> BearerClaim:
    """Return the claim of ``user=<mailbox>^Aauth=Bearer <token>^A^A``."""
    fields = response_text(data).split(_FIELD_MARK)
    if len(fields) != 4 or fields[2:] != ["", ""] or not fields[0].startswith("user="):
        msg = "XOAUTH2 response is not user=...^Aauth=Bearer ...^A^A"
        raise TheirProtocolError(msg)
    return BearerClaim("XOAUTH2", _user(fields[0].removeprefix("user=")), _token(fields[1]))


def read_oauthbearer(data: bytes) -> BearerClaim:
    """Return the claim of an OAUTHBEARER message: GS2 header with the user, then key/value pairs.

    Source: RFC 7628 section 3.1; RFC 5801 section 4 (``=2C`` and ``=3D`` in names).
    """
    header, mark, rest = response_text(data).partition(_FIELD_MARK)
    binding, comma, authzid = header.partition(",")
    if not mark or not comma or binding not in {"n", "y"} or not authzid.endswith(","):
        msg = "OAUTHBEARER response does not begin with a GS2 header such as n,a=user,"
        raise TheirProtocolError(msg)
    name = authzid[:-1]
    if name and not name.startswith("a="):
        msg = "OAUTHBEARER authorization identity does not begin with a="
        raise TheirProtocolError(msg)
    if not rest.endswith(_FIELD_MARK * 2):
        msg = "OAUTHBEARER response does not end with ^A^A"
        raise TheirProtocolError(msg)
    tokens = [pair for pair in rest[:-2].split(_FIELD_MARK) if pair.startswith("auth=")]
    if len(tokens) != 1:
        msg = "OAUTHBEARER response does not have one auth= field"
        raise TheirProtocolError(msg)
    user = name.removeprefix("a=").replace("=2C", ",").replace("=3D", "=")
    return BearerClaim("OAUTHBEARER", _user(user) if user else "", _token(tokens[0]))


def failure_challenge(mechanism: str, configuration_url: str) -> bytes:
    """Return the JSON that a refused token is answered with, before the failure itself.

    Args:
        mechanism: of the exchange.
        configuration_url: where the provider describes itself, or "".

    Source: RFC 7628 section 3.2.2; clients.md 1.1 (status, schemes, scope).
    """
    if mechanism == "XOAUTH2":
        return json.dumps({"status": "401", "schemes": "bearer", "scope": SCOPE}).encode()
    said = {"status": "invalid_token", "scope": SCOPE}
    if configuration_url:
        said["openid-configuration"] = configuration_url
    return json.dumps(said).encode()


def _user(text: str) -> str:
    if not text or len(text.encode()) > USER_MAX_BYTES or not text.isprintable():
        msg = f"the user is not a name of 1 to {USER_MAX_BYTES} bytes"
        raise TheirProtocolError(msg)
    return text


def _token(field: str) -> str:
    scheme, _, token = field.removeprefix("auth=").partition(" ")
    if not field.startswith("auth=") or scheme.lower() != "bearer" or not _TOKEN.fullmatch(token):
        msg = "the auth field is not Bearer and a token"
        raise TheirProtocolError(msg)
    if len(token) > TOKEN_MAX_BYTES:
        msg = f"the token is longer than {TOKEN_MAX_BYTES} bytes"
        raise TheirProtocolError(msg)
    return token
