"""``mssante mailbox import``: open a hospital's mailboxes from its staff file."""

import json
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

import click

from mssante.app.chance import utc_now
from mssante.app.cli.french import counted
from mssante.app.cli.opened import Opened, run_opened
from mssante.app.cli.output import config_option, json_option, show_table
from mssante.app.cli.typed import DOMAIN, SIZE
from mssante.app.config import read_secret
from mssante.flows.publication.bulk import FirstPassword, ImportOrder, LineOutcome, LineReport, Watching, open_all
from mssante.flows.publication.staff_file import FILE_MAX_BYTES, StaffFile, read_staff
from mssante.flows.sign_in import PASSWORD_BYTES, digest_password, new_password
from mssante.model.errors import ConfigError, MssError
from mssante.model.system import reason
from mssante.store.domains import list_domains

OUTCOMES: Final = {
    LineOutcome.CREATED: "créée",
    LineOutcome.PRESENT: "déjà là",
    LineOutcome.REFUSED: "refusée",
}
_SLOW_SECONDS: Final = 2.0
_BAR_CHARS: Final = 30


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--domain", type=DOMAIN, default=None, help="Domaine des boîtes ; à défaut le seul de cet opérateur.")
@click.option("--finess", default="", help="FINESS ou SIRET des lignes qui n'en ont pas.")
@click.option("--quota", type=SIZE, default=None, help="Place de chaque boîte ; à défaut [store] quota_bytes.")
@click.option("--dry-run", is_flag=True, help="Montrer le même rapport sans rien changer.")
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
    passwords: Path | None,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Ouvrir les boîtes d'un établissement à partir d'un export du personnel FILE (CSV).

    Séparateur et encodage sont trouvés tout seuls. Colonnes : nom, prenom, rpps, matricule, civilite, finess,
    telephone, liste_rouge, zero_papier, adresse ; type (PER, ORG, APP), et pour ORG et APP : libelle, service,
    description, responsable, membres.

    Adresse : prenom.nom sans accents ; les noms composés gardent un trait d'union, les particules se collent
    (anne.delafontaine) ; un homonyme reçoit prenom.nom2, puis 3 ; une adresse close n'est jamais redonnée ; qui a déjà
    une boîte, par son RPPS ou son matricule, la garde. On peut donc relancer le même fichier.

    \b
    Exemples :
      mssante mailbox import personnel.csv --finess 310000108 --dry-run
      mssante mailbox import personnel.csv --finess 310000108 --passwords premiers.csv
    Codes de sortie : 0 tout est ouvert ou déjà là, 1 des lignes refusées, 2 fichier ou commande à corriger, 3 magasin.
    """
    staff = read_staff(_read(file))
    out = None if passwords is None or dry_run else _new_file(passwords)
    try:
        reports = run_opened(config_path, lambda opened: _work(opened, staff, domain, finess, quota, dry_run, out))
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


async def _work(
    opened: Opened,
    staff: StaffFile,
    domain: str | None,
    finess: str,
    quota: int | None,
    dry_run: bool,
    out: IO[str] | None,
) -> tuple[LineReport, ...]:
    key = read_secret(opened.config.secrets.credential_key)

    def first_password() -> FirstPassword:
        text = new_password(secrets.token_bytes(PASSWORD_BYTES))
        return FirstPassword(text, digest_password(key, text))

    order = ImportOrder(
        domain=domain or await _only_domain(opened),
        quota_bytes=quota if quota is not None else opened.config.store.quota_bytes,
        structure=finess.replace(" ", ""),
        dry_run=dry_run,
    )
    bar = _Bar()
    watching = Watching(
        new_password=None if out is None else first_password,
        keep=None if out is None else lambda made: _keep(out, made),
        progress=bar.show,
    )
    try:
        return await open_all(
            staff.lines, order, watching, store=opened.store, administering=opened.administering, clock=utc_now
        )
    finally:
        bar.end()


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
    rows = ((str(one.number), OUTCOMES[one.outcome], one.who, one.address, one.reason) for one in reports)
    show_table(("Ligne", "Boîte", "Titulaire", "Adresse", "Raison"), rows, nothing="Aucune ligne.")
    counts = Counter(one.outcome for one in reports)
    summary = ", ".join(f"{counts[outcome]} {said}{'s' if counts[outcome] > 1 else ''}" for outcome, said in _PLURALS)
    click.echo(f"{'À blanc, rien n’est changé : ' if dry_run else ''}{summary}.")
    if passwords is not None:
        click.echo(f"Premiers mots de passe dans {passwords} : remettez-les, puis effacez ce fichier.")


_PLURALS: Final = (
    (LineOutcome.CREATED, "créée"),
    (LineOutcome.PRESENT, "déjà présente"),
    (LineOutcome.REFUSED, "refusée"),
)


def _facts(one: LineReport) -> dict[str, object]:
    return {
        "line": one.number,
        "outcome": one.outcome.value,
        "holder": one.who,
        "address": one.address or None,
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
