"""``mssante audit``: the chain of what happened, checked and shown."""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import click

from mssante.app.cli.french import counted
from mssante.app.cli.opened import Opened, run_opened
from mssante.app.cli.output import config_option, json_option, safe, say_json
from mssante.app.cli.typed import MOMENT
from mssante.model.audit import AuditCheck, AuditRow
from mssante.model.errors import ConfigError
from mssante.store import audit as store_audit
from mssante.store.tx import Tx

_HEAD: Final = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")
_PAGE_ROWS: Final = 1000


@click.group()
def audit() -> None:
    """Le journal d'audit.

    Chaque ligne porte l'empreinte de la précédente : rien ne s'en retire sans que cela se voie.

    \b
    Exemple : mssante audit verify
    """


@audit.command()
@click.option("--expect", metavar="N°:EMPREINTE", help="Ligne notée ailleurs (`audit head`) : trouve une fin coupée.")
@config_option
@json_option
@click.pass_context
def verify(context: click.Context, expect: str | None, config_path: Path | None, as_json: bool) -> None:
    """Vérifier toute la chaîne.

    \b
    Exemple : mssante audit verify --expect 1204:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    Codes de sortie : 0 entière, 1 rompue, 2 commande ou configuration fausse, 3 magasin.
    """
    expected = _expected(expect)

    async def work(opened: Opened) -> AuditCheck:
        return await opened.store.read_long(lambda tx: store_audit.verify(tx, expected=expected))

    found = run_opened(config_path, work, any_role=True)
    if as_json:
        facts = {"rows": found.rows, "broken_at": found.broken_at, "reason": found.reason}
        say_json({"whole": found.broken_at is None, **facts, "head": _head(found.last_seq, found.last_digest)})
    elif found.broken_at is None:
        lines = counted(found.rows, "ligne")
        click.echo(f"Chaîne entière : {lines}, dernière {_head(found.last_seq, found.last_digest)}")
    else:
        click.echo(
            f"CHAÎNE ROMPUE à la ligne {found.broken_at} ({found.reason}) ; "
            f"bonne jusqu'à {_head(found.last_seq, found.last_digest)}. Mettez le magasin de côté et comparez-le à la "
            "dernière sauvegarde."
        )
    if found.broken_at is not None:
        context.exit(1)


@audit.command()
@config_option
def head(config_path: Path | None) -> None:
    """Donner la dernière ligne, à noter ailleurs.

    Sur papier ou une autre machine, pour `mssante audit verify --expect`.

    \b
    Exemple : mssante audit head
    """

    async def work(opened: Opened) -> tuple[int, bytes]:
        return await opened.store.read(store_audit.head)

    click.echo(_head(*run_opened(config_path, work, any_role=True)))


@audit.command()
@click.option("--since", type=MOMENT, help="Depuis cette date (UTC).")
@click.option("--event", default="", help="Début du nom : « message. », « peer.refused », « list. »...")
@click.option("--subject", default="", help="Exactement ce sujet : une référence, une adresse, un domaine.")
@click.option("--after", "after_seq", type=int, default=0, help="Seulement les lignes de numéro plus grand.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Nombre de lignes.")
@config_option
@json_option
def show(
    since: datetime | None,
    event: str,
    subject: str,
    after_seq: int,
    limit: int,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Montrer des lignes, dans l'ordre.

    Avec --json, un objet par ligne.

    \b
    Exemple : mssante audit show --since 2026-11-23 --event peer.refused
    """

    async def work(opened: Opened) -> list[AuditRow]:
        return await opened.store.read_long(lambda tx: _rows(tx, since, event, subject, after_seq, limit))

    found = run_opened(config_path, work, any_role=True)
    if as_json:
        for row in found:
            say_json(audit_facts(row))
        return
    show_rows(found)


def show_rows(rows: Sequence[AuditRow]) -> None:
    """Write rows as a few lines each, nothing cut: they are read on narrow terminals and searched with grep."""
    for row in rows:
        event = row.event
        facts = ", ".join(f"{name}={value}" for name, value in event.facts.items() if value != "")
        rule = f", règle {event.rule}" if event.rule else ""
        lines = [f"{row.seq}  {row.at:%Y-%m-%d %H:%M:%S}  {event.event}  {event.subject}"]
        lines += [f"    {event.outcome}{rule}, par {event.actor}", *([f"    {facts}"] if facts else [])]
        for line in lines:
            click.echo(safe(line))
    if not rows:
        click.echo("Aucune ligne.")


def audit_facts(row: AuditRow) -> dict[str, object]:
    """Return one row for programs."""
    event = row.event
    return {
        "seq": row.seq,
        "at": row.at,
        "event": event.event,
        "actor": event.actor,
        "subject": event.subject,
        "outcome": event.outcome,
        "rule": event.rule,
        "facts": event.facts,
        "digest": row.digest.hex(),
    }


async def _rows(tx: Tx, since: datetime | None, event: str, subject: str, after_seq: int, limit: int) -> list[AuditRow]:
    found: list[AuditRow] = []
    while len(found) < limit:
        page = await store_audit.rows(tx, after_seq=after_seq, limit=_PAGE_ROWS, event_prefix=event, subject=subject)
        found += [row for row in page if since is None or row.at >= since]
        if len(page) < _PAGE_ROWS:
            break
        after_seq = page[-1].seq
    return found[:limit]


def _head(seq: int, digest: bytes) -> str:
    return f"{seq}:{digest.hex()}"


def _expected(text: str | None) -> tuple[int, bytes] | None:
    if text is None:
        return None
    found = _HEAD.fullmatch(text.strip().lower())
    if found is None:
        msg = f"--expect {text[:80]} : donnez le numéro et l'empreinte comme `mssante audit head` les écrit"
        raise ConfigError(msg)
    return int(found[1]), bytes.fromhex(found[2])
