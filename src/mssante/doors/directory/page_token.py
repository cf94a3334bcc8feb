"""Where the next page of a search begins, as a text that only its own caller can give back for the same search.

Source: reliability.md D09 (harvest), D10; the draft (``_page_token`` of the link ``next``).
"""

import base64
import binascii
import hashlib
import hmac
import json
import struct
from collections.abc import Sequence
from typing import Final

_FORM: Final = struct.Struct(">BQ")
_SEAL_BYTES: Final = 16
# What may change between two pages of one search.
_LOOSE: Final = frozenset({"_page_token", "_count", "_total", "_format", "_pretty"})


class PageTokens:
    """Makes and reads the tokens; guards the key."""

    def __init__(self, key: bytes) -> None:
        """Keep the key.

        Args:
            key: 16 random bytes or more, the same for every process that serves this door.

        Raises:
            ValueError: it is shorter.
        """
        if len(key) < 16:
            msg = "the key of page tokens is shorter than 16 bytes"
            raise ValueError(msg)
        self._key = key

    def write(self, caller: str, what: str, pairs: Sequence[tuple[str, str]], place: tuple[int, int | None]) -> str:
        """Return the token.

        Args:
            caller: name of who asks.
            what: which resources are searched.
            pairs: parameters of the search.
            place: number of the resource type, and after which of its numbers; None: from its beginning.
        """
        index, after = place
        form = _FORM.pack(index, 0 if after is None else after + 1)
        return base64.urlsafe_b64encode(form + self._seal(caller, what, pairs, form)).decode().rstrip("=")

    def read(
        self, token: str, caller: str, what: str, pairs: Sequence[tuple[str, str]]
    ) -> tuple[int, int | None] | None:
        """Return the place, or None when the token is not of this caller and this search."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        form, seal = raw[: _FORM.size], raw[_FORM.size :]
        if len(form) != _FORM.size or not hmac.compare_digest(seal, self._seal(caller, what, pairs, form)):
            return None
        index, after = _FORM.unpack(form)
        return index, after - 1 if after else None

    def _seal(self, caller: str, what: str, pairs: Sequence[tuple[str, str]], form: bytes) -> bytes:
        asked = [pair for pair in pairs if pair[0] not in _LOOSE]
        said = json.dumps([caller, what, asked]).encode()
        return hmac.new(self._key, form + said, hashlib.sha256).digest()[:_SEAL_BYTES]
