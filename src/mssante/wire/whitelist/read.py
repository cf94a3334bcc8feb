"""Read the white list in the national format.

A bad entry is left out with its line and reason, it never costs the file: the real list has some. Not for the signature
(see `mssante.wire.whitelist.sign`), nor for deciding whether the list may be used (see `mssante.rules.list_update`).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from lxml import etree

from mssante.model.address import parse_domain
from mssante.model.dn import DistinguishedName, parse_dn
from mssante.model.errors import TheirProtocolError
from mssante.model.whitelist import BadEntry, Entry, WhiteList, build_white_list
from mssante.wire.whitelist.guard import LIST_MAX_BYTES, NAMESPACE, parse_guarded

ENTRIES_MAX: Final = 200_000
SHOWN_MAX: Final = 80

_PREFIX: Final = f"{{{NAMESPACE}}}"
_DATE: Final = f"{_PREFIX}DateDeGeneration"
_DOMAINS: Final = f"{_PREFIX}ListeDomaines"
_DOMAIN: Final = f"{_PREFIX}Domaine"


@dataclass(frozen=True, slots=True)
class ListLimits:
    """Bounds of a list.

    Attributes:
        max_bytes: longest file.
        entries: most entries.
    """

    max_bytes: int = LIST_MAX_BYTES
    entries: int = ENTRIES_MAX


DEFAULT_LIMITS: Final = ListLimits()


def read_white_list(data: bytes, limits: ListLimits = DEFAULT_LIMITS) -> WhiteList:
    """Return the list with its look-up tables; unknown elements are passed over.

    Raises:
        TheirProtocolError: the file as a whole cannot be used: not the format, no date, too big, a DTD.

    Source: operators.md 3.2; operators.md 3.3; reliability.md C07.
    """
    root = parse_guarded(data, limits.max_bytes)
    generated_at = _read_time(_only_text(root, _DATE))
    if generated_at is None:
        msg = "white list has no DateDeGeneration of the form YYYY-MM-DDThh:mm:ssZ"
        raise TheirProtocolError(msg)
    holders = root.findall(_DOMAINS)
    if len(holders) != 1:
        msg = f"white list has {len(holders)} ListeDomaines instead of one"
        raise TheirProtocolError(msg)
    if len(holders[0]) > limits.entries:
        msg = f"white list has {len(holders[0])} entries, more than {limits.entries}"
        raise TheirProtocolError(msg)
    entries: list[Entry] = []
    bad: list[BadEntry] = []
    names: dict[str, DistinguishedName] = {}
    for element in holders[0].iterchildren(_DOMAIN):
        fields: dict[str, str] = {}
        try:
            fields = _read_fields(element)
            entries.append(_read_entry(fields, names))
        except TheirProtocolError as error:
            name = fields.get("Nom", "")[:SHOWN_MAX]
            line: object = element.sourceline
            bad.append(BadEntry(line=line if isinstance(line, int) else 0, name=name, reason=str(error)))
    return build_white_list(generated_at, tuple(entries), tuple(bad))


def read_entry_domain(text: str) -> str:
    """Return the domain of an entry in lower case.

    Raises:
        TheirProtocolError: not a whole ASCII host name with a dot.

    Source: operators.md 3.3 (capitals and a name with an at sign were seen).
    """
    domain = parse_domain(text)
    if "." not in domain or domain.rpartition(".")[2].isdigit():
        msg = f"domain {text[:SHOWN_MAX]!r} is not a whole host name"
        raise TheirProtocolError(msg)
    return domain


def _only_text(root: etree._Element, tag: str) -> str:
    found = root.findall(tag)
    return (found[0].text or "").strip() if len(found) == 1 and not len(found[0]) else ""


def _read_fields(element: etree._Element) -> dict[str, str]:
    fields: dict[str, str] = {}
    for child in element:
        tag: object = child.tag  # a comment's is a function
        if not isinstance(tag, str) or not tag.startswith(_PREFIX):
            continue
        name = tag[len(_PREFIX) :]
        # A comment or an element inside a value could make two readers see two values.
        if name in fields or len(child):
            msg = f"entry has {name} twice or with something else than text in it"
            raise TheirProtocolError(msg)
        fields[name] = (child.text or "").strip()
    return fields


def _read_entry(fields: dict[str, str], names: dict[str, DistinguishedName]) -> Entry:
    dn_text = fields.get("DNCertificatOperateur", "")
    domain = read_entry_domain(fields.get("Nom", ""))
    dn = names.get(dn_text)
    if dn is None:
        # A few hundred certificates serve thousands of domains: each text is parsed once.
        dn = names[dn_text] = parse_dn(dn_text)
    return Entry(
        domain=domain,
        dn=dn,
        dn_text=dn_text,
        description=fields.get("Description", ""),
        responsible=fields.get("ResponsableContact", ""),
        support=fields.get("SupportContact", ""),
        updated_at=_read_time(fields.get("DateMAJ", "")),
    )


def _read_time(text: str) -> datetime | None:
    if len(text) != len("2026-01-02T03:04:05Z") or not text.endswith("Z") or text[10] != "T" or not text.isascii():
        return None
    try:
        return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
    except ValueError:
        return None
