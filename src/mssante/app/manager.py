"""Run the manager of a trust space: keep who is admitted, publish the white list, serve it with revocation lists."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from mssante.app.chance import utc_now
from mssante.app.compose import open_directory
from mssante.app.config import Config
from mssante.app.directory import open_directory_door
from mssante.app.logs import make_log
from mssante.app.ready import say_ready
from mssante.app.tls import read_chain, read_material
from mssante.doors.manager.app import LIST_PATH, build_app
from mssante.doors.net.https import open_door
from mssante.flows.directory.reading import Directory
from mssante.flows.ports import Clock
from mssante.flows.publish import Publishing, Signer
from mssante.model.errors import ConfigError
from mssante.model.system import reason
from mssante.store.engine import Store


@asynccontextmanager
async def open_publishing(config: Config, *, clock: Clock = utc_now) -> AsyncIterator[Publishing]:
    """Open the manager's store and yield its use cases; closes the store at the end.

    Raises:
        ConfigError: the role is not the manager's, or the signer's certificate or key cannot be used.
        StoreError: the store cannot be opened.
    """
    if config.role != "manager":
        fix = 'mettez role = "manager" ou donnez un autre --config'
        msg = f"{config.source} : pas la configuration d'un gestionnaire ; {fix}"
        raise ConfigError(msg)
    signer = _signer(config)
    store = await Store.open(config.operator.data_dir, config.store)
    try:
        yield Publishing(store=store, clock=clock, signer=signer)
    finally:
        await store.close()


async def run_manager(config: Config, stop: asyncio.Event) -> None:
    """Run the manager until `stop` is set; a first list is published when there is none.

    Raises:
        ConfigError: certificate, key or address cannot be used.
        StoreError: the store cannot be opened.
    """
    log = make_log(config.logs, name=config.operator.name)
    read_material(config.tls, now=utc_now())
    manager = config.manager
    async with open_publishing(config) as publishing:
        if await publishing.current() is None:
            await publishing.publish(actor="system")
        door = open_door(
            build_app(publishing, manager.crl_dir),
            host=manager.host,
            port=manager.port,
            certificate=config.tls.certificate,
            key=config.tls.key,
        )
        directory = open_directory(config)
        reading = Directory(directory, utc_now, daily_entries=config.directory.daily_entries)
        async with aclosing(directory), door as port, open_directory_door(config, reading, None) as annuaire:
            https = {"host": manager.host, "port": port, "list": LIST_PATH}
            served = {"host": config.directory.host, "port": annuaire}
            say_ready(
                {
                    "name": config.operator.name,
                    "role": config.role,
                    "pid": os.getpid(),
                    "https": https,
                    "directory": served,
                }
            )
            log.info("ready", https=port)
            await stop.wait()
            log.info("stopping")


def _signer(config: Config) -> Signer | None:
    manager = config.manager
    if manager.signer_certificate is None:
        return None
    if manager.signer_key is None:
        msg = "[manager] signer_certificate sans signer_key ; donnez les deux, ou aucun"
        raise ConfigError(msg)
    try:
        key = manager.signer_key.read_bytes()
    except OSError as error:
        msg = f"[manager] signer_key {manager.signer_key} : {reason(error)} ; donnez le bon chemin"
        raise ConfigError(msg) from error
    return Signer(read_chain(manager.signer_certificate, "signer_certificate"), key)
