"""``mssante directory``: import, search, look at the directory."""

import asyncio
import hashlib
import json
import secrets
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import click

from mssante.app.chance import utc_now
from mssante.app.cli.directory_diff import diff, show_bounces
from mssante.app.cli.french import french_date
from mssante.app.cli.opened import actor_name
from mssante.app.cli.output import config_option, json_option, safe, say_json, show_facts, show_table, size_text
from mssante.app.cli.publication import publications, publish
from mssante.app.cli.typed import AddressType
from mssante.app.config import Config, find_config, read_config
from mssante.app.directory import KeyEntry, add_key
from mssante.app.directory_files import read_elsewhere
from mssante.app.directory_place import directory_shelf, open_directory
from mssante.app.directory_source import fetch_source
from mssante.app.extraction_file import served_extraction, write_extraction
from mssante.flows.directory.loading import Guard, Progress, Report, load
from mssante.flows.directory.reading import Directory
from mssante.model.address import Address
from mssante.model.decision import Refusal
from mssante.model.directory import Caller, Entry, Field, How, Match, Subject
from mssante.model.directory_search import Filters, Ranked, RankedEntry
from mssante.model.errors import ConfigError, MssError
from mssante.store.directory import history

T = TypeVar("T")

KINDS: Final = ("PER", "ORG", "APP", "CAB")


@click.group()
def directory() -> None:
    """L'annuaire : importer, chercher, montrer, suivre ses changements.

    \b
    Exemple : mssante directory search dupont cardio nantes
    """


@directory.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--accept-loss", is_flag=True, help="Accepter un annuaire plus petit que celui en service.")
@config_option
@json_option
def import_files(files: tuple[Path, ...], accept_loss: bool, config_path: Path | None, as_json: bool) -> None:
    """Importer les fichiers FILES : extraction MSSanté, PS_LibreAcces, stock FINESS, liste d'hôpitaux (zip ou texte).

    L'annuaire en service répond jusqu'à ce que le nouveau soit entier. Un fichier tronqué est refusé.

    \b
    Exemple : mssante directory import Extraction_Correspondance_MSSante.zip PS_LibreAcces.zip
    """
    config = read_config(find_config(config_path))
    settings = config.directory
    guard = Guard(0.0 if accept_loss else settings.least_share, settings.bad_share)
    named, pieces = read_elsewhere(files)
    with _progress(shown=not as_json) as progress:
        report = load(directory_shelf(config), named, pieces, guard, utc_now(), progress)
    if as_json:
        say_json(_report_facts(report))
        return
    _show_report(report)


@directory.command()
@click.option("--accept-loss", is_flag=True, help="Accepter un annuaire plus petit que celui en service.")
@config_option
@json_option
def fetch(accept_loss: bool, config_path: Path | None, as_json: bool) -> None:
    """Aller chercher l'extraction à l'adresse [directory] source, et l'importer si elle a changé.

    Un opérateur en marche le fait tout seul, chaque jour ; cette commande le fait maintenant.

    \b
    Exemple : mssante directory fetch
    """
    config = read_config(find_config(config_path))
    guard = Guard(0.0 if accept_loss else config.directory.least_share, config.directory.bad_share)
    with _progress(shown=not as_json) as progress:
        report = fetch_source(config, guard, utc_now, progress)
    if as_json:
        say_json(None if report is None else _report_facts(report))
    elif report is None:
        click.echo("L'extraction n'a pas changé depuis la dernière fois.")
    else:
        _show_report(report)


@directory.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@config_option
@json_option
def export(file: Path | None, config_path: Path | None, as_json: bool) -> None:
    """Écrire dans FILE (ZIP) l'extraction publique à 31 colonnes de cet annuaire, sans la liste rouge.

    Un gestionnaire en marche publie la sienne tout seul, chaque jour ; sans FILE, cette commande le fait maintenant.

    \b
    Exemple : mssante directory export /tmp/Extraction_Correspondance_MSSante.zip
    """
    config = read_config(find_config(config_path))
    if file is None and config.role != "manager":
        msg = "donnez le fichier à écrire ; seul un gestionnaire sert le sien"
        raise ConfigError(msg)
    if file is None:
        file = served_extraction(config)
        file.parent.mkdir(mode=0o700, exist_ok=True)
    found = write_extraction(config, file, utc_now())
    if as_json:
        say_json({"file": str(file), "lines": found.lines, "left_out": found.left_out, "bytes": found.size_bytes})
        return
    left_out = f"{_number(found.left_out)} laissées de côté (liste rouge, boîtes de logiciel)"
    click.echo(f"{_number(found.lines)} boîtes, {left_out}, {size_text(found.size_bytes)} : {file}")


@directory.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--professionals", type=click.IntRange(1, 5_000_000), default=50_000, show_default=True, help="Combien.")
@click.option("--seed", type=int, default=1, show_default=True, help="Le même nombre donne les mêmes fichiers.")
def generate(folder: Path, professionals: int, seed: int) -> None:
    """Écrire dans FOLDER les fichiers d'une nation inventée, pour les essais : aucune personne réelle.

    \b
    Exemple : mssante directory generate /tmp/nation --professionals 1200000 --seed 1
    """
    from mssante.app.sandbox.population.population import write_population

    folder.mkdir(parents=True, exist_ok=True)
    with _progress(shown=sys.stderr.isatty()) as progress:
        report = write_population(
            folder, professionals=professionals, seed=seed, progress=lambda done: progress("Professionnels", done)
        )
    boxes = f"{_number(report.mailboxes)} boîtes, {_number(report.structures)} structures"
    click.echo(f"{_number(report.professionals)} professionnels, {boxes} :")
    for file in report.files:
        click.echo(f"  {file}")


@directory.command()
@click.argument("words", nargs=-1)
@click.option("--name", default="", help="Nom d'exercice.")
@click.option("--given", default="", help="Prénom d'exercice.")
@click.option("--profession", default="", help="Profession.")
@click.option("--speciality", default="", help="Spécialité (savoir-faire).")
@click.option("--structure", default="", help="Nom de la structure.")
@click.option("--street", default="", help="Rue.")
@click.option("--postcode", default="", help="Code postal, ou département.")
@click.option("--town", default="", help="Ville.")
@click.option("--address", default="", help="Adresse MSSanté, ou son début.")
@click.option("--identifier", default="", help="Numéro RPPS, ADELI, FINESS ou SIRET.")
@click.option("--kind", default="", type=click.Choice(["", *KINDS]), help="Type de boîte.")
@click.option("--near", default="", help="Code postal ou département de qui cherche ; à défaut [directory] near.")
@click.option("--limit", type=click.IntRange(1, 50), default=10, show_default=True, help="Nombre de réponses.")
@config_option
@json_option
def search(
    words: tuple[str, ...], near: str, limit: int, config_path: Path | None, as_json: bool, **criteria: str
) -> None:
    """Chercher WORDS : un nom, une ville, une spécialité, un service, un numéro, une adresse, dans l'ordre qu'on veut.

    \b
    Exemple : mssante directory search dupont cardio nantes
    """
    config = read_config(find_config(config_path))
    asker = Caller(actor_name(), near=near or config.directory.near)
    found = asked(config, lambda one: one.search(asker, " ".join(words), Filters(**criteria), limit=limit))
    if as_json:
        say_json(_ranked_facts(found))
        return
    show_ranked(found)


@directory.command()
@click.argument("address")
@config_option
@json_option
def show(address: str, config_path: Path | None, as_json: bool) -> None:
    """Montrer la fiche d'une adresse.

    \b
    Exemple : mssante directory show jean.dupont@medecin.mssante.fr
    """
    config = read_config(find_config(config_path))
    condition = Match(Field.ADDRESS, How.EQUALS, address)
    found = asked(config, lambda one: one.select(Caller(actor_name()), Subject.MAILBOXES, condition, limit=20))
    if not found.entries:
        msg = f"l'adresse {address} n'est pas dans l'annuaire ; `mssante directory search` aide à la trouver"
        raise MssError(msg)
    if as_json:
        say_json([entry_facts(one) for one in found.entries])
        return
    for place, one in enumerate(found.entries):
        if place:
            click.echo()
        show_facts(_entry_lines(one))


@directory.command()
@click.option("--bad-lines", is_flag=True, help="Les lignes laissées de côté par le dernier import.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Nombre de lignes.")
@config_option
@json_option
def imports(bad_lines: bool, limit: int, config_path: Path | None, as_json: bool) -> None:
    """Lister les imports de l'annuaire, ou les lignes fautives du dernier.

    \b
    Exemple : mssante directory imports --bad-lines
    """
    store = open_directory(read_config(find_config(config_path)))
    if bad_lines:
        lines = store.read_now(lambda tx: history.bad_lines(tx, limit))
        if as_json:
            say_json(
                [{"source": one.source, "line": one.line, "reason": one.reason, "text": one.text} for one in lines]
            )
            return
        cells = ((one.source, str(one.line), one.reason, one.text) for one in lines)
        show_table(("Fichier", "Ligne", "Raison", "Texte"), cells, nothing="Aucune ligne fautive.")
        return
    found = store.read_now(lambda tx: history.imports(tx, limit))
    if as_json:
        say_json([{"at": one.at, "sources": one.sources, "lines": one.lines, "bad": one.bad} for one in found])
        return
    rows = (
        (french_date(one.at), one.sources, _number(one.lines), _number(one.bad), _delta(one.report)) for one in found
    )
    show_table(("Le", "Fichiers", "Lignes", "Fautives", "Boîtes"), rows, nothing="Aucun import.")


@directory.command()
@click.option("--after", type=click.IntRange(0), default=0, help="Après ce numéro.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Nombre de changements.")
@config_option
@json_option
def changes(after: int, limit: int, config_path: Path | None, as_json: bool) -> None:
    """Lister ce qui a changé dans l'annuaire, boîte par boîte.

    \b
    Exemple : mssante directory changes --after 1200 --json
    """
    store = open_directory(read_config(find_config(config_path)))
    found = store.read_now(lambda tx: history.feed(tx, after, limit))
    if as_json:
        say_json(
            [
                {
                    "seq": one.seq,
                    "at": one.at,
                    "what": one.what,
                    "address": one.address,
                    "detail": json.loads(one.detail),
                }
                for one in found
            ]
        )
        return
    said = {"created": "créée", "changed": "modifiée", "moved": "déplacée", "removed": "supprimée"}
    cells = ((str(one.seq), french_date(one.at), said.get(one.what, one.what), one.address, one.who) for one in found)
    show_table(("Numéro", "Le", "Quoi", "Adresse", "Par"), cells, nothing="Aucun changement.")


@directory.command()
@click.argument("name")
@click.option(
    "--operator", default="", help="Opérateur dont la clé peut publier les boîtes ; à défaut, lire seulement."
)
@click.option("--address", type=AddressType(), help="Boîte de la personne qui s'en sert, pour un seul quota par jour.")
@config_option
def key(name: str, operator: str, address: Address | None, config_path: Path | None) -> None:
    """Donner une clé d'API au programme NAME ; elle est montrée une seule fois.

    \b
    Exemple : mssante directory key "CHU de Nantes" --operator chu-nantes
    """
    config = read_config(find_config(config_path))
    file = config.directory.api_keys
    if file is None:
        msg = f'{config.source} : donnez d\'abord [directory] api_keys = "cles-annuaire.toml"'
        raise ConfigError(msg)
    made = secrets.token_urlsafe(32)
    add_key(file, KeyEntry(name, hashlib.sha256(made.encode()).hexdigest(), operator, str(address or "")))
    click.echo(made)
    click.echo("Cette clé ne sera plus montrée. Redémarrez l'annuaire pour qu'il la connaisse.", err=True)


directory.add_command(publish)
directory.add_command(publications)
directory.add_command(diff)
directory.add_command(show_bounces)


def asked(config: Config, work: Callable[[Directory], Awaitable[T | Refusal]]) -> T:
    """Return what the directory answers to somebody at a terminal, who has no budget.

    Raises:
        MssError: it refuses, with the reason in French.
    """

    async def run() -> T | Refusal:
        store = open_directory(config)
        try:
            return await work(Directory(store, utc_now, daily_entries=0))
        finally:
            await store.close()

    found = asyncio.run(run())
    if isinstance(found, Refusal):
        raise MssError(found.french or found.public)
    return found


def show_ranked(found: Ranked) -> None:
    """Write the answers of a search, the best first, each with its reasons."""
    if found.interpreted:
        click.echo(f"Compris : {found.interpreted}.\n")
    if not found.entries:
        click.echo("Aucune réponse : essayez moins de mots, ou seulement le nom et la ville.")
    for place, one in enumerate(found.entries, start=1):
        for line in ranked_lines(one, place):
            click.echo(safe(line))
    if found.was_cut:
        click.echo("\nD'autres réponses existent : précisez la ville, la spécialité ou le prénom.")


def ranked_lines(one: RankedEntry, place: int) -> list[str]:
    """Return the lines of one answer: who, the address, where, why, and what to look at first."""
    who, where = one.entry.professional, one.entry.structure
    work = "" if who is None else (who.specialities[0].label if who.specialities else who.profession.label)
    at = "" if where is None else f"{where.sign or where.name}, {where.address.postcode} {where.address.town}"
    return [
        f"{place}. {one.entry.name}{f', {work}' if work else ''}",
        f"   {one.entry.address or 'aucune adresse MSSanté publiée'}",
        *([f"   {at.rstrip(', ')}"] if at else []),
        *([f"   pourquoi : {', '.join(one.reasons)}"] if one.reasons else []),
        *([f"   à vérifier : {one.warning}"] if one.warning and one.entry.address else []),
    ]


def entry_facts(one: Entry) -> dict[str, object]:
    """Return an entry as JSON shows it; `responsible` is not in open access."""
    box, who, where = one.mailbox, one.professional, one.structure
    return {
        "address": one.address,
        "kind": "" if box is None else box.kind.value,
        "name": one.name,
        "identifier": "" if who is None else who.identifier,
        "profession": "" if who is None else who.profession.label,
        "specialities": [] if who is None else [found.label for found in who.specialities],
        "service": "" if box is None else box.service,
        "description": "" if box is None else box.description,
        "paperless": None if box is None else box.is_paperless,
        "rank": None if box is None else box.rank,
        "structure": "" if where is None else where.identifier,
        "structure_name": "" if where is None else where.sign or where.name,
        "postcode": "" if where is None else where.address.postcode,
        "town": "" if where is None else where.address.town,
        "updated_at": one.updated_at,
    }


def _ranked_facts(found: Ranked) -> dict[str, object]:
    entries = [
        {**entry_facts(one.entry), "score": one.score, "reasons": one.reasons, "warning": one.warning}
        for one in found.entries
    ]
    return {"interpreted": found.interpreted, "more": found.was_cut, "entries": entries}


def _entry_lines(one: Entry) -> tuple[tuple[str, str], ...]:
    box, who, where = one.mailbox, one.professional, one.structure
    paperless = {None: "", True: "oui : pas de double sur papier", False: "non"}
    found = [("Adresse", one.address), ("Nom", one.name)]
    if box is not None:
        found += [("Type", box.kind.value), ("Service", box.service), ("Description", box.description)]
        found.append(("Zéro papier", paperless[box.is_paperless]))
    if who is not None:
        found += [("Identifiant", who.identifier), ("Profession", who.profession.label)]
        found.append(("Spécialités", ", ".join(found_.label for found_ in who.specialities)))
    if where is not None:
        at = where.address
        found += [("Structure", where.sign or where.name), ("Numéro", where.identifier)]
        found.append(("Lieu", " ".join(part for part in (at.street, at.postcode, at.town) if part)))
    found.append(("Vue changée le", "" if one.updated_at is None else french_date(one.updated_at)))
    return tuple((name, value) for name, value in found if value)


def _show_report(report: Report) -> None:
    rows = ((one.name, one.kind, _number(one.lines), _number(one.kept), _number(one.bad)) for one in report.sources)
    show_table(("Fichier", "Genre", "Lignes", "Gardées", "Fautives"), rows)
    after, delta = report.after, report.delta
    people = f"{_number(after.professionals)} professionnels, {_number(after.structures)} structures"
    click.echo(f"\nAnnuaire en service : {people}, {_number(after.mailboxes)} boîtes.")
    counts = (
        ("nouvelles", delta.created),
        ("modifiées", delta.changed),
        ("déplacées", delta.moved),
        ("supprimées", delta.removed),
    )
    click.echo(
        f"Boîtes {', '.join(f'{name} : {_number(count)}' for name, count in counts)} (`mssante directory changes`)."
    )
    if any(one.bad for one in report.sources):
        click.echo("Lignes fautives : `mssante directory imports --bad-lines`.")


def _report_facts(report: Report) -> dict[str, object]:
    return {
        "sources": [
            {"name": one.name, "kind": one.kind, "lines": one.lines, "kept": one.kept, "bad": one.bad}
            for one in report.sources
        ],
        "after": report.after,
        "delta": report.delta,
        "caught_up": report.caught_up,
    }


def _delta(report: str) -> str:
    found = json.loads(report)
    return f"+{_number(found['created'])} −{_number(found['removed'])} ~{_number(found['changed'] + found['moved'])}"


def _number(value: int) -> str:
    return f"{value:,}".replace(",", "\u202f")


@contextmanager
def _progress(*, shown: bool) -> Iterator[Progress]:
    """Yield what shows the step and its lines on standard error."""
    if not shown:
        yield lambda _step, _lines: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    with Bar(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task("Lecture", total=None)

        def told(step: str, lines: int) -> None:
            said = f"{step} : {_number(lines)} lignes" if lines else "Index et comparaison"
            bar.update(task, description=said)

        yield told
