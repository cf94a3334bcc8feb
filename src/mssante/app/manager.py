"""Run the manager of a trust space: keep who is admitted, publish and serve the white list, hold the directory."""

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import aclosing, asynccontextmanager
from typing import Any

from mssante.app.chance import utc_now
from mssante.app.config import Config
from mssante.app.directory import open_directory_door
from mssante.app.directory_place import open_directory
from mssante.app.extraction_file import keep_extraction, served_extraction
from mssante.app.logs import make_log
from mssante.app.ready import say_ready
from mssante.app.stored import must_exist
from mssante.app.tls import read_chain, read_material
from mssante.doors.manager.app import EXTRACTION_PATH, LIST_PATH, build_app
from mssante.doors.net.https import open_door
from mssante.flows.directory.budgets import Budgets
from mssante.flows.directory.reading import Directory
from mssante.flows.ports import Clock
from mssante.flows.publish import Publishing, Signer
from mssante.model.errors import ConfigError
from mssante.model.system import reason
from mssante.store.engine import Store


@asynccontextmanager
async def open_publishing(
    config: Config, *, clock: Clock = utc_now, may_be_new: bool = False
) -> AsyncIterator[Publishing]:
    """Open the manager's store and yield its use cases; closes the store at the end.

    Args:
        may_be_new: make it when there is none, as the first operator is admitted. Else a wrong path or a wrong database
            would be a list without anybody, and be published.

    Raises:
        ConfigError: the role is not the manager's, or the signer's certificate or key cannot be used.
        StoreError: there is no store, or it cannot be opened.
    """
    if config.role != "manager":
        fix = 'mettez role = "manager" ou donnez un autre --config'
        msg = f"{config.source} : pas la configuration d'un gestionnaire ; {fix}"
        raise ConfigError(msg)
    signer = _signer(config)
    if not may_be_new:
        must_exist(config)
    store = await Store.open(config.operator.data_dir, config.store, blobs=config.blobs, must_be_there=not may_be_new)
    try:
        yield Publishing(store=store, clock=clock, signer=signer)
    finally:
        await store.close()


async def run_manager(config: Config, stop: asyncio.Event) -> None:
    """Run the manager until `stop` is set; a first list is published when there is none.

    Raises:
        ConfigError: certificate, key or address cannot be used.
        StoreError: there is no store, or it cannot be opened.
    """
    log = make_log(config.logs, name=config.operator.name)
    read_material(config.tls, now=utc_now())
    manager = config.manager
    async with open_publishing(config) as publishing:
        if await publishing.current() is None:
            await publishing.publish(actor="system")
        door = open_door(
            build_app(publishing, manager.crl_dir, served_extraction(config)),
            host=manager.host,
            port=manager.port,
            certificate=config.tls.certificate,
            key=config.tls.key,
            log=log,
        )
        directory = open_directory(config)
        reading = Directory(
            directory,
            utc_now,
            daily_entries=config.directory.daily_entries,
            budgets=Budgets(utc_now, publishing.store, log=log),
        )
        annuaire_door = open_directory_door(config, reading, None, log=log)
        async with aclosing(directory), aclosing(reading), door as port, annuaire_door as annuaire:
            https = {"host": manager.host, "port": port, "list": LIST_PATH, "extraction": EXTRACTION_PATH}
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
            await _until(stop, keep_extraction(config, utc_now, log))
            log.info("stopping")


async def _until(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Do work that never ends until we are told to stop; an accident of it ends us, for a supervisor to see."""
    tasks = (asyncio.create_task(work, name="extraction"), asyncio.create_task(stop.wait(), name="stop"))
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
    finally:
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


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
