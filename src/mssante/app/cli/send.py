"""``mssante send``: one message from a mailbox of ours, through the same submission as every door."""

import asyncio
import mimetypes
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import click

from mssante.app.chance import new_reference, utc_now
from mssante.app.cli.french import counted
from mssante.app.cli.opened import actor_name
from mssante.app.cli.output import config_option, json_option, say_json, size_text
from mssante.app.cli.typed import ADDRESS
from mssante.app.config import Config, find_config, read_config
from mssante.app.stored import must_be_operator
from mssante.flows.intake import Accepted
from mssante.flows.passport import wait_for_sign
from mssante.model.address import Address
from mssante.model.decision import Refusal
from mssante.model.envelope import DEFAULT_NOTIFY, Notify, Recipient
from mssante.model.errors import ConfigError, MssError
from mssante.model.mailbox import Identity, MailboxState, Method
from mssante.model.settings import LogSettings
from mssante.model.system import reason
from mssante.store.engine import Store
from mssante.store.mailboxes import mailbox_by_key
from mssante.wire.mime.compose import compose

UNKNOWN_TYPE: Final = "application/octet-stream"


@click.command()
@click.option("--from", "sender", type=ADDRESS, required=True, help="Boîte de cet opérateur.")
@click.option("--to", "recipients", type=ADDRESS, multiple=True, required=True, help="Destinataire ; répétable.")
@click.option("--subject", required=True, help="Objet.")
@click.option("--text", default=None, help="Texte du message.")
@click.option(
    "--text-file", type=click.Path(path_type=Path), help="Fichier du texte (UTF-8) ; sinon l'entrée standard."
)
@click.option("--attach", "files", type=click.Path(path_type=Path), multiple=True, help="Pièce jointe ; répétable.")
@click.option("--receipt", is_flag=True, help="Demander un avis de remise et un accusé de lecture.")
@click.option(
    "--alert-after",
    "alert_hours",
    type=click.IntRange(1, 720),
    help="Prévenir l'expéditeur si rien n'est venu après tant d'heures ; demande aussi l'accusé.",
)
@config_option
@json_option
def send(
    sender: Address,
    recipients: tuple[Address, ...],
    subject: str,
    text: str | None,
    text_file: Path | None,
    files: tuple[Path, ...],
    receipt: bool,
    alert_hours: int | None,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Envoyer un message depuis une boîte de cet opérateur.

    Au nom de l'administrateur. Le message est remis à la file ; l'opérateur en service (mssante serve) le livre.

    \b
    Exemple : mssante send --from cardiologie@chu.mssante.fr --to dr.durand@medecin.mssante.fr \\
                --subject "Compte rendu" --text "Bonjour," --attach lettre.pdf
    Codes de sortie : 0 accepté, 1 refusé, 2 commande ou configuration fausse, 3 magasin.
    """
    config = read_config(find_config(config_path))
    must_be_operator(config)
    body, asks = _text(text, text_file), receipt or alert_hours is not None
    attachments = tuple(_attachment(path, config.limits.message_bytes) for path in files)
    data = compose(
        sender=sender,
        to=recipients,
        subject=subject,
        text=body,
        attachments=attachments,
        message_id=f"{new_reference()}@{config.operator.hostname}",
        now=utc_now(),
        headers={"Disposition-Notification-To": str(sender)} if asks else {},
    )
    if len(data) > config.limits.message_bytes:
        limit = size_text(config.limits.message_bytes)
        msg = f"le message fait {size_text(len(data))}, au plus {limit} sont acceptés ; envoyez moins de pièces jointes"
        raise MssError(msg)
    notify = DEFAULT_NOTIFY | Notify.SUCCESS if asks else DEFAULT_NOTIFY
    to = tuple(Recipient(address, notify) for address in recipients)
    reference = asyncio.run(submit(config, sender, to, data, alert_hours))
    if as_json:
        say_json({"reference": reference, "size_bytes": len(data), "copies": len(recipients)})
        return
    click.echo(f"Accepté : {counted(len(recipients), 'copie')}, {size_text(len(data))}, référence {reference}.")
    click.echo("L'opérateur en service livre chaque copie ; en cas d'échec ou de retard, un avis arrive dans la boîte")
    click.echo(f"{sender}. Pour suivre : mssante mail {'passport' if asks else 'trace'} {reference}")


def _text(text: str | None, text_file: Path | None) -> str:
    if text is not None and text_file is not None:
        msg = "donnez --text ou --text-file, l'un des deux"
        raise ConfigError(msg)
    if text is not None:
        return text
    if text_file is None and sys.stdin.isatty():
        msg = "donnez le texte avec --text, --text-file, ou par l'entrée standard"
        raise ConfigError(msg)
    try:
        return text_file.read_text("utf-8") if text_file else sys.stdin.read()
    except OSError as error:
        msg = f"texte {text_file} : {reason(error)} ; vérifiez le chemin"
        raise ConfigError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"texte {text_file or 'de l’entrée standard'} : ce n'est pas de l'UTF-8 ; convertissez-le d'abord"
        raise ConfigError(msg) from error


def _attachment(path: Path, limit_bytes: int) -> tuple[str, str, bytes]:
    try:
        with path.open("rb") as file:
            data = file.read(limit_bytes + 1)
    except OSError as error:
        msg = f"pièce jointe {path} : {reason(error)} ; vérifiez le chemin"
        raise ConfigError(msg) from error
    if len(data) > limit_bytes:
        msg = f"pièce jointe {path} : plus de {size_text(limit_bytes)}, la taille d'un message entier"
        raise MssError(msg)
    return path.name, mimetypes.guess_type(path.name)[0] or UNKNOWN_TYPE, data


async def submit(
    config: Config, sender: Address, to: tuple[Recipient, ...], data: bytes, alert_hours: int | None = None
) -> str:
    """Submit a message in the name of the administrator; return its reference.

    Args:
        alert_hours: tell the sender when nothing has come after so many hours.

    Raises:
        MssError: it is refused; in French.
    """
    # The whole operator is loaded only here: TLS, lists, resolver.
    from mssante.app.compose import open_operator

    quiet = replace(config, logs=LogSettings(format="console", level="error"))
    async with open_operator(quiet) as operator:
        identity = await _identity(operator.store, sender)
        answer = await operator.submitting.submit(identity, sender, to, data)
        if isinstance(answer, Accepted) and alert_hours is not None:
            await wait_for_sign(
                operator.store,
                answer.reference,
                timedelta(hours=alert_hours),
                actor=actor_name(),
                trace_key=operator.trace_key,
                now=operator.clock(),
            )
    if isinstance(answer, Accepted):
        return answer.reference
    raise MssError(_refused(answer))


async def _identity(store: Store, sender: Address) -> Identity:
    """Return the administrator acting for one mailbox of ours."""
    mailbox = await store.read(lambda tx: mailbox_by_key(tx, sender.key))
    if mailbox is None or mailbox.state is not MailboxState.ACTIVE:
        msg = f"--from {sender} : pas une boîte en service ici ; `mssante mailbox list` les donne"
        raise MssError(msg)
    return Identity(None, actor_name(), Method.COMMAND_LINE, {sender.key: mailbox.address}, frozenset())


def _refused(refusal: Refusal) -> str:
    return f"refusé (règle {refusal.rule}) : {refusal.french or refusal.public}"
