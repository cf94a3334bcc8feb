"""``mssante mail``: what lies in the mailboxes, and where the copies of a message are."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from mssante.app.chance import utc_now
from mssante.app.cli.audit import audit_facts, show_rows
from mssante.app.cli.french import counted, french_date
from mssante.app.cli.letter import Letter, read_letter
from mssante.app.cli.opened import Opened, run_opened
from mssante.app.cli.output import config_option, json_option, safe, say_json, show_facts, show_table, size_text
from mssante.app.cli.passport import passport, receipt, wait
from mssante.app.cli.queue import COPY_COLUMNS, copy_cells, copy_facts
from mssante.app.cli.typed import ADDRESS
from mssante.flows import read
from mssante.model.address import Address
from mssante.model.audit import AuditRow
from mssante.model.errors import ConfigError, MssError
from mssante.model.mailbox import Folder, Mailbox
from mssante.model.message import Copy, StoredMessage
from mssante.model.system import reason
from mssante.store import audit, queue
from mssante.store.tx import Tx
from mssante.wire.cda.names import without_marker

TRACE_ROWS = 1000

folder_option = click.option("--folder", "folder_name", default="INBOX", show_default=True, help="Nom du dossier.")


@dataclass(frozen=True, slots=True)
class Shown:
    """One message with its bytes."""

    message: StoredMessage
    data: bytes


@click.group()
def mail() -> None:
    """Lire, exporter et suivre des messages.

    Ouvrir ou exporter un message laisse une trace dans l'audit.

    \b
    Exemple : mssante mail list claire.martin@chu.mssante.fr
    """


for command in (passport, wait, receipt):
    mail.add_command(command)


@mail.command("list")
@click.argument("address", type=ADDRESS)
@folder_option
@click.option("--after", "after_uid", type=int, default=0, help="Seulement les UID plus grands.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Nombre de messages.")
@config_option
@json_option
def list_messages(
    address: Address, folder_name: str, after_uid: int, limit: int, config_path: Path | None, as_json: bool
) -> None:
    """Lister les messages d'un dossier de ADDRESS, par UID.

    \b
    Exemple : mssante mail list claire.martin@chu.mssante.fr --folder Envoyés
    """

    async def work(opened: Opened) -> list[StoredMessage]:
        folder = await _folder(opened, await opened.mailbox(address), folder_name)
        return await read.page(opened.store, folder, after_uid=after_uid, limit=limit)

    found = run_opened(config_path, work)
    if as_json:
        say_json([_facts(one) for one in found])
        return
    rows = (
        (
            str(one.uid),
            french_date(one.received_at),
            _sender(one),
            without_marker(one.summary.subject) or "(sans objet)",
            size_text(one.size_bytes),
            "lu" if "\\Seen" in one.flags else "non lu",
        )
        for one in found
    )
    show_table(("UID", "Reçu le", "De", "Objet", "Taille", ""), rows, nothing=f"{folder_name} est vide.")


@mail.command()
@click.argument("address", type=ADDRESS)
@click.argument("uid", type=int)
@folder_option
@config_option
@json_option
def show(address: Address, uid: int, folder_name: str, config_path: Path | None, as_json: bool) -> None:
    """Montrer le message UID.

    En-têtes décodés, texte, pièces jointes ; il reste non lu pour son titulaire.

    \b
    Exemple : mssante mail show claire.martin@chu.mssante.fr 1
    """
    shown = _open(address, uid, folder_name, config_path)
    letter = read_letter(shown.data)
    if as_json:
        say_json({**_facts(shown.message), "letter": letter})
        return
    message = shown.message
    show_facts(letter.headers)
    show_facts((("Référence", message.reference), ("Accepté par", message.decision)))
    click.echo(f"\n{safe(letter.text, lines=True).rstrip()}\n")
    _show_attachments(letter)


@mail.command()
@click.argument("address", type=ADDRESS)
@click.argument("uid", type=int)
@folder_option
@click.option("--output", type=click.Path(path_type=Path), help="Fichier à créer ; sinon la sortie standard.")
@config_option
def export(address: Address, uid: int, folder_name: str, output: Path | None, config_path: Path | None) -> None:
    """Écrire le message UID octet pour octet (.eml).

    \b
    Exemple : mssante mail export claire.martin@chu.mssante.fr 1 --output lettre.eml
    """
    shown = _open(address, uid, folder_name, config_path)
    if output is None:
        sys.stdout.buffer.write(shown.data)
        return
    try:
        with output.open("xb") as file:
            file.write(shown.data)
    except FileExistsError as error:
        msg = f"{output} existe déjà ; donnez un autre nom, rien n'est écrasé"
        raise ConfigError(msg) from error
    except OSError as error:
        msg = f"{output} : {reason(error)} ; choisissez un dossier où vous pouvez écrire"
        raise ConfigError(msg) from error
    click.echo(f"{output} : {size_text(len(shown.data))}.")


@mail.command()
@click.argument("reference")
@config_option
@json_option
def trace(reference: str, config_path: Path | None, as_json: bool) -> None:
    """Suivre un message par sa REFERENCE.

    Ses copies et leur état, les règles et les réponses, d'après la file et l'audit.

    \b
    Exemple : mssante mail trace 6b03e0d747297b2360ff48db6f35
    Codes de sortie : 0 trouvé, 1 référence inconnue, 2 commande ou configuration fausse, 3 magasin.
    """

    async def work(opened: Opened) -> tuple[list[Copy], list[AuditRow]]:
        async def look(tx: Tx) -> tuple[list[Copy], list[AuditRow]]:
            rows = await audit.rows(tx, limit=TRACE_ROWS, subject=reference)
            return await queue.copies_of(tx, reference), rows

        return await opened.store.read_long(look)

    copies, rows = run_opened(config_path, work)
    if not copies and not rows:
        msg = f"référence {reference} inconnue ici ; vérifiez-la, elle fait 28 caractères"
        raise MssError(msg)
    if as_json:
        facts = {"copies": [copy_facts(copy) for copy in copies], "events": [audit_facts(row) for row in rows]}
        say_json({"reference": reference, **facts})
        return
    click.echo(f"{counted(len(copies), 'copie')} en file, {counted(len(rows), 'événement')} :\n")
    if copies:
        show_table(COPY_COLUMNS, (copy_cells(copy) for copy in copies))
        click.echo()
    show_rows(rows)


def _open(address: Address, uid: int, folder_name: str, config_path: Path | None) -> Shown:
    async def work(opened: Opened) -> Shown:
        mailbox = await opened.mailbox(address)
        found = await read.open_as_administrator(
            opened.store,
            mailbox,
            await _folder(opened, mailbox, folder_name),
            uid,
            actor=opened.actor,
            trace_key=opened.trace_key,
            now=utc_now(),
        )
        body = await asyncio.to_thread(opened.store.blobs.read, found.body)
        return Shown(found.message, found.prefix + body)

    return run_opened(config_path, work)


async def _folder(opened: Opened, mailbox: Mailbox, name: str) -> Folder:
    found = await read.folders(opened.store, mailbox)
    wanted = name.casefold()
    for folder in found:
        if wanted in {folder.name.casefold(), (folder.role.value if folder.role else "").casefold()}:
            return folder
    msg = f"{mailbox.address} n'a pas de dossier {name} ; il y a {', '.join(folder.name for folder in found)}"
    raise MssError(msg)


def _show_attachments(letter: Letter) -> None:
    if letter.attachments:
        click.echo(f"{counted(len(letter.attachments), 'pièce jointe', 'pièces jointes')} :")
    for one in letter.attachments:
        click.echo(f"  {safe(one.name)} ({safe(one.media_type)}, {size_text(one.size_bytes)})")


def _sender(message: StoredMessage) -> str:
    return message.sender or "<> (avis)"


def _facts(message: StoredMessage) -> dict[str, object]:
    return {
        "uid": message.uid,
        "reference": message.reference,
        "received_at": message.received_at,
        "from": message.sender,
        "subject": message.summary.subject,
        "message_id": message.summary.message_id,
        "size_bytes": message.size_bytes,
        "flags": sorted(message.flags),
        "decision": message.decision,
    }
