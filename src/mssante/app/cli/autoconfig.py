"""``mssante autoconfig``: what a mail program would be told, without asking the door."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import click

from mssante.app.cli.dns import services_of
from mssante.app.cli.opened import run_opened
from mssante.app.cli.output import config_option
from mssante.app.cli.typed import ADDRESS
from mssante.model.address import Address
from mssante.model.autoconfig import MailServices
from mssante.model.errors import MssError
from mssante.wire.autoconfig import autodiscover, mobileconfig, mozilla, well_known

_FORMATS: Final[Mapping[str, Callable[[MailServices, Address], bytes | None]]] = {
    "mozilla": lambda services, _address: mozilla.client_config(services),
    "autodiscover": autodiscover.answer,
    "mobileconfig": mobileconfig.profile,
    "well-known": lambda services, _address: well_known.user_agent_configuration(services),
}


@click.group()
def autoconfig() -> None:
    """Réglage automatique des logiciels de messagerie.

    \b
    Exemple : mssante autoconfig show claire.martin@ch-exemple.mssante.fr --format mozilla
    """


@autoconfig.command()
@click.argument("address", type=ADDRESS)
@click.option(
    "--format", "shape", type=click.Choice(list(_FORMATS)), default="mozilla", show_default=True, help="Pour qui."
)
@config_option
def show(address: Address, shape: str, config_path: Path | None) -> None:
    """Montrer ce qu'un logiciel apprendrait pour ADDRESS ; l'adresse n'a pas besoin d'exister.

    \b
    Exemple : mssante autoconfig show claire.martin@ch-exemple.mssante.fr --format mobileconfig
    Codes de sortie : 0 fait, 1 domaine inconnu ou format impossible, 2 configuration fausse, 3 magasin.
    """
    services = run_opened(config_path, lambda opened: services_of(opened, address.domain))
    document = _FORMATS[shape](services, address)
    if document is None:
        msg = "ce format ne connaît que 993 et 465 avec TLS dès la connexion ; prenez un autre format"
        raise MssError(msg)
    click.echo(document.decode().rstrip("\n"))
