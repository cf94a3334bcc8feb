"""What people type, as values: addresses, domains, sizes, dates; a wrong one is a usage error with what is wanted."""

import re
from datetime import UTC, datetime
from typing import Final

import click

from mssante.model.address import Address, parse_address, parse_domain
from mssante.model.dn import parse_dn
from mssante.model.errors import TheirProtocolError

_SIZE: Final = re.compile(r"([0-9]{1,15})\s*([KMGT]?)(?:i?o)?", re.IGNORECASE)
_POWERS: Final = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


class AddressType(click.ParamType[Address]):
    """An address, alone: no name, no brackets."""

    name = "adresse"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        """Return the address, or fail with what is wrong."""
        if isinstance(value, Address):
            return value
        try:
            return parse_address(str(value))
        except TheirProtocolError:
            return self.fail(f"{value!r} n'est pas une adresse de la forme nom@domaine", param, ctx)


class DomainType(click.ParamType[str]):
    """A domain name."""

    name = "domaine"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the domain in canonical form, or fail with what is wrong."""
        try:
            return parse_domain(str(value).removesuffix("."))
        except TheirProtocolError:
            return self.fail(f"{value!r} n'est pas un nom de domaine (lettres, chiffres, tirets, points)", param, ctx)


class NameType(click.ParamType[str]):
    """A distinguished name, as the white list writes it."""

    name = "nom"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text as it was typed, or fail with the form that is wanted."""
        text = str(value)
        if not text:
            return text
        try:
            parse_dn(text)
        except TheirProtocolError:
            wanted = "un nom de certificat, par exemple CN=mss.ch.fr,OU=1310990015,O=CH,ST=Paris (75),C=FR"
            return self.fail(f"{text!r} n'est pas {wanted}", param, ctx)
        return text


class SizeType(click.ParamType[int]):
    """A size in bytes, with K, M, G or T for powers of 1,024."""

    name = "taille"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of bytes, or fail with what is wrong."""
        if isinstance(value, int):
            return value
        found = _SIZE.fullmatch(str(value).strip())
        if found is None:
            return self.fail(f"{value!r} n'est pas une taille, par exemple 500M ou 2G", param, ctx)
        return int(found[1]) * int(1024 ** _POWERS[found[2].upper()])


class MomentType(click.ParamType[datetime]):
    """A date, or a date and a time, UTC unless it says otherwise."""

    name = "date"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the moment, aware, or fail with what is wrong."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            return self.fail(f"{value!r} n'est pas une date, par exemple 2026-11-23 ou 2026-11-23T08:00", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


ADDRESS: Final = AddressType()
DOMAIN: Final = DomainType()
DN: Final = NameType()
SIZE: Final = SizeType()
MOMENT: Final = MomentType()
