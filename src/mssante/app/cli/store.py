"""``mssante store``: move the store of an operator to another engine, and back."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from mssante.app.chance import utc_now
from mssante.app.cli.french import counted
from mssante.app.cli.opened import actor_name
from mssante.app.cli.output import json_option, safe, say_json, show_facts, size_text
from mssante.app.config import Config, read_config, read_secret
from mssante.flows.folders.indexing import Indexing
from mssante.model.errors import ConfigError
from mssante.store.copying.moving import Place, copy_store, move_store
from mssante.store.copying.tally import Tally, Told
from mssante.store.engine import Store

_PATH: Final = click.Path(path_type=Path, exists=True, dir_okay=False)
_SHOWN: Final = 20


@click.group()
def store() -> None:
    """Le magasin : le déplacer d'un moteur à l'autre.

    \b
    Exemple : mssante store copy --from mssante.toml --to mssante-pg.toml
    """


@store.command("copy")
@click.option("--from", "source", type=_PATH, required=True, help="Configuration du magasin en service.")
@click.option("--to", "target", type=_PATH, required=True, help="Configuration du magasin d'arrivée.")
@click.option("--final", is_flag=True, help="Finir : l'opérateur est arrêté, l'arrivée prend la suite.")
@click.option("--keep-damaged", is_flag=True, help="Copier aussi les messages dont le corps est abîmé, tels quels.")
@json_option
@click.pass_context
def copy(context: click.Context, source: Path, target: Path, final: bool, keep_damaged: bool, as_json: bool) -> None:
    """Déplacer un opérateur de SQLite et fichiers vers PostgreSQL et S3, ou l'inverse.

    D'abord sans --final, pendant que l'opérateur tourne, aussi souvent qu'on veut : chaque fois n'est copié que ce qui
    a changé, et une copie interrompue reprend où elle était. Puis arrêtez l'opérateur et relancez avec --final : le
    reste est copié, chaque ligne est comparée (UID, drapeaux, MODSEQ compris ; chaque corps l'a été à sa copie, par son
    empreinte), le départ est fermé pour de bon et l'arrivée ouverte. Avant ce moment, rien ne change pour l'opérateur.

    \b
    Exemple : mssante store copy --from mssante.toml --to mssante-pg.toml
    Codes de sortie : 0 fait ; 1 fait, mais quelque chose était abîmé au départ ; 3 pas fini, la raison est dite.
    """
    here, there = _read(source, target)
    began = time.monotonic()
    with _progress(shown=not as_json) as told:
        tally = asyncio.run(_copied(here, there, told, final=final, keep_damaged=keep_damaged))
    seconds = time.monotonic() - began
    if as_json:
        say_json({"final": final, "seconds": round(seconds, 1), "copied": tally})
    else:
        _show(tally, seconds, source, target, final=final)
    context.exit(1 if tally.damaged or tally.audit else 0)


async def _copied(here: Config, there: Config, told: Told, *, final: bool, keep_damaged: bool) -> Tally:
    source, target = _place(here), _place(there)
    if final:
        return await move_store(source, target, told, actor=actor_name(), clock=utc_now, keeps_damaged=keep_damaged)
    tally = await copy_store(source, target, told, keeps_damaged=keep_damaged)
    await _index(there, told)
    return tally


async def _index(config: Config, told: Told) -> None:
    """Find the words of the messages at the target, so that the first search there need not."""
    told("mots de la recherche", 0, 0)
    opened = await Store.open(config.operator.data_dir, config.store, blobs=config.blobs, is_copy=True)
    try:
        await Indexing(opened).catch_up()
    finally:
        await opened.close()


def _read(source: Path, target: Path) -> tuple[Config, Config]:
    """Return both configurations.

    Raises:
        ConfigError: they are not of one operator.
    """
    here, there = read_config(source), read_config(target)
    if (here.role, here.operator.name) != (there.role, there.operator.name):
        msg = f"{source} et {target} ne sont pas du même opérateur : donnez-leur les mêmes role et [operator] name"
        raise ConfigError(msg)
    for name in ("credential_key", "trace_key"):
        if read_secret(getattr(here.secrets, name)) != read_secret(getattr(there.secrets, name)):
            why = "les mots de passe et les traces ne vaudraient plus rien à l'arrivée"
            msg = f"[secrets] {name} n'est pas le même dans {source} et {target} : {why}, copiez le fichier"
            raise ConfigError(msg)
    return here, there


def _place(config: Config) -> Place:
    return Place(config.operator.data_dir, config.store, config.blobs)


def _show(tally: Tally, seconds: float, source: Path, target: Path, *, final: bool) -> None:
    show_facts(
        (
            ("Lignes comparées", _number(tally.read)),
            ("  écrites", _number(tally.written)),
            ("  retirées", _number(tally.removed)),
            ("Corps copiés et relus", f"{_number(tally.bodies)} ({size_text(tally.body_bytes)})"),
            ("Durée", f"{seconds:.1f} s".replace(".", ",")),
        )
    )
    if tally.damaged:
        click.echo(f"\nAbîmés au départ, et donc à l'arrivée : {counted(len(tally.damaged), 'corps', 'corps')}")
        for name in sorted(tally.damaged)[:_SHOWN]:
            click.echo(f"  {name}")
    if tally.audit:
        click.echo(f"\nLe journal d'audit était déjà rompu au départ, {safe(tally.audit)}")
    if final:
        click.echo(
            f"\nTout a été comparé : rien ne diffère. Le départ est fermé. Démarrez l'opérateur :\n"
            f"  mssante serve --config {target}\n"
            f"Les fichiers du départ restent, pour un retour : échangez --from et --to."
        )
        return
    click.echo(
        f"\nL'opérateur continue comme avant. Quand vous voulez, arrêtez-le et finissez :\n"
        f"  mssante store copy --from {source} --to {target} --final"
    )


def _number(value: int) -> str:
    return f"{value:,}".replace(",", "\u202f")


@contextmanager
def _progress(*, shown: bool) -> Iterator[Told]:
    """Yield what shows the step and how far it is on standard error."""
    if not shown:
        yield lambda _step, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("ouverture", total=None)

        def told(step: str, done: int, total: int) -> None:
            bar.update(task, description=step, completed=done, total=total or None)

        yield told
