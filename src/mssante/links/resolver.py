"""Finds the hosts that take a domain's mail: MX records, or a table from the configuration.

Not for trust: which domains may be asked for at all is decided before (rule R1).
"""

import ipaddress
import secrets
from collections.abc import Callable, Mapping
from typing import Final

import dns.asyncresolver
import dns.exception
import dns.nameserver
import dns.resolver

from mssante.model.errors import ConfigError, LinkError
from mssante.model.outside import Host
from mssante.model.settings import ResolverSettings

HOSTS_MAX: Final = 10
DNS_PORT: Final = 53

Shuffle = Callable[[list[str]], None]


class StaticResolver:
    """Knows the hosts of the table only."""

    def __init__(self, settings: ResolverSettings) -> None:
        """Read the table.

        Raises:
            ConfigError: an entry is not "host:port" nor "name=address:port".
        """
        self._hosts: Mapping[str, tuple[Host, ...]] = {
            domain.lower(): tuple(read_host(text) for text in texts) for domain, texts in settings.table.items()
        }

    async def hosts(self, domain: str) -> tuple[Host, ...]:
        """Return the hosts of the table, in its order.

        Raises:
            LinkError: the domain is not in the table.
        """
        found = self._hosts.get(domain)
        if found is None:
            msg = f"domain {domain} has no host in the table [resolver]"
            raise LinkError(msg)
        return found


class DnsResolver:
    """Asks the DNS; the table, when it has the domain, comes first."""

    def __init__(self, settings: ResolverSettings, *, shuffle: Shuffle | None = None) -> None:
        self._settings = settings
        self._static = StaticResolver(settings)
        self._shuffle = shuffle or secrets.SystemRandom().shuffle
        self._dns: dns.asyncresolver.Resolver | None = None

    async def hosts(self, domain: str) -> tuple[Host, ...]:
        """Return the hosts by preference, equal ones in random order; empty when the domain takes no mail.

        Raises:
            LinkError: no such name, no answer or a broken one; never taken as final on one look.

        Source: RFC 5321 section 5.1 (order, implicit MX); RFC 7505 (null MX); reliability.md H21.
        """
        if domain in self._settings.table:
            return await self._static.hosts(domain)
        try:
            answer = await self._resolver().resolve(
                f"{domain}.", "MX", lifetime=self._settings.timeout_seconds, search=False
            )
        except dns.resolver.NoAnswer:
            # The name exists without MX: it is its own host, and connecting looks for its addresses.
            return (Host(domain, domain, self._settings.port),)
        except (dns.exception.DNSException, OSError) as error:
            msg = f"no MX of {domain}: {type(error).__name__}: {str(error)[:200]}"
            raise LinkError(msg) from error
        return self._order([(record.preference, record.exchange.to_text(omit_final_dot=True)) for record in answer])

    def _resolver(self) -> dns.asyncresolver.Resolver:
        if self._dns is None:
            self._dns = make_resolver(self._settings.nameservers)
        return self._dns

    def _order(self, records: list[tuple[int, str]]) -> tuple[Host, ...]:
        # The root as exchange says "no mail here"; beside other records it is a mistake, and skipped.
        by_preference: dict[int, list[str]] = {}
        for preference, name in records:
            if name.strip("."):
                by_preference.setdefault(preference, []).append(name.lower())
        names: list[str] = []
        for preference in sorted(by_preference):
            equal = sorted(by_preference[preference])
            self._shuffle(equal)
            names += equal
        return tuple(Host(name, name, self._settings.port) for name in names[:HOSTS_MAX])


def make_resolver(nameservers: tuple[str, ...]) -> dns.asyncresolver.Resolver:
    """Return what asks the given servers, or those of this machine when none is given.

    Raises:
        LinkError: this machine has none.
        ConfigError: a server is not "address" or "address:port".
    """
    if not nameservers:
        try:
            return dns.asyncresolver.Resolver()
        except dns.exception.DNSException as error:
            msg = f"this machine has no DNS resolver: {error}"
            raise LinkError(msg) from error
    made = dns.asyncresolver.Resolver(configure=False)
    try:
        made.nameservers = [dns.nameserver.Do53Nameserver(*_read_server(text)) for text in nameservers]
    except ValueError as error:
        msg = f'[resolver] nameservers: {", ".join(nameservers)}: each must be "address" or "[address]:port"'
        raise ConfigError(msg) from error
    return made


def _read_server(text: str) -> tuple[str, int]:
    if text.startswith("["):
        address, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        address, _, port = text.partition(":")
    else:
        address, port = text, ""
    number = int(port or DNS_PORT)
    if not 0 < number < 65536:
        msg = f"{port} is not a port"
        raise ValueError(msg)
    return str(ipaddress.ip_address(address)), number


def read_host(text: str) -> Host:
    """Return the host that an entry of the table writes: "host:port" or "name=address:port".

    Raises:
        ConfigError: it is neither.
    """
    name, equals, place = text.rpartition("=")
    address, colon, port = place.rpartition(":")
    address = address.removeprefix("[").removesuffix("]")
    if not colon or not address or not port.isdigit() or not 0 < int(port) < 65536 or (equals and not name):
        msg = f'[resolver] table: {text!r} is not "host:port" or "name=address:port"'
        raise ConfigError(msg)
    return Host((name or address).lower(), address, int(port))
