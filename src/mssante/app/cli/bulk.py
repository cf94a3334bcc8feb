"""``mssante mailbox import``: bring a hospital's mailboxes to what its staff file says."""

import json
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import click

from mssante.app.chance import utc_now
from mssante.app.cli.box_change import in_french
from mssante.app.cli.french import counted
from mssante.app.cli.opened import Opened, run_opened
from mssante.app.cli.output import config_option, json_option, show_table
from mssante.app.cli.typed import DOMAIN, SIZE
from mssante.app.config import read_secret
from mssante.flows.publication.absentees import Absentees, absentees, reports_of, suspend
from mssante.flows.publication.bulk import FirstPassword, ImportOrder, LineOutcome, LineReport, Watching, import_all
from mssante.flows.publication.staff_file import FILE_MAX_BYTES, StaffFile, read_staff
from mssante.flows.sign_in import PASSWORD_BYTES, digest_password, new_password
from mssante.model.address import parse_address
from mssante.model.errors import ConfigError, MssError
from mssante.model.system import reason
from mssante.rules.absentees import MOST_SHARE, AbsenceGuard
from mssante.store.domains import list_domains

OUTCOMES: Final = {
    LineOutcome.CREATED: "créée",
    LineOutcome.CHANGED: "changée",
    LineOutcome.UNCHANGED: "inchangée",
    LineOutcome.REFUSED: "refusée",
    LineOutcome.LEFT: "absente du fichier",
    LineOutcome.SUSPENDED: "suspendue",
}
_ABSENT_SHOWN: Final = 20
_NAMED: Final = 5
_SLOW_SECONDS: Final = 2.0
_BAR_CHARS: Final = 30


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--domain", type=DOMAIN, default=None, help="Domaine des boîtes ; à défaut le seul de cet opérateur.")
@click.option("--finess", default="", help="FINESS ou SIRET des lignes qui n'en ont pas.")
@click.option("--quota", type=SIZE, default=None, help="Place de chaque boîte créée ; à défaut [store] quota_bytes.")
@click.option("--dry-run", is_flag=True, help="Montrer le même rapport sans rien changer.")
@click.option("--close-absent", is_flag=True, help="Suspendre les boîtes absentes du fichier, sans message non lu.")
@click.option(
    "--absent-max",
    type=click.IntRange(0, 100),
    default=round(100 * MOST_SHARE),
    show_default=True,
    help="Part des boîtes, en %, au-delà de laquelle rien n'est suspendu.",
)
@click.option("--yes", is_flag=True, help="Ne pas demander confirmation avant de suspendre.")
@click.option(
    "--passwords",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Nouveau fichier (mode 0600) des premiers mots de passe ; sans lui, connexion par Pro Santé Connect seul.",
)
@config_option
@json_option
def import_boxes(
    file: Path,
    domain: str | None,
    finess: str,
    quota: int | None,
    dry_run: bool,
    close_absent: bool,
    absent_max: int,
    yes: bool,
    passwords: Path | None,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Créer et mettre à jour les boîtes d'un établissement à partir d'un export du personnel FILE (CSV).

    Séparateur et encodage sont trouvés tout seuls. Colonnes : type (PER à défaut, ORG, APP, CAB), adresse, matricule,
    telephone, liste_rouge, zero_papier, rang ; pour PER : nom, prenom, civilite, rpps, finess ; pour ORG et APP :
    libelle, finess, service, description, responsable, membres ; pour CAB : libelle, rpps (du praticien responsable),
    description, responsable, membres (comptes ou RPPS).

    Une boîte connue est mise à jour là où la ligne dit autre chose ; une case vide laisse ce qui est, « - » le retire.
    Relancer le même fichier ne change rien.

    Adresse : prenom.nom sans accents ; les noms composés gardent un trait d'union, les particules se collent
    (anne.delafontaine) ; un homonyme reçoit prenom.nom2, puis 3 ; une adresse close n'est jamais redonnée ; qui a déjà
    une boîte, par son RPPS ou son matricule, la garde.

    Les boîtes absentes du fichier sont montrées, jamais closes ; --close-absent les suspend, après confirmation.

    \b
    Exemples :
      mssante mailbox import personnel.csv --finess 310000108 --dry-run
      mssante mailbox import personnel.csv --finess 310000108 --passwords premiers.csv
      mssante mailbox import personnel.csv --finess 310000108 --close-absent
    Codes de sortie : 0 tout est fait ou déjà là, 1 des lignes refusées, 2 fichier ou commande à corriger, 3 magasin.
    """
    staff = read_staff(_read(file))
    asked = _Asked(staff, domain, finess.replace(" ", ""), quota, config_path)
    agreed = frozenset[str]()
    if close_absent:
        agreed = _agreed(asked, AbsenceGuard(absent_max / 100), is_sure=yes or dry_run)
    out = None if passwords is None or dry_run else _new_file(passwords)
    try:
        reports = _run(asked, dry_run=dry_run, agreed=agreed, out=out)
    finally:
        if out is not None:
            out.close()
    if as_json:
        for one in reports:
            click.echo(json.dumps(_facts(one), ensure_ascii=False))
    else:
        _show(reports, staff, dry_run=dry_run, passwords=passwords if out else None)
    if any(one.outcome is LineOutcome.REFUSED for one in reports):
        click.get_current_context().exit(1)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was typed."""

    staff: StaffFile
    domain: str | None
    structure: str
    quota: int | None
    config_path: Path | None


def _agreed(asked: _Asked, guard: AbsenceGuard, *, is_sure: bool) -> frozenset[str]:
    """Ask before mailboxes are suspended, and before anything of the file is taken; return their address keys.

    Raises:
        MssError: more would go than the guard allows, or lines are refused.
        click.Abort: the answer is no.
    """

    async def look(opened: Opened) -> Absentees:
        order = await _order(opened, asked, dry_run=True)
        reports = await _take(opened, asked, order, Watching())
        return await absentees(asked.staff.lines, order, reports, store=opened.store, spared=_spared(opened))

    found = run_opened(asked.config_path, look)
    if fault := found.fault(guard):
        raise MssError(fault)
    going = found.to_suspend
    agreed = frozenset(one.address.key for one in going)
    if not going or is_sure:
        return agreed
    names = ", ".join(str(one.address) for one in going[:_NAMED]) + ("..." if len(going) > _NAMED else "")
    asks = f"Suspendre {counted(len(going), 'boîte')} sur {found.in_scope} ({names}) ? Tapez oui"
    if click.prompt(asks, default="non", show_default=False, err=True) != "oui":
        raise click.Abort
    return agreed


def _run(asked: _Asked, *, dry_run: bool, agreed: frozenset[str], out: IO[str] | None) -> tuple[LineReport, ...]:
    async def work(opened: Opened) -> tuple[LineReport, ...]:
        key = read_secret(opened.config.secrets.credential_key)

        def first_password() -> FirstPassword:
            text = new_password(secrets.token_bytes(PASSWORD_BYTES))
            return FirstPassword(text, digest_password(key, text))

        order = await _order(opened, asked, dry_run=dry_run)
        bar = _Bar()
        watching = Watching(
            new_password=None if out is None else first_password,
            keep=None if out is None else lambda made: _keep(out, made),
            progress=bar.show,
        )
        try:
            reports = await _take(opened, asked, order, watching)
        finally:
            bar.end()
        found = await absentees(asked.staff.lines, order, reports, store=opened.store, spared=_spared(opened))
        if dry_run:
            return (*reports, *reports_of(found, agreed))
        return (*reports, *await suspend(found, agreed, opened.administering))

    return run_opened(asked.config_path, work)


async def _take(opened: Opened, asked: _Asked, order: ImportOrder, watching: Watching) -> tuple[LineReport, ...]:
    return await import_all(
        asked.staff.lines, order, watching, store=opened.store, administering=opened.administering, clock=utc_now
    )


async def _order(opened: Opened, asked: _Asked, *, dry_run: bool) -> ImportOrder:
    return ImportOrder(
        domain=asked.domain or await _only_domain(opened),
        quota_bytes=asked.quota if asked.quota is not None else opened.config.store.quota_bytes,
        structure=asked.structure,
        dry_run=dry_run,
    )


def _spared(opened: Opened) -> frozenset[str]:
    return frozenset({parse_address(opened.config.operator.postmaster).key})


async def _only_domain(opened: Opened) -> str:
    served = await opened.store.read(list_domains)
    if len(served) != 1:
        msg = f"donnez --domain : cet opérateur sert {', '.join(served) or 'aucun domaine'}"
        raise MssError(msg)
    return served[0]


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        msg = f"{file} : {reason(error)} ; donnez le chemin d'un fichier CSV lisible"
        raise ConfigError(msg) from error


def _new_file(path: Path) -> IO[str]:
    """Make the file of passwords, for this user only; one that exists is never written over."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        msg = f"{path} : {reason(error)} ; donnez le nom d'un nouveau fichier"
        raise ConfigError(msg) from error
    return os.fdopen(handle, "w", encoding="utf-8")


def _keep(out: IO[str], made: Sequence[tuple[str, str]]) -> None:
    """Write passwords down, on the disk before the next lines are taken."""
    out.writelines(f"{login};{password}\n" for login, password in made)
    out.flush()
    os.fsync(out.fileno())


def _show(reports: Sequence[LineReport], staff: StaffFile, *, dry_run: bool, passwords: Path | None) -> None:
    click.echo(f"Fichier : {counted(len(staff.lines), 'ligne')}, {staff.encoding}, séparateur {staff.separator!r}.")
    if staff.ignored:
        click.echo(f"Colonnes non lues : {', '.join(staff.ignored)}.")
    absent = [one for one in reports if not one.number]
    shown = [one for one in reports if one.number] + absent[:_ABSENT_SHOWN]
    rows = ((str(one.number or ""), OUTCOMES[one.outcome], one.who, one.address, _why(one)) for one in shown)
    show_table(("Ligne", "Boîte", "Titulaire", "Adresse", "Raison"), rows, nothing="Aucune ligne.")
    if len(absent) > _ABSENT_SHOWN:
        click.echo(f"... et {len(absent) - _ABSENT_SHOWN} autres absentes du fichier ; `--json` les donne toutes.")
    counts = Counter(one.outcome for one in reports)
    summary = ", ".join(
        f"{counts[outcome]} {said}{'s' if counts[outcome] > 1 else ''}"
        for outcome, said in _PLURALS.items()
        if counts[outcome] or outcome in _ALWAYS
    )
    click.echo(f"{'À blanc, rien n’est changé : ' if dry_run else ''}{summary}.")
    if passwords is not None:
        click.echo(f"Premiers mots de passe dans {passwords} : remettez-les, puis effacez ce fichier.")


def _why(one: LineReport) -> str:
    return " ; ".join(part for part in (in_french(one.fields), one.reason) if part)


_PLURALS: Final = {
    LineOutcome.CREATED: "créée",
    LineOutcome.CHANGED: "changée",
    LineOutcome.UNCHANGED: "inchangée",
    LineOutcome.REFUSED: "refusée",
    LineOutcome.SUSPENDED: "suspendue",
    LineOutcome.LEFT: "absente",
}
_ALWAYS: Final = frozenset({LineOutcome.CREATED, LineOutcome.CHANGED, LineOutcome.UNCHANGED, LineOutcome.REFUSED})


def _facts(one: LineReport) -> dict[str, object]:
    return {
        "line": one.number or None,
        "outcome": one.outcome.value,
        "holder": one.who,
        "address": one.address or None,
        "changed": one.fields,
        "reason": one.reason or None,
    }


class _Bar:
    """A progress bar on the terminal, for work that lasts more than two seconds."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._shown = False

    def show(self, done: int, total: int) -> None:
        """Draw it, when it is time."""
        if not sys.stderr.isatty() or time.monotonic() - self._started < _SLOW_SECONDS:
            return
        self._shown = True
        full = _BAR_CHARS * done // max(total, 1)
        click.echo(f"\r[{'#' * full}{'.' * (_BAR_CHARS - full)}] {done}/{total}", nl=False, err=True)

    def end(self) -> None:
        """Leave the line."""
        if self._shown:
            click.echo(err=True)
