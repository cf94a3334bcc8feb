"""What the directory is told of our mailboxes: ``directory publish`` and ``directory publications``."""

from collections import Counter
from pathlib import Path
from typing import Final

import click

from mssante.app.chance import new_reference, utc_now
from mssante.app.cli.french import counted, french_date
from mssante.app.cli.opened import Opened, quiet, run_opened
from mssante.app.cli.output import config_option, json_option, say_json, show_table
from mssante.app.cli.typed import ADDRESS
from mssante.app.directory_place import directory_link
from mssante.app.logs import make_log
from mssante.flows.publication.announcing import Announcing, Planned, Round, plan, publish_again
from mssante.flows.publication.dropping import Dropped, Dropping
from mssante.links.directory_drop import DirectoryDrop
from mssante.model.address import Address
from mssante.model.directory import AddMailbox, ChangeMailbox, RemoveMailbox
from mssante.model.mailbox import MailboxState
from mssante.model.publication import Announced, PublicationState
from mssante.rules.publication import Step, advice
from mssante.store import publication
from mssante.wire.annuaire.extraction import EXTRACTION_HEADER, extraction_line

STATES: Final = {
    PublicationState.TO_PUBLISH: "à publier",
    PublicationState.SENT: "envoyée",
    PublicationState.ACCEPTED: "acceptée",
    PublicationState.REFUSED: "refusée",
    PublicationState.WITHDRAWN: "retirée",
}
"""What each state means, in French; the names of the states are the same everywhere."""

_SHOWN_MAX: Final = 10_000


@click.command()
@click.option("--dry-run", is_flag=True, help="Montrer ce qui serait demandé à l'annuaire, sans rien changer.")
@click.option("--again", is_flag=True, help="Reprendre d'abord les boîtes refusées.")
@click.option("--address", type=ADDRESS, default=None, help="Reprendre d'abord cette boîte, quel que soit son état.")
@click.option(
    "--drop",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=None,
    help="Déposer dans ce dossier le fichier à 31 colonnes de toutes nos boîtes.",
)
@config_option
@json_option
def publish(
    dry_run: bool,
    again: bool,
    address: Address | None,
    drop: Path | None,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Publier dans l'annuaire ce qui est à publier ou à retirer.

    Un opérateur en marche le fait tout seul ; cette commande le fait maintenant.

    \b
    Exemples :
      mssante directory publish --dry-run
      mssante directory publish --drop /srv/annuaire/depot
    """
    if dry_run:
        _show_plan(run_opened(config_path, _planned), as_json=as_json)
        return

    async def work(opened: Opened) -> tuple[int, Dropped | None, Round | None]:
        resumed = await _resume(opened, address) if again or address is not None else 0
        if drop is not None:
            return resumed, await _drop(opened, drop), None
        return resumed, None, await _publish(opened)

    resumed, dropped, done = run_opened(config_path, work)
    if as_json:
        say_json({"resumed": resumed, "file": dropped, "done": done})
        return
    if again or address is not None:
        click.echo(f"{counted(resumed, 'boîte reprise', 'boîtes reprises')}.")
    if dropped is not None and dropped.name:
        lines = counted(dropped.lines, "boîte")
        click.echo(f"{dropped.name} déposé : {lines}, dont {dropped.changed} à publier ; {dropped.left_out} écartées.")
    elif dropped is not None:
        click.echo("Rien à publier.")
    elif done is None:
        click.echo("[publication] directory_url n'est pas donné : rien n'est envoyé ; `--drop` dépose un fichier.")
    else:
        click.echo(
            f"Annuaire : {done.accepted} acceptées, {done.withdrawn} retirées, {done.refused} refusées, "
            f"{done.put_off} remises à plus tard ; `mssante directory publications`."
        )


@click.command()
@click.option("--state", type=click.Choice([state.value for state in PublicationState]), help="Un seul état.")
@config_option
@json_option
def publications(state: str | None, config_path: Path | None, as_json: bool) -> None:
    """Montrer où en est la publication de chaque boîte, avec la raison et le remède de celles qui sont refusées.

    \b
    Exemple : mssante directory publications --state refused
    """
    wanted = None if state is None else PublicationState(state)

    async def work(opened: Opened) -> list[Announced]:
        return await opened.store.read_long(lambda tx: publication.list_announced(tx, state=wanted, limit=_SHOWN_MAX))

    found = run_opened(config_path, work)
    if as_json:
        say_json([_facts(one) for one in found])
        return
    rows = ((str(one.mailbox.address), state_text(one), french_date(one.changed_at), *_advice(one)) for one in found)
    show_table(("Adresse", "Publication", "Depuis", "Raison", "Remède"), rows, nothing="Aucune boîte.")
    counts = Counter(STATES[one.state] for one in found)
    click.echo(", ".join(f"{number} {said}" for said, number in counts.items()))


def state_text(one: Announced) -> str:
    """Return where the publication of a mailbox is, in French: of one that left, publishing is withdrawing."""
    is_open = one.mailbox.state is MailboxState.ACTIVE
    return "à retirer" if one.state is PublicationState.TO_PUBLISH and not is_open else STATES[one.state]


def _advice(one: Announced) -> tuple[str, str]:
    if not one.code:
        return "", ""
    why, fix = advice(one.code)
    return (f"{why} ({one.reason})" if one.reason else why), fix.replace("ADRESSE", str(one.mailbox.address))


async def _planned(opened: Opened) -> tuple[Planned, ...]:
    now = utc_now()
    due = await opened.store.read_long(lambda tx: publication.due(tx, now, _SHOWN_MAX))
    return tuple(plan(one, opened.config.publication) for one in due)


async def _resume(opened: Opened, address: Address | None) -> int:
    mailbox = None if address is None else await opened.mailbox(address)
    return await publish_again(opened.store, mailbox, actor=opened.actor, trace_key=opened.trace_key, now=utc_now())


async def _publish(opened: Opened) -> Round | None:
    """Publish what is due to the directory of the configuration; None when there is none."""
    link = directory_link(opened.config)
    if link is None:
        return None
    announcing = Announcing(
        settings=opened.config.publication,
        store=opened.store,
        link=link,
        clock=utc_now,
        new_lease=new_reference,
        trace_key=opened.trace_key,
        log=make_log(quiet(opened.config).logs, name=opened.config.operator.name),
    )
    return await announcing.publish_due()


async def _drop(opened: Opened, folder: Path) -> Dropped:
    dropping = Dropping(
        store=opened.store,
        folder=DirectoryDrop(folder),
        header=EXTRACTION_HEADER,
        line=extraction_line,
        actor=opened.actor,
        trace_key=opened.trace_key,
        clock=utc_now,
    )
    return await dropping.drop()


def _show_plan(found: tuple[Planned, ...], *, as_json: bool) -> None:
    if as_json:
        say_json(
            [
                {
                    "address": one.announced.mailbox.address,
                    "steps": [_step(step) for step in one.steps],
                    "code": one.code,
                }
                for one in found
            ]
        )
        return
    rows = (
        (
            str(one.announced.mailbox.address),
            " puis ".join(_step(step) for step in one.steps)
            or (advice(one.code)[0] if one.code else "rien à demander"),
            f"{one.steps[-1].target.holder.value} {one.steps[-1].target.identifier}" if one.steps else "",
        )
        for one in found
    )
    show_table(("Adresse", "Demande", "Attachée à"), rows, nothing="Rien à publier.")


def _step(step: Step) -> str:
    match step.change:
        case AddMailbox():
            return "ajouter"
        case ChangeMailbox():
            return "changer"
        case RemoveMailbox():
            return "retirer"


def _facts(one: Announced) -> dict[str, object]:
    why, fix = _advice(one)
    return {
        "address": str(one.mailbox.address),
        "type": one.mailbox.kind.value,
        "mailbox": one.mailbox.state.value,
        "state": one.state.value,
        "changed_at": one.changed_at,
        "due_at": one.due_at,
        "tries": one.tries,
        "code": one.code or None,
        "reason": why or None,
        "fix": fix or None,
    }
