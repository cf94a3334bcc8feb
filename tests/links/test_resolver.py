"""Where a domain's mail goes: the table, MX records, faults of the DNS."""

import dns.exception
import dns.name
import dns.rdata
import dns.resolver
import pytest

from mssante.links.resolver import HOSTS_MAX, DnsResolver, StaticResolver, read_host
from mssante.model.errors import ConfigError, LinkError
from mssante.model.outside import Host
from mssante.model.settings import ResolverSettings


class Dns:
    """Stands in for dnspython's resolver."""

    def __init__(self, answer: list[str] | Exception) -> None:
        self._answer = answer
        self.asked: list[tuple[str, str]] = []

    async def resolve(self, name: str, kind: str, **_options: object) -> list[dns.rdata.Rdata]:
        self.asked.append((name, kind))
        if isinstance(self._answer, Exception):
            raise self._answer
        return [dns.rdata.from_text("IN", "MX", text) for text in self._answer]


def resolver(answer: list[str] | Exception, **changes: object) -> DnsResolver:
    made = DnsResolver(ResolverSettings(**changes), shuffle=lambda names: names.reverse())  # type: ignore[arg-type]
    made._dns = Dns(answer)  # type: ignore[assignment]
    return made


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("mx.b.fr:25", Host("mx.b.fr", "mx.b.fr", 25)),
        ("MX.b.fr=127.0.0.1:2525", Host("mx.b.fr", "127.0.0.1", 2525)),
        ("mx.b.fr=[::1]:25", Host("mx.b.fr", "::1", 25)),
    ],
)
def test_reads_hosts_of_the_table(text: str, host: Host) -> None:
    assert read_host(text) == host


@pytest.mark.parametrize("text", ["", "mx", "mx:", ":25", "mx:0", "mx:65536", "=mx:25", "a=:25", "mx:smtp"])
def test_a_bad_entry_of_the_table_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match=r"\[resolver\] table"):
        StaticResolver(ResolverSettings(table={"b.fr": (text,)}))


async def test_the_table_keeps_its_order_and_knows_nothing_else() -> None:
    table = StaticResolver(ResolverSettings(table={"B.fr": ("one:1", "two:2")}))
    assert [host.name for host in await table.hosts("b.fr")] == ["one", "two"]
    with pytest.raises(LinkError):
        await table.hosts("c.fr")


async def test_hosts_come_by_preference_and_equal_ones_shuffled() -> None:
    made = resolver(["20 c.b.fr.", "10 A.b.fr.", "10 b.b.fr."], port=2525)
    assert await made.hosts("b.fr") == (
        Host("b.b.fr", "b.b.fr", 2525),
        Host("a.b.fr", "a.b.fr", 2525),
        Host("c.b.fr", "c.b.fr", 2525),
    )
    assert made._dns.asked == [("b.fr.", "MX")]  # type: ignore[union-attr]


async def test_a_null_mx_takes_no_mail() -> None:
    assert await resolver(["0 ."]).hosts("b.fr") == ()


async def test_a_name_without_mx_is_its_own_host() -> None:
    assert await resolver(dns.resolver.NoAnswer()).hosts("b.fr") == (Host("b.fr", "b.fr", 25),)


@pytest.mark.parametrize(
    "fault",
    [
        dns.resolver.NXDOMAIN(),
        dns.resolver.NoNameservers(),
        dns.exception.Timeout(),
        dns.exception.FormError(),
        OSError("no route"),
    ],
)
async def test_no_fault_of_the_dns_is_final(fault: Exception) -> None:
    with pytest.raises(LinkError, match=r"no MX of b\.fr"):
        await resolver(fault).hosts("b.fr")


async def test_a_huge_answer_is_cut() -> None:
    assert len(await resolver([f"{number} h{number}.b.fr." for number in range(500)]).hosts("b.fr")) == HOSTS_MAX


async def test_the_table_comes_before_the_dns() -> None:
    made = resolver(["10 a.b.fr."], table={"c.fr": ("mx.c.fr=127.0.0.1:26",)})
    assert await made.hosts("c.fr") == (Host("mx.c.fr", "127.0.0.1", 26),)
