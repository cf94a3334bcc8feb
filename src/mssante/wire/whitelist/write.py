"""Write the white list in the national format, as the manager publishes it."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from mssante.model.errors import TheirProtocolError
from mssante.model.whitelist import Entry
from mssante.wire.whitelist.guard import NAMESPACE

# What XML 1.0 cannot hold, not even as a character reference.
_IMPOSSIBLE: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_DATE: Final = "%Y-%m-%dT%H:%M:%SZ"


def write_white_list(generated_at: datetime, entries: Iterable[Entry]) -> bytes:
    """Return the whole file; entries in the order given, fields in the order of the format.

    Args:
        generated_at: aware; written in UTC without fraction of a second.
        entries: `dn_text` is written as it is; an unknown `updated_at` becomes `generated_at`.

    Raises:
        TheirProtocolError: a text holds a character that XML forbids.

    Source: operators.md 3.2.
    """
    stamp = generated_at.astimezone(UTC)
    head = (
        f'<?xml version="1.0" encoding="UTF-8"?><ListeBlancheMSSante xmlns="{NAMESPACE}">\n'
        f"    <DateDeGeneration>{stamp.strftime(_DATE)}</DateDeGeneration>\n"
        "    <ListeDomaines>\n"
    )
    body = "".join(_entry(entry, stamp) for entry in entries)
    return f"{head}{body}    </ListeDomaines>\n</ListeBlancheMSSante>\n".encode()


def _entry(entry: Entry, stamp: datetime) -> str:
    updated = (entry.updated_at or stamp).astimezone(UTC).strftime(_DATE)
    return (
        "        <Domaine>\n"
        f"            <Nom>{_text(entry.domain)}</Nom>\n"
        f"            <Description>{_text(entry.description)}</Description>\n"
        f"            <DNCertificatOperateur>{_text(entry.dn_text)}</DNCertificatOperateur>\n"
        f"            <ResponsableContact>{_text(entry.responsible)}</ResponsableContact>\n"
        f"            <SupportContact>{_text(entry.support)}</SupportContact>\n"
        f"            <DateMAJ>{updated}</DateMAJ>\n"
        "        </Domaine>\n"
    )


def _text(value: str) -> str:
    if _IMPOSSIBLE.search(value):
        msg = f"text {value[:60]!r} of the white list has a character that XML forbids: remove it"
        raise TheirProtocolError(msg)
    return value.translate(_ESCAPES)
