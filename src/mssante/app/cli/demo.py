"""``mssante demo``: a whole trust space on this machine."""

import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import click
from rich.console import Console

from mssante.app.sandbox.processes import Nursery, open_nursery
from mssante.app.sandbox.run import PROGRAMS, demonstrate
from mssante.app.sandbox.show import JsonView, PrettyView, View
from mssante.model.errors import ConfigError
from mssante.model.system import reason


@click.command()
@click.option("--once", is_flag=True, help="S'arrêter après la démonstration, au lieu de laisser l'espace ouvert.")
@click.option("--json", "as_json", is_flag=True, help="Un objet JSON par ligne, pour un programme.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Garder les fichiers dans ce dossier (nouveau ou vide), au lieu d'un dossier temporaire effacé à la fin.",
)
@click.option(
    "--people",
    type=click.IntRange(1, 2_000_000),
    default=50_000,
    show_default=True,
    help="Professionnels inventés dans l'annuaire.",
)
@click.option("--cluster", is_flag=True, help="L'hôpital sur deux nœuds, une base et un stockage que l'on tue.")
@click.pass_context
def demo(context: click.Context, once: bool, as_json: bool, folder: Path | None, people: int, cluster: bool) -> None:
    """Montrer un espace de confiance MSSanté complet sur cette machine.

    Démarre un gestionnaire et quatre opérateurs, fait circuler des messages sous TLS mutuel et liste blanche, puis
    joue des pairs qui doivent être refusés. Sans --once, l'espace reste ouvert jusqu'à Ctrl-C.

    \b
    Exemple : mssante demo --once
    Avec --cluster : paquets Debian postgresql, patroni, etcd-server, swift ; une minute.
    Codes de sortie : 0 tout s'est passé comme attendu (ou arrêt demandé), 1 sinon, 2 démarrage impossible.
    """
    if cluster:
        context.exit(_demo_cluster(folder, as_json=as_json))
    view: View = JsonView(sys.stdout) if as_json else PrettyView(Console())
    with _place(folder) as place:
        nursery = open_nursery(PROGRAMS)
        try:
            as_expected = asyncio.run(_until_stopped(place, view, nursery, once=once, people=people))
        finally:
            nursery.close()
    context.exit(0 if as_expected else 1)


def _demo_cluster(folder: Path | None, *, as_json: bool) -> int:
    # Only this demonstration needs them.
    from mssante.app.sandbox.clustered import PROGRAMS as CLUSTER_PROGRAMS
    from mssante.app.sandbox.clustered import demonstrate_cluster

    def told(name: str, text: str, facts: Mapping[str, object]) -> None:
        if as_json:
            if name != "progress":
                click.echo(json.dumps({"event": name, **facts}, ensure_ascii=False))
        elif name != "progress" or sys.stdout.isatty():
            click.echo(text)

    with _place(folder) as place:
        nursery = open_nursery(CLUSTER_PROGRAMS)
        try:
            outcome = asyncio.run(demonstrate_cluster(place, told, nursery))
        finally:
            nursery.close()
    return 0 if outcome.as_expected else 1


async def _until_stopped(folder: Path, view: View, nursery: Nursery, *, once: bool, people: int) -> bool:
    """Run the demonstration; SIGINT and SIGTERM end it in order, and count as asked for when it was not ``--once``."""
    task = asyncio.ensure_future(demonstrate(folder, view, nursery, once=once, people=people))
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, task.cancel)
    with suppress(asyncio.CancelledError):
        return await task
    return not once


@contextmanager
def _place(folder: Path | None) -> Iterator[Path]:
    """Yield the folder to lay the space out in; a temporary one is removed at the end."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="mssante-demo-") as made:
            yield Path(made)
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        used = any(folder.iterdir())
    except OSError as error:
        msg = f"--dir {folder} : {reason(error)} ; choisissez un dossier où vous pouvez écrire"
        raise ConfigError(msg) from error
    if used:
        msg = f"--dir {folder} n'est pas vide ; donnez un nouveau dossier"
        raise ConfigError(msg)
    yield folder.resolve()
