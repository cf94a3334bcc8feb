"""The part of ``mssante config check`` that looks at the store: soundness, room, own domains, age of the list."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mssante.app.chance import utc_now
from mssante.app.cli.french import counted, french_date
from mssante.app.cli.opened import open_store
from mssante.app.cli.output import size_text
from mssante.app.config import Config
from mssante.model.address import parse_address
from mssante.model.errors import StoreError, TheirProtocolError
from mssante.model.mailbox import MailboxState
from mssante.store import health, lists
from mssante.store.blobs import BlobFolder
from mssante.store.domains import list_domains
from mssante.store.engine import Store
from mssante.store.mailboxes import mailbox_by_key

OK: Final = "ok"
WARNING: Final = "warning"
ERROR: Final = "error"
STORE: Final = "store-error"
CLOCKS_APART: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was looked at: how it is, what it is about, what to do."""

    level: str
    about: str
    text: str


async def check_store(config: Config, now: datetime) -> list[Found]:
    """Return what a look at the store has found; the bodies of the 10,000 newest messages are compared too."""
    try:
        async with open_store(config) as store:
            found = await _soundness(config, store) + await asyncio.to_thread(
                _bucket, store.blobs, is_shared=config.store.engine == "postgresql"
            )
            if config.role == "operator":
                found += await _own_domains(config, store)
                found += await _list_age(config, store, now)
            return found
    except StoreError as error:
        return [Found(STORE, "magasin", str(error))]


async def _soundness(config: Config, store: Store) -> list[Found]:
    seen = await health.check(store, low_bytes=config.store.free_bytes)
    if seen.findings:
        return [Found(STORE, "magasin", f"{one.subject} : {one.text}") for one in seen.findings]
    text = (
        f"sain, schéma {seen.schema_version}, {counted(seen.bodies_checked, 'message vérifié', 'messages vérifiés')}, "
        f"{size_text(seen.free_bytes)} libres"
    )
    return [Found(OK, "magasin", text)]


_FILES_OF_ONE: Final = (
    'ce sont des fichiers de cette machine : un autre nœud sur la même base ne les verrait pas ; [blobs] engine = "s3"'
)


def _bucket(blobs: BlobFolder, *, is_shared: bool) -> list[Found]:
    """Write and read in the object store, and compare its clock with ours.

    Args:
        is_shared: the database is one that several nodes may use; then files of one machine are warned of.
    """
    began = utc_now()
    theirs = blobs.try_out()
    ended = utc_now()
    if theirs is None:
        return [Found(WARNING, "corps des messages", _FILES_OF_ONE)] if is_shared else []
    apart = max(began - theirs, theirs - ended)
    if apart > CLOCKS_APART:
        text = f"son horloge et celle d'ici diffèrent de {apart.total_seconds():.0f} s : mettez les deux à l'heure"
        return [Found(WARNING, "stockage objet", text)]
    return [Found(OK, "stockage objet", "écrit, relu et effacé")]


async def _own_domains(config: Config, store: Store) -> list[Found]:
    ours = await store.read(list_domains)
    found = [Found(OK, "domaines", ", ".join(ours))]
    if not ours:
        found = [Found(WARNING, "domaines", "aucun ; ajoutez-en avec `mssante mailbox domain add`")]
    try:
        postmaster = parse_address(config.operator.postmaster)
    except TheirProtocolError:
        return found
    box = await store.read(lambda tx: mailbox_by_key(tx, postmaster.key))
    if box is None or box.state is not MailboxState.ACTIVE:
        text = f"{postmaster} n'est pas une boîte en service ; ouvrez-la avec `mssante mailbox add {postmaster}`"
        found.append(Found(WARNING, "postmaster", text))
    return found


async def _list_age(config: Config, store: Store, now: datetime) -> list[Found]:
    active = await store.read(lists.active_list)
    if active is None:
        return [Found(WARNING, "liste blanche", "jamais lue ; l'opérateur la lira à son démarrage")]
    age = (now - active.checked_at).total_seconds()
    text = f"version {active.version}, vue pour la dernière fois le {french_date(active.checked_at)}"
    if age > config.trust.stop_seconds:
        return [Found(WARNING, "liste blanche", f"{text} : trop ancienne, les échanges sont arrêtés")]
    if age > config.trust.alarm_seconds:
        return [Found(WARNING, "liste blanche", f"{text} : vérifiez [trust] list_url et le réseau")]
    return [Found(OK, "liste blanche", text)]
