"""``mssante node``: the nodes that serve one operator on a shared store, and whether somebody must look at one."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import click

from mssante.app.cli.french import counted, french_date
from mssante.app.cli.opened import Opened, run_opened
from mssante.app.cli.output import config_option, json_option, safe, say_json, show_table
from mssante.model.errors import MssError
from mssante.model.node import Heard, NodeState
from mssante.rules.nodes import CLOCK_OFF, is_clock_off, is_trouble, may_lead, state_of
from mssante.store import nodes
from mssante.store.tx import Tx

STATES: Final = {
    NodeState.RUNNING: "en service",
    NodeState.SILENT: "silencieux",
    NodeState.STOPPED: "arrêté",
    NodeState.REPLACED: "relancé depuis",
}
"""What each state means, in French."""
COLUMNS: Final = ("Nœud", "État", "Version", "Depuis", "Dernier signe", "Horloge", "Portes")
_ONE_NODE: Final = "Ce magasin est un fichier de cette machine : il n'a qu'un nœud, rien à suivre ici."
_RIGHT: Final = timedelta(milliseconds=50)


@click.group()
def node() -> None:
    """Les nœuds : les machines qui servent ensemble un opérateur, sur un magasin partagé.

    \b
    Exemple : mssante node list
    """


@node.command("list")
@config_option
@json_option
@click.pass_context
def list_nodes(context: click.Context, config_path: Path | None, as_json: bool) -> None:
    """Montrer chaque nœud : son état, sa version, son dernier signe, l'écart de son horloge, ses portes.

    Un nœud donne un signe toutes les cinq secondes ; il est « silencieux » après trente. Son horloge est comparée à
    celle de la base : au-delà d'une seconde c'est signalé, au-delà de quinze il ne prend plus les travaux qu'un seul
    nœud doit faire.

    \b
    Exemple : mssante node list --json
    Codes de sortie : 0 tout va bien ; 1 un nœud est silencieux, s'est arrêté de lui-même ou n'est pas à l'heure.
    """
    is_shared, now, found = run_opened(config_path, _look)
    shown = [one for one in found if one.state is not NodeState.REPLACED]
    troubled = [one for one in shown if is_trouble(one, now)]
    if as_json:
        say_json([_facts(one, now) for one in shown])
    elif not is_shared:
        click.echo(_ONE_NODE)
    else:
        show_table(COLUMNS, (_cells(one, now) for one in shown), nothing="Aucun nœud : l'opérateur ne tourne pas.")
        for one in troubled:
            click.echo(f"\n! {safe(_advice(one, now))}")
        if len({one.node.version for one in shown if one.state is NodeState.RUNNING}) > 1:
            click.echo("\nDeux versions tournent ensemble : finissez la mise à jour des autres nœuds.")
    context.exit(1 if troubled else 0)


@node.command()
@click.argument("name")
@config_option
def forget(name: str, config_path: Path | None) -> None:
    """Oublier le nœud NAME, qui ne reviendra pas. Un nœud qui tourne se remontre à son prochain signe.

    \b
    Exemple : mssante node forget mss2-3fa9
    """

    async def work(opened: Opened) -> tuple[list[Heard], datetime]:
        async def drop(tx: Tx) -> tuple[list[Heard], datetime]:
            now = await nodes.database_now(tx)
            there = [one for one in await nodes.list_nodes(tx) if one.node.name == name]
            if not any(state_of(one, now) is NodeState.RUNNING for one in there):
                await nodes.forget_node(tx, name)
            return there, now

        return await opened.store.write(drop)

    found, now = run_opened(config_path, work)
    if not found:
        msg = f"le nœud {name} n'existe pas ; `mssante node list` donne ceux qui existent"
        raise MssError(msg)
    if any(state_of(one, now) is NodeState.RUNNING for one in found):
        msg = f"le nœud {name} est en service : arrêtez-le d'abord (systemctl stop mssante, sur sa machine)"
        raise MssError(msg)
    click.echo(f"Nœud {safe(name)} oublié.")


async def _look(opened: Opened) -> tuple[bool, datetime, list[Heard]]:
    async def look(tx: Tx) -> tuple[datetime, list[Heard]]:
        return await nodes.database_now(tx), await nodes.list_nodes(tx)

    now, found = await opened.store.read(look)
    return opened.store.is_shared, now, found


def _cells(one: Heard, now: datetime) -> tuple[str, ...]:
    state = STATES[state_of(one, now)]
    return (
        one.node.name,
        f"{state} : {one.reason}" if one.reason else state,
        one.node.version,
        french_date(one.started_at),
        _ago(now - one.beat_at),
        f"{_clock(one.clock)} (!)" if is_clock_off(one.clock) else _clock(one.clock),
        one.node.doors,
    )


def _facts(one: Heard, now: datetime) -> dict[str, object]:
    return {
        "name": one.node.name,
        "host": one.node.host,
        "state": state_of(one, now).value,
        "reason": one.reason,
        "version": one.node.version,
        "schema": one.node.schema_version,
        "started_at": one.started_at,
        "beat_at": one.beat_at,
        "silent_seconds": round((now - one.beat_at).total_seconds(), 1),
        "clock_ms": None if one.clock is None else round(one.clock / timedelta(milliseconds=1)),
        "doors": one.node.doors,
        "trouble": is_trouble(one, now),
    }


def _advice(one: Heard, now: datetime) -> str:
    """Return what somebody must do about a node."""
    name = one.node.name
    match state_of(one, now):
        case NodeState.SILENT:
            fix = f"relancez-le sur {one.node.host}, ou `mssante node forget {name}` s'il ne reviendra pas"
            return f"{name} est silencieux depuis {_length(now - one.beat_at)} : {fix}."
        case NodeState.STOPPED:
            return f"{name} s'est arrêté de lui-même, {one.reason} : mettez-y la même version que sur les autres nœuds."
    fix = f"réglez l'heure de {one.node.host} (chronyc tracking)"
    if may_lead(one.clock):
        return f"{name} n'est pas à l'heure de la base ({_clock(one.clock)}) : {fix}."
    most = f"{CLOCK_OFF.total_seconds():.0f} s"
    return f"{name} est à plus de {most} de l'heure de la base et ne prend plus de travaux uniques : {fix}."


def _clock(clock: timedelta | None) -> str:
    if clock is None:
        return "inconnue"
    if abs(clock) < _RIGHT:
        return "à l'heure"
    return f"{clock.total_seconds():+.2f} s".replace(".", ",").replace("-", "\N{MINUS SIGN}")


def _ago(silence: timedelta) -> str:
    return f"il y a {_length(silence)}"


def _length(length: timedelta) -> str:
    """Return a length in its largest unit: ``3 s``, ``12 min``, ``5 h``, ``2 jours``."""
    seconds = max(0, round(length.total_seconds()))
    for unit_seconds, unit in ((86400, ""), (3600, "h"), (60, "min")):
        if seconds >= unit_seconds:
            number = seconds // unit_seconds
            return f"{number} {unit}" if unit else counted(number, "jour")
    return f"{seconds} s"
