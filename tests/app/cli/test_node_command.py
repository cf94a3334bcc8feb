"""``mssante node``: every node with its state, its clock and its doors; monitoring hears of a silent one."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cli_world import Shell, new_shell
from postgresql import Server, postgresql

from mssante.app.config import read_config
from mssante.model.node import Node
from mssante.store import nodes
from mssante.store.engine import Store
from mssante.store.tx import Tx, Work

__all__ = ["postgresql"]
DOORS = "smtp 25, submission 587, imaps 993"


@pytest.fixture
def shell(tmp_path: Path, pki, capsys: pytest.CaptureFixture[str], postgresql: Server) -> Iterator[Shell]:
    asyncio.run(postgresql.ask("CREATE DATABASE noeuds ENCODING 'UTF8' TEMPLATE template0"))
    yield new_shell(tmp_path, pki, capsys, "--dsn", postgresql.settings("noeuds").dsn)
    asyncio.run(postgresql.drop("noeuds"))


def write(shell: Shell, work: Work[object]) -> None:
    config = read_config(shell.config)

    async def run() -> None:
        store = await Store.open(config.operator.data_dir, config.store)
        await store.write(work)
        await store.close()

    asyncio.run(run())


def silence(server: Server, run: str, seconds: int) -> None:
    asyncio.run(
        server.ask("UPDATE node SET beat_at = beat_at - $1 WHERE run = $2", seconds * 10**6, run, database="noeuds")
    )


async def two(tx: Tx) -> None:
    await nodes.beat(tx, Node("r0", "mss1-3fa9", "mss1.chu.fr", "0.1.0", 11, DOORS), timedelta(0))
    await nodes.beat(tx, Node("r1", "mss1-3fa9", "mss1.chu.fr", "0.1.0", 11, DOORS), timedelta(milliseconds=3))
    await nodes.beat(tx, Node("r2", "mss2-77c0", "mss2.chu.fr", "0.1.0", 11, DOORS), timedelta(milliseconds=-120))


def test_shows_every_node_that_is_not_replaced(shell: Shell) -> None:
    assert "Aucun nœud : l'opérateur ne tourne pas." in shell.good("node", "list").out
    write(shell, two)
    said = shell.good("node", "list").out
    rows = [line.strip() for line in said.splitlines() if line.strip().startswith("mss")]
    assert [row.split()[0] for row in rows] == ["mss1-3fa9", "mss2-77c0"]
    assert all(part in rows[0] for part in ("en service", "0.1.0", "il y a", "à l'heure", DOORS))
    assert "−0,12 s" in rows[1]
    found = shell.good("node", "list", "--json").json
    assert [(one["name"], one["state"], one["clock_ms"], one["trouble"]) for one in found] == [
        ("mss1-3fa9", "running", 3, False),
        ("mss2-77c0", "running", -120, False),
    ]


def test_a_silent_node_is_a_finding_until_it_is_forgotten(shell: Shell, postgresql: Server) -> None:
    write(shell, two)
    silence(postgresql, "r2", 240)
    answer = shell("node", "list")
    assert answer.code == 1
    assert "silencieux" in answer.out
    advice = "mss2-77c0 est silencieux depuis 4 min : relancez-le sur mss2.chu.fr, ou `mssante node forget mss2-77c0`"
    assert advice in answer.out
    assert shell("node", "list", "--json").code == 1
    refused = shell("node", "forget", "mss1-3fa9")
    assert (refused.code, "est en service : arrêtez-le d'abord" in refused.err) == (1, True)
    assert shell.good("node", "forget", "mss2-77c0").out == "Nœud mss2-77c0 oublié.\n"
    assert "mss2-77c0" not in shell.good("node", "list").out
    missing = shell("node", "forget", "mss2-77c0")
    assert (missing.code, "`mssante node list` donne ceux qui existent" in missing.err) == (1, True)


@pytest.mark.parametrize(
    ("seconds", "cell", "advice"),
    [
        (1.5, "+1,50 s (!)", "mss3-0000 n'est pas à l'heure de la base (+1,50 s) : réglez l'heure de mss3"),
        (-40, "−40,00 s (!)", "est à plus de 15 s de l'heure de la base et ne prend plus de travaux uniques"),
    ],
)
def test_a_clock_that_is_off_is_a_finding(shell: Shell, seconds: float, cell: str, advice: str) -> None:
    node = Node("r3", "mss3-0000", "mss3", "0.1.0", 11, DOORS)
    write(shell, lambda tx: nodes.beat(tx, node, timedelta(seconds=seconds)))
    answer = shell("node", "list")
    assert answer.code == 1
    assert cell in answer.out
    assert advice in answer.out


def test_a_node_stopped_in_order_is_none_and_one_that_gave_up_is(shell: Shell) -> None:
    write(shell, two)
    write(shell, lambda tx: nodes.stop(tx, "r2"))
    assert "arrêté" in shell.good("node", "list").out
    write(shell, lambda tx: nodes.stop(tx, "r2", "le schéma demande un programme qui le connaît jusqu'au 12"))
    newer = Node("r4", "mss4-0000", "mss4", "0.2.0", 12, DOORS)
    write(shell, lambda tx: nodes.beat(tx, newer, timedelta(0)))
    answer = shell("node", "list")
    assert answer.code == 1
    assert "mss2-77c0 s'est arrêté de lui-même, le schéma demande un programme" in answer.out
    assert "Deux versions tournent ensemble" in answer.out


def test_a_store_of_one_node_has_nothing_to_follow(tmp_path: Path, pki, capsys: pytest.CaptureFixture[str]) -> None:
    shell = new_shell(tmp_path, pki, capsys)
    assert "il n'a qu'un nœud" in shell.good("node", "list").out
    assert shell.good("node", "list", "--json").json == []
