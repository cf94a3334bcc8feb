"""``mssante queue``: the copies on the way; what is done by hand is written in the audit."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import click

from mssante.app.chance import utc_now
from mssante.app.cli.french import counted, french_date
from mssante.app.cli.opened import Opened, run_opened
from mssante.app.cli.output import config_option, json_option, say_json, show_facts, show_table, size_text
from mssante.app.cli.typed import DOMAIN
from mssante.flows import copies
from mssante.model.errors import ConfigError, MssError
from mssante.model.message import Copy, CopyId, CopyState
from mssante.store import queue as store_queue
from mssante.store.queue import LastAttempt
from mssante.store.tx import Tx

STATES: Final = {
    CopyState.WAITING: "en attente du premier essai",
    CopyState.SENDING: "en cours d'envoi",
    CopyState.DEFERRED: "à réessayer",
    CopyState.HELD: "retenue",
    CopyState.DELIVERED: "dans la boîte",
    CopyState.RELAYED: "remise à l'autre opérateur",
    CopyState.FAILED: "échouée",
}
"""What each state means, in French; the names of the states are the same everywhere."""

_STATE_HELP: Final = "Un seul état ; `mssante queue stats` les explique."

COPY_COLUMNS: Final = ("Copie", "Référence", "État", "De", "À", "Essais", "Prochain essai", "Dernier mot")


@click.group()
def queue() -> None:
    """Les copies en route, une par destinataire : voir, retenir, relâcher, relancer.

    \b
    Exemple : mssante queue list --state deferred
    """


@queue.command("list")
@click.option(
    "--state",
    type=click.Choice([state.value for state in CopyState]),
    help="Un seul état ; `mssante queue stats` les explique.",
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Nombre de copies.")
@config_option
@json_option
def list_copies(state: str | None, limit: int, config_path: Path | None, as_json: bool) -> None:
    """Lister les copies, les plus récentes d'abord.

    \b
    Exemple : mssante queue list --state deferred
    """
    wanted = CopyState(state) if state else None

    async def work(opened: Opened) -> list[Copy]:
        return await opened.store.read_long(lambda tx: store_queue.list_copies(tx, state=wanted, limit=limit))

    found = run_opened(config_path, work)
    if as_json:
        say_json([copy_facts(copy) for copy in found])
        return
    show_table(COPY_COLUMNS, (copy_cells(copy) for copy in found), nothing="Aucune copie.")


@queue.command()
@click.argument("number", type=int)
@config_option
@json_option
def show(number: int, config_path: Path | None, as_json: bool) -> None:
    """Montrer la copie NUMBER et son dernier essai.

    \b
    Exemple : mssante queue show 12
    """

    async def work(opened: Opened) -> tuple[Copy | None, LastAttempt | None]:
        async def look(tx: Tx) -> tuple[Copy | None, LastAttempt | None]:
            copy_id = CopyId(number)
            return await store_queue.show_copy(tx, copy_id), await store_queue.last_attempt(tx, copy_id)

        return await opened.store.read(look)

    copy, last = run_opened(config_path, work)
    if copy is None or last is None:
        msg = f"la copie {number} n'existe pas ; `mssante queue list` donne celles qui existent"
        raise MssError(msg)
    if as_json:
        attempt = {"kind": last.kind, "detail": last.detail, "reply": last.reply, "peer": last.peer, "rule": last.rule}
        say_json({**copy_facts(copy), "last": {**attempt, "at": last.at}})
        return
    show_facts(
        (
            ("Copie", str(copy.copy_id)),
            ("Référence", copy.reference),
            ("État", f"{copy.state.value} ({STATES[copy.state]})"),
            ("De", _sender(copy)),
            ("À", str(copy.recipient.address)),
            ("Taille", size_text(len(copy.prefix) + copy.body.size_bytes)),
            ("Acceptée le", french_date(copy.queued_at)),
            ("Essais", str(copy.tries)),
            ("Prochain essai", _due(copy)),
            ("Expéditeur prévenu", "oui, du retard" if copy.warned else ""),
            ("Raison", last.kind.value if last.kind else ""),
            ("Règle", last.rule),
            ("Détail", last.detail),
            ("Chez", last.peer),
            ("Réponse", last.reply),
            ("Changée le", french_date(last.at)),
        )
    )


@queue.command()
@click.argument("number", type=int, required=False)
@click.option("--domain", type=DOMAIN, help="Toutes les copies en route vers ce domaine.")
@click.option("--reason", default="retenue par l'administrateur", help="Pourquoi, pour l'audit.")
@config_option
def hold(number: int | None, domain: str | None, reason: str, config_path: Path | None) -> None:
    """Retenir la copie NUMBER, ou celles d'un domaine.

    Elles restent là jusqu'à `mssante queue release`.

    \b
    Exemple : mssante queue hold --domain ch-voisin.mssante.fr --reason "panne annoncée"
    """
    if (number is None) == (domain is None):
        msg = "donnez le numéro d'une copie ou --domain, l'un des deux"
        raise ConfigError(msg)
    if domain is not None:
        held = run_opened(
            config_path,
            lambda opened: copies.hold_domain(opened.store, domain, reason, actor=opened.actor, now=utc_now()),
        )
        click.echo(f"{counted(held, 'copie retenue', 'copies retenues')} vers {domain}.")
    elif number is not None:
        _act(
            config_path,
            lambda opened: copies.hold(
                opened.store,
                CopyId(number),
                reason,
                actor=opened.actor,
                trace_key=opened.trace_key,
                now=utc_now(),
            ),
            "retenue",
        )


@queue.command()
@click.argument("number", type=int)
@config_option
def release(number: int, config_path: Path | None) -> None:
    """Laisser repartir la copie NUMBER, tout de suite.

    \b
    Exemple : mssante queue release 12
    """
    _act(
        config_path,
        lambda opened: copies.release(
            opened.store, CopyId(number), actor=opened.actor, trace_key=opened.trace_key, now=utc_now()
        ),
        "relâchée",
    )


@queue.command()
@click.argument("number", type=int)
@config_option
def retry(number: int, config_path: Path | None) -> None:
    """Réessayer la copie NUMBER maintenant, sans attendre son heure.

    \b
    Exemple : mssante queue retry 12
    """
    _act(
        config_path,
        lambda opened: copies.retry(
            opened.store, CopyId(number), actor=opened.actor, trace_key=opened.trace_key, now=utc_now()
        ),
        "à envoyer maintenant",
    )


@queue.command()
@config_option
@json_option
def stats(config_path: Path | None, as_json: bool) -> None:
    """Compter les copies dans chaque état.

    \b
    Exemple : mssante queue stats --json
    """

    async def work(opened: Opened) -> dict[CopyState, int]:
        return await opened.store.read_long(store_queue.count_states)

    found = run_opened(config_path, work)
    if as_json:
        say_json({state.value: count for state, count in found.items()})
        return
    show_table(("État", "", "Copies"), ((state.value, STATES[state], str(count)) for state, count in found.items()))


def copy_cells(copy: Copy) -> tuple[str, ...]:
    """Return the cells of `COPY_COLUMNS` for one copy."""
    return (
        str(copy.copy_id),
        copy.reference,
        STATES[copy.state],
        _sender(copy),
        str(copy.recipient.address),
        str(copy.tries),
        _due(copy),
        copy.last_detail,
    )


def copy_facts(copy: Copy) -> dict[str, object]:
    """Return one copy for programs."""
    return {
        "id": copy.copy_id,
        "reference": copy.reference,
        "state": copy.state.value,
        "from": str(copy.sender) if copy.sender else "",
        "to": str(copy.recipient.address),
        "notice": copy.dsn,
        "tries": copy.tries,
        "queued_at": copy.queued_at,
        "due_at": None if copy.state.is_final else copy.due_at,
        "last_kind": copy.last_kind,
        "last_detail": copy.last_detail,
    }


def _act(config_path: Path | None, act: Callable[[Opened], Awaitable[Copy]], done: str) -> None:
    copy = run_opened(config_path, act)
    click.echo(f"Copie {copy.copy_id} vers {copy.recipient.address} : {done}.")


def _sender(copy: Copy) -> str:
    return str(copy.sender) if copy.sender else "<> (avis)"


def _due(copy: Copy) -> str:
    return "" if copy.state.is_final or copy.state is CopyState.HELD else french_date(copy.due_at)
