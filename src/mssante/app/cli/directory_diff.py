"""``mssante directory diff`` and ``bounces``: what is wrong in the directory, and which addresses no longer answer."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Final

import click

from mssante.app.chance import utc_now
from mssante.app.cli.french import counted, french_date
from mssante.app.cli.opened import Opened, run_opened
from mssante.app.cli.output import config_option, json_option, safe, say_json, show_facts, show_table
from mssante.app.directory_place import directory_link, open_directory
from mssante.flows.directory.comparing import Comparing, Comparison, Progress
from mssante.flows.directory.history import Bounce, bounces
from mssante.flows.directory.reading import Directory
from mssante.model.decision import Kind
from mssante.model.directory import Caller, Health
from mssante.model.errors import MssError
from mssante.rules.directory_diff import Finding, Said, Source, What

SHOWN_AFTER_SECONDS: Final = 2.0
_WHAT: Final = {
    What.MISSING: "absente",
    What.GHOST: "fantôme",
    What.WRONG_HOLDER: "mal attachée",
    What.DUPLICATE: "en double",
    What.STALE: "pas à jour",
    What.RED_LEAK: "liste rouge visible",
}
_SOURCE: Final = {Source.OURS: "Nos boîtes", Source.EXTRACT: "Extraction", Source.FHIR: "Annuaire FHIR"}
_SAID: Final = {
    Said.THERE: "présente",
    Said.OUT_OF_SERVICE: "hors service",
    Said.ABSENT: "absente",
    Said.UNKNOWN: "sans réponse",
}
_REASON: Final = {Kind.MAILBOX_UNKNOWN.value: "adresse inconnue", Kind.MAILBOX_SUSPENDED.value: "boîte hors service"}
_HEALTH: Final = {Health.DEAD: "morte", Health.BOUNCING: "en échec"}


@click.command()
@click.option("--keep", is_flag=True, help="Garder le résultat, comme la comparaison de chaque jour.")
@config_option
@json_option
@click.pass_context
def diff(context: click.Context, keep: bool, config_path: Path | None, as_json: bool) -> None:
    """Comparer nos boîtes, la dernière extraction et l'annuaire FHIR : absentes, fantômes, mal attachées, en double.

    L'annuaire FHIR est celui de [publication] directory_url, avec la même clé ; sans lui, la comparaison se fait à
    deux. Une source qui ne répond pas est dite indisponible : rien n'est compté comme absent pour cela. Chaque écart
    est montré avec sa réparation. Le code de sortie est 1 quand il y a un écart.

    \b
    Exemple : mssante directory diff --json
    """

    async def work(opened: Opened) -> Comparison:
        link = directory_link(opened.config)
        directory = open_directory(opened.config)
        try:
            comparing = Comparing(opened.store, directory, utc_now, look_up=link.look_up if link else None)
            with _progress(shown=sys.stderr.isatty()) as progress:
                return await (comparing.compare_and_keep(progress) if keep else comparing.compare(progress))
        finally:
            await directory.close()

    made = run_opened(config_path, work)
    if as_json:
        say_json(made)
    else:
        _show(made)
    if not any(one.is_available for one in made.sources if one.source is not Source.OURS):
        notes = " ; ".join(one.note for one in made.sources if one.note)
        msg = f"rien à quoi comparer : {notes}"
        raise MssError(msg)
    if made.found:
        context.exit(1)


@click.command("bounces")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="Nombre d'adresses.")
@config_option
@json_option
def show_bounces(limit: int, config_path: Path | None, as_json: bool) -> None:
    """Lister les adresses qui ne répondent plus, par quoi les remplacer, et qui leur écrit encore d'ici.

    \b
    Exemple : mssante directory bounces
    """

    async def work(opened: Opened) -> tuple[Bounce, ...]:
        store = open_directory(opened.config)
        try:
            directory = Directory(store, utc_now, daily_entries=0)
            return await bounces(opened.store, directory, Caller(opened.actor), utc_now(), limit=limit)
        finally:
            await store.close()

    found = run_opened(config_path, work)
    if as_json:
        say_json(found)
        return
    cells = (
        (
            one.address,
            _HEALTH.get(one.health, one.health.value),
            french_date(one.since),
            _REASON.get(one.reason, one.reason),
            "aucune connue" if one.alternative is None else f"{one.alternative.address} ({one.alternative.why})",
            ", ".join(one.writers) or "personne",
        )
        for one in found
    )
    columns = ("Adresse", "État", "Depuis", "Raison", "À la place", "Lui écrivent (180 jours)")
    show_table(columns, cells, nothing="Aucune adresse en échec.")


def _show(made: Comparison) -> None:
    show_facts(
        (
            _SOURCE[one.source],
            f"{'' if one.at is None else french_date(one.at)}{' ; ' if one.at and one.note else ''}{one.note}",
        )
        for one in made.sources
    )
    click.echo(f"\n{counted(made.compared, 'boîte comparée', 'boîtes comparées')}.")
    if made.unattached:
        said = counted(made.unattached, "boîte sans identifiant ne peut", "boîtes sans identifiant ne peuvent")
        click.echo(f"{said} pas être publiée : `mssante directory publications --state refused`.")
    if not made.found:
        click.echo("Aucun écart.")
        return
    click.echo(f"{counted(made.found, 'écart')} :\n")
    columns = ("Adresse", "Écart", *(_SOURCE[one.source] for one in made.sources))
    show_table(columns, _rows(made.findings))
    click.echo("\nRéparations :")
    for one in made.findings:
        click.echo(safe(f"\n{one.address} : {_WHAT[one.what]}{' (en attente)' if one.waits else ''}"))
        click.echo(safe(f"   {one.detail}"))
        click.echo(safe(f"   réparation : {one.repair}"))
        click.echo(safe(f"   {one.command}"))
    if made.found > len(made.findings):
        click.echo(f"\n{made.found - len(made.findings)} autres écarts ne sont pas montrés.")


def _rows(findings: Iterable[Finding]) -> Iterator[tuple[str, ...]]:
    """Yield one row for each address: what is wrong, and what each of the three says of it."""
    for address, some in groupby(findings, key=lambda one: one.address):
        found = list(some)
        whats = ", ".join(dict.fromkeys(_WHAT[one.what] for one in found))
        yield (address, whats, *(_SAID[said] for said in (found[0].ours, found[0].extract, found[0].fhir)))


@contextmanager
def _progress(*, shown: bool) -> Iterator[Progress]:
    """Yield what shows how far the comparison has come, once it has lasted two seconds."""
    if not shown:
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    began = time.monotonic()
    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Comparaison", total=None, visible=False)

        def told(done: int, total: int) -> None:
            visible = time.monotonic() - began >= SHOWN_AFTER_SECONDS
            bar.update(task, completed=done, total=total, visible=visible)

        yield told
