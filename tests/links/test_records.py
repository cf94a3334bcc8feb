"""Records asked of a real DNS server on loopback."""

import pytest
from name_server import name_server
from services import DOMAIN, SERVICES

from mssante.links.records import published
from mssante.links.resolver import make_resolver
from mssante.model.errors import ConfigError, LinkError
from mssante.wire.autoconfig.srv import zone_text


async def test_records_come_as_a_zone_file_writes_them() -> None:
    async with name_server(zone_text(SERVICES), DOMAIN) as server:
        resolver = make_resolver((server,))
        found = await published(resolver, DOMAIN, "MX", timeout_seconds=5)
        missing = await published(resolver, f"rien.{DOMAIN}", "MX", timeout_seconds=5)
    assert (found, missing) == (("10 mss.chu-valdore.fr.",), ())


async def test_a_silent_server_is_an_error_of_the_outside() -> None:
    resolver = make_resolver(("127.0.0.1:1",))
    with pytest.raises(LinkError):
        await published(resolver, DOMAIN, "MX", timeout_seconds=0.2)


@pytest.mark.parametrize("text", ["name.fr", "127.0.0.1:x", "127.0.0.1:99999", "[::1]x"])
def test_a_server_must_be_an_address(text: str) -> None:
    with pytest.raises(ConfigError, match="nameservers"):
        make_resolver((text,))
