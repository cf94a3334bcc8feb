"""``mssante dns --check`` on a real DNS server on loopback: what differs, and the fix."""

from name_server import name_server
from services import DOMAIN, SERVICES

from mssante.app.cli.dns import compare
from mssante.model.settings import ResolverSettings
from mssante.wire.autoconfig.srv import zone_text


async def problems(text: str) -> dict[str, str]:
    async with name_server(text, DOMAIN) as server:
        found = await compare(SERVICES, ResolverSettings(nameservers=(server,), timeout_seconds=5))
    return {f"{one.record.kind} {one.record.name}": one.problem for one in found if one.problem}


async def test_what_was_pasted_is_right() -> None:
    assert await problems(zone_text(SERVICES)) == {}


async def test_services_that_are_not_offered_need_no_record() -> None:
    lines = [line for line in zone_text(SERVICES).splitlines() if not line.endswith("0 0 0 .")]
    assert await problems("\n".join(lines) + "\n") == {}


async def test_an_address_serves_as_well_as_an_alias() -> None:
    text = zone_text(SERVICES).replace("CNAME web.chu-valdore.fr.", "A 192.0.2.1")
    assert await problems(text) == {}


async def test_each_difference_comes_with_its_fix() -> None:
    text = zone_text(SERVICES).replace(" 143 imap.", " 144 imap.").replace("IN MX    10 mss.", "IN MX    10 vieux.")
    text = "\n".join(line for line in text.splitlines() if not line.startswith(("_imaps", "autoconfig"))) + "\n"
    found = await problems(text)
    assert set(found) == {"MX @", "SRV _imap._tcp", "SRV _imaps._tcp", "CNAME autoconfig"}
    assert found["SRV _imap._tcp"] == (
        "publié : 0 1 144 imap.chu-valdore.fr. ; remplacez par : "
        f"_imap._tcp.{DOMAIN}. IN SRV 0 1 143 imap.chu-valdore.fr."
    )
    assert found["CNAME autoconfig"].startswith(f"absent ; ajoutez : autoconfig.{DOMAIN}. IN CNAME")
