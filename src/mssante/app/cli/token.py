"""``mssante token``: an access token of the sandbox identity provider, for scripts and tests of software."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import click

from mssante.app.cli.output import config_option
from mssante.app.config import Config, find_config, read_config
from mssante.app.identity import issuer_of, read_people
from mssante.app.tls import read_chain
from mssante.flows.provider import CIBA_GRANT
from mssante.links.documents import HttpDocuments
from mssante.model.errors import ConfigError, LinkError
from mssante.wire.oidc.claims import discovery
from mssante.wire.oidc.values import Client

TIMEOUT_SECONDS: Final = 10.0


@click.command()
@click.option("--for", "national_id", required=True, help="Identifiant national : 8 et le numéro RPPS.")
@config_option
def token(national_id: str, config_path: Path | None) -> None:
    """Obtenir un jeton d'accès du fournisseur d'identité d'essai, sans navigateur (CIBA).

    Le jeton seul est écrit sur la sortie standard ; il dure quatre minutes. Jamais pour de vraies personnes.

    \b
    Exemple : mssante token --config identite/mssante.toml --for 810009900225
    """
    config = read_config(find_config(config_path))
    if config.role != "identity":
        msg = f"{config.source} : pas la configuration du fournisseur d'identité d'essai ; donnez un autre --config"
        raise ConfigError(msg)
    click.echo(asyncio.run(_token(config, national_id)))


async def _token(config: Config, national_id: str) -> str:
    found = read_people(config.provider.people)
    client = next((one for one in found.clients if one.secret and one.auto_approve), None)
    if client is None:
        msg = f"{config.provider.people} : aucun logiciel avec un secret et auto_approve ; ajoutez-en un"
        raise ConfigError(msg)
    if national_id not in {person.national_id for person in found.people}:
        known = ", ".join(person.national_id for person in found.people)
        msg = f"{national_id} n'est pas une personne de ce fournisseur ; il connaît {known}"
        raise ConfigError(msg)
    provider = config.provider
    addresses = discovery(issuer_of(provider.public_name, provider.port))
    link = HttpDocuments(read_chain(config.tls.anchors, "anchors"), timeout_seconds=TIMEOUT_SECONDS)
    asked = {"scope": "openid scope_all", "login_hint": national_id, "binding_message": "42"}
    started = await _ask(link, addresses["backchannel_authentication_endpoint"], client, asked)
    grant = {"grant_type": CIBA_GRANT, "auth_req_id": str(started["auth_req_id"])}
    return str((await _ask(link, addresses["token_endpoint"], client, grant))["access_token"])


async def _ask(link: HttpDocuments, url: str, client: Client, form: dict[str, str]) -> dict[str, Any]:
    basic = base64.b64encode(f"{client.client_id}:{client.secret}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
    try:
        answer: dict[str, Any] = json.loads(await link.ask(url, body=urlencode(form).encode(), headers=headers))
    except (LinkError, ValueError) as error:
        msg = f"le fournisseur d'identité d'essai ne répond pas ({error}) ; tourne-t-il ?"
        raise LinkError(msg) from error
    return answer
