"""One certificate may hold a bounded number of connections, whatever addresses they come from."""

import pytest
from proofs import one_site
from world import Talk

from mssante.model.settings import LimitSettings


async def test_a_peer_with_too_many_connections_is_told_and_may_come_back(
    tmp_path_factory: pytest.TempPathFactory, pki
) -> None:
    limits = LimitSettings(connections_per_peer=2)
    async with one_site(tmp_path_factory.mktemp("peer-limit"), pki, limits=limits) as stage:
        port = stage.site.ports["smtp"]
        first, second = await Talk.secure(port, stage.context), await Talk.secure(port, stage.context)
        third = await Talk.open(port)
        await third.say("EHLO peer.test")
        await third.say("STARTTLS")
        await third.writer.start_tls(stage.context, server_hostname="localhost")
        assert (await third.say("EHLO peer.test")).startswith("421 4.7.0 Too many connections with your certificate")
        assert (await third.reader.read()) == b""
        assert (await second.say("QUIT")).startswith("221")
        assert (await second.reader.read()) == b""
        again = await Talk.secure(port, stage.context)
        assert (await again.say("NOOP")).startswith("250")
        for talk in (first, third, again):
            await talk.close()
