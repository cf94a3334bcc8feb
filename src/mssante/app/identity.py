"""Run the sandbox identity provider of one configuration: invented people sign in to programs under test."""

import asyncio
import os
import secrets
from pathlib import Path
from typing import Final

import msgspec

from mssante.app.chance import utc_now
from mssante.app.config import Config
from mssante.app.logs import make_log
from mssante.app.ready import say_ready
from mssante.app.tls import read_material
from mssante.doors.identity.app import build_app
from mssante.doors.net.https import open_door
from mssante.flows.provider import Provider, Settings
from mssante.model.errors import ConfigError
from mssante.model.system import reason
from mssante.wire.oidc.values import Client, Person

REALM: Final = "/auth/realms/esante-wallet"
PEOPLE_MAX_BYTES: Final = 4 * 1024 * 1024


class People(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of people and programs."""

    people: tuple[Person, ...]
    clients: tuple[Client, ...]


def read_people(path: Path | None) -> People:
    """Return the people and programs of a file.

    Raises:
        ConfigError: missing, too long, or not what it should hold.
    """
    if path is None:
        msg = "[provider] people manque ; donnez le fichier JSON des personnes et des logiciels"
        raise ConfigError(msg)
    try:
        data = path.read_bytes()[: PEOPLE_MAX_BYTES + 1]
        if len(data) > PEOPLE_MAX_BYTES:
            msg = f"[provider] people {path} : plus de {PEOPLE_MAX_BYTES} octets ; est-ce le bon fichier ?"
            raise ConfigError(msg)
        return msgspec.json.decode(data, type=People)
    except OSError as error:
        msg = f"[provider] people {path} : {reason(error)} ; donnez le bon chemin"
        raise ConfigError(msg) from error
    except msgspec.DecodeError as error:
        msg = f"[provider] people {path} : {error} ; corrigez ce passage"
        raise ConfigError(msg) from error


def issuer_of(public_name: str, port: int) -> str:
    """Return the issuer as its tokens name it."""
    return f"https://{public_name}:{port}{REALM}"


async def run_provider(config: Config, stop: asyncio.Event) -> None:
    """Run the provider until `stop` is set.

    Raises:
        ConfigError: certificate, key, address or people cannot be used.
    """
    log = make_log(config.logs, name=config.operator.name)
    read_material(config.tls, now=utc_now())
    settings = config.provider
    found = read_people(settings.people)
    issuer = issuer_of(settings.public_name, settings.port)
    provider = Provider(
        Settings(issuer, settings.access_seconds, settings.refresh_seconds),
        found.people,
        found.clients,
        clock=utc_now,
        new_token=_new_token,
    )
    door = open_door(
        build_app(provider, _new_token),
        host=settings.host,
        port=settings.port,
        certificate=config.tls.certificate,
        key=config.tls.key,
        section="provider",
    )
    async with door as port:
        say_ready(
            {
                "name": config.operator.name,
                "role": config.role,
                "pid": os.getpid(),
                "https": {"host": settings.host, "port": port},
                "issuer": issuer,
            }
        )
        log.info("ready", https=port)
        await stop.wait()
        log.info("stopping")


def _new_token() -> str:
    return secrets.token_urlsafe(32)
