"""The part of ``mssante config check`` that looks at the store: soundness, room, own domains, age of the list."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mssante.app.cli.french import counted, french_date
from mssante.app.cli.opened import open_store
from mssante.app.cli.output import size_text
from mssante.app.config import Config
from mssante.model.address import parse_address
from mssante.model.errors import StoreError, TheirProtocolError
from mssante.model.mailbox import MailboxState
from mssante.store import health, lists
from mssante.store.domains import list_domains
from mssante.store.engine import Store
from mssante.store.mailboxes import mailbox_by_key

OK: Final = "ok"
WARNING: Final = "warning"
ERROR: Final = "error"
STORE: Final = "store-error"


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
            found = await _soundness(config, store)
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
