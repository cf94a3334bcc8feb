"""What is advertised, and when: all of it is complete and tested, and nothing else is said.

Source: RFC 9051 sections 6.1.1 and 7.2.2; RFC 7888 section 5; RFC 7889; RFC 9208 section 3.
"""

from collections.abc import Iterable
from typing import Final

_ALWAYS: Final = ("IMAP4rev1", "IMAP4rev2", "SASL-IR", "LITERAL+", "ENABLE", "ID")
_SIGNED_IN: Final = (
    "IDLE",
    "NAMESPACE",
    "UIDPLUS",
    "MOVE",
    "UNSELECT",
    "CHILDREN",
    "SPECIAL-USE",
    "CREATE-SPECIAL-USE",
    "LIST-EXTENDED",
    "LIST-STATUS",
    "LIST-MYRIGHTS",
    "STATUS=SIZE",
    "ESEARCH",
    "SEARCHRES",
    "WITHIN",
    "SORT",
    "THREAD=REFERENCES",
    "THREAD=ORDEREDSUBJECT",
    "CONDSTORE",
    "QRESYNC",
    "BINARY",
    "MULTIAPPEND",
    "QUOTA",
    "QUOTA=RES-STORAGE",
    "ACL",
    "RIGHTS=kxte",
    "OBJECTID",
    "SAVEDATE",
    "PREVIEW",
    "METADATA-SERVER",
    "NOTIFY",
    "UTF8=ACCEPT",
    "UNAUTHENTICATE",
    "REPLACE",
)
ENABLED: Final = frozenset({"IMAP4REV2", "CONDSTORE", "QRESYNC", "UTF8=ACCEPT"})
"""What ENABLE takes."""


def before_sign_in(*, tls: bool, starttls: bool, mechanisms: Iterable[str]) -> str:
    """Return what is advertised to somebody unknown.

    Args:
        tls: the connection is encrypted; without it nothing can be signed in with.
        starttls: STARTTLS may be asked for.
        mechanisms: of AUTHENTICATE, when encrypted.
    """
    words = list(_ALWAYS)
    if starttls and not tls:
        words.append("STARTTLS")
    words += [f"AUTH={name}" for name in mechanisms] if tls else ["LOGINDISABLED"]
    return " ".join(words)


def signed_in(*, append_bytes: int, compressed: bool) -> str:
    """Return what is advertised after sign-in."""
    words = [*_ALWAYS, *_SIGNED_IN, f"APPENDLIMIT={append_bytes}"]
    if not compressed:
        words.append("COMPRESS=DEFLATE")
    return " ".join(words)
