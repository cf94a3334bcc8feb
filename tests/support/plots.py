"""Two operators made once, A and B, listed and ready to start as processes; tests copy them."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import world
from processes import Plot

from mssante.app.compose import open_operator
from mssante.app.config import read_config
from mssante.app.sandbox.pki import write_issued, write_private
from mssante.app.sandbox.ports import free_ports
from mssante.wire.whitelist.write import write_white_list

A, B, C = "a.mssante.fr", "b.mssante.fr", "c.mssante.fr"
ANNE, ARTHUR = f"anne@{A}", f"arthur@{A}"
BASILE, CELINE = f"basile@{B}", f"celine@{C}"
QUICK = {"first_retry_seconds": 0.1, "longest_retry_seconds": 0.2, "lease_seconds": 1.0, "poll_seconds": 60}


@dataclass(frozen=True, slots=True)
class Plots:
    """The two, and the world whose PKI they share."""

    world: world.World
    a: Plot
    b: Plot


def new_plots(folder: Path, kit: Any) -> Plots:  # noqa: ANN401 - the kit of conftest.py, which cannot be imported
    """Return operators A and B (which also serves C) with their mailboxes and the list that binds them."""
    made = world.new_world(folder, kit.pki, kit.keys, kit.now)
    made.bind(A, kit.operator)
    for domain in (B, C):
        made.bind(domain, kit.other)
    a = _plot(made, "a", kit.operator, (A,), (ANNE, ARTHUR))
    b = _plot(made, "b", kit.other, (B, C), (BASILE, CELINE))
    return Plots(made, a, b)


def _plot(made: world.World, name: str, issued: Any, domains: tuple[str, ...], boxes: tuple[str, ...]) -> Plot:  # noqa: ANN401 - see above
    folder = made.folder / name
    folder.mkdir()
    certificate, key = write_issued(made.pki, issued, folder, "server")
    for secret in ("credential", "trace"):
        write_private(folder / f"{secret}.bin", bytes(32))
    smtp, submission = free_ports(2)
    sections: dict[str, dict[str, object]] = {
        "operator": {"name": name, "hostname": f"mss.{domains[0]}", "postmaster": f"postmaster@{domains[0]}"},
        "tls": {
            "certificate": certificate,
            "key": key,
            "anchors": made.folder / "pki" / "anchors.pem",
            "intermediates": made.folder / "pki" / "intermediates.pem",
        },
        "trust": {"list_url": "https://127.0.0.1:1/liste.xml", "check_host": False},
        "secrets": {"credential_key": folder / "credential.bin", "trace_key": folder / "trace.bin"},
        "queue": QUICK,
        "resolver": {"mode": "static"},
        "logs": {"level": "info"},
    }
    plot = Plot(folder, smtp, submission, sections)
    plot.write()
    asyncio.run(_fill(made, plot, domains, boxes))
    return plot


async def _fill(made: world.World, plot: Plot, domains: tuple[str, ...], boxes: tuple[str, ...]) -> None:
    async with open_operator(read_config(plot.config)) as operator:
        await operator.store.write(lambda tx: world._populate(tx, operator, domains, boxes))
        at = made.now - timedelta(hours=1)
        await world.save_list(operator, write_white_list(at, tuple(made.entries)), at)
        for der in made.pki.lists(made.now).values():
            await world.save_crl(operator, der)
