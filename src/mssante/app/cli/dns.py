"""``mssante dns``: the records that a domain must publish, ready to paste, and what is published instead."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from mssante.app.cli.opened import Opened, run_opened
from mssante.app.cli.output import config_option, json_option, safe, say_json
from mssante.app.cli.typed import DOMAIN
from mssante.app.services import mail_services
from mssante.model.autoconfig import MailServices
from mssante.model.errors import MssError
from mssante.model.settings import ResolverSettings
from mssante.store.domains import list_domains
from mssante.wire.autoconfig.srv import Record, full_name, records, zone_text


@dataclass(frozen=True, slots=True)
class Compared:
    """One record beside what the DNS says.

    Attributes:
        published: as a zone file writes it; empty when there is none.
        problem: what differs, with the fix; empty when it is right.
    """

    record: Record
    name: str
    published: tuple[str, ...]
    problem: str


@click.command()
@click.argument("domain", type=DOMAIN)
@click.option("--check", "must_check", is_flag=True, help="Comparer avec ce qui est publié.")
@config_option
@json_option
def dns(domain: str, must_check: bool, config_path: Path | None, as_json: bool) -> None:
    """Donner les enregistrements DNS de DOMAIN, prêts à copier dans sa zone.

    \b
    Exemple : mssante dns ch-exemple.mssante.fr --check
    Codes de sortie : 0 fait, 1 domaine inconnu ou enregistrement à corriger, 2 configuration fausse,
      3 magasin, 4 le DNS ne répond pas.
    """
    services, settings = run_opened(config_path, lambda opened: _services(opened, domain))
    if not must_check:
        if as_json:
            say_json([_facts(one, domain) for one in records(services)])
        else:
            click.echo(zone_text(services), nl=False)
        return
    found = asyncio.run(compare(services, settings))
    if as_json:
        say_json([_facts(one.record, domain) | {"published": one.published, "problem": one.problem} for one in found])
    else:
        for one in found:
            click.echo(f"{'CORRIGER' if one.problem else 'bien':<9} {one.record.kind:<5} {one.name}")
            if one.problem:
                click.echo(f"          {safe(one.problem)}")
    sys.exit(1 if any(one.problem for one in found) else 0)


async def services_of(opened: Opened, domain: str) -> MailServices:
    """Return what the programs of the domain are told.

    Raises:
        MssError: the domain is not ours.
    """
    if domain not in await opened.store.read(list_domains):
        msg = f"le domaine {domain} n'est pas servi ici ; ajoutez-le avec `mssante mailbox domain add {domain}`"
        raise MssError(msg)
    return mail_services(opened.config, domain)


async def compare(services: MailServices, settings: ResolverSettings) -> tuple[Compared, ...]:
    """Ask the DNS for every record, one after the other, and say what differs.

    Raises:
        LinkError: the DNS does not answer.
    """
    # Starting costs 80 ms that printing the records need not pay.
    from mssante.links.records import published, sorted_texts
    from mssante.links.resolver import make_resolver

    resolver = make_resolver(settings.nameservers)
    found = []
    for record in records(services):
        name = full_name(record, services.domain)
        seen = await published(resolver, name, record.kind, timeout_seconds=settings.timeout_seconds)
        wanted = sorted_texts([record.data])[0]
        if not seen and record.kind == "CNAME":
            # An address in its own right serves as well as an alias.
            seen = await published(resolver, name, "A", timeout_seconds=settings.timeout_seconds)
            problem = "" if seen else _problem(record, name, ())
        elif record.kind == "TXT":
            problem = "" if wanted in seen else _problem(record, name, seen)
        else:
            # A service that is not announced at all is not offered either (RFC 6186 section 3).
            is_right = seen == (wanted,) or (not seen and record.data == "0 0 0 .")
            problem = "" if is_right else _problem(record, name, seen)
        found.append(Compared(record, name, seen, problem))
    return tuple(found)


def _problem(record: Record, name: str, seen: tuple[str, ...]) -> str:
    line = f"{name}. IN {record.kind} {record.data}"
    if not seen:
        return f"absent ; ajoutez : {line}"
    return f"publié : {', '.join(seen)} ; remplacez par : {line}"


def _facts(record: Record, domain: str) -> dict[str, object]:
    return {"name": full_name(record, domain), "type": record.kind, "data": record.data, "comment": record.comment}


async def _services(opened: Opened, domain: str) -> tuple[MailServices, ResolverSettings]:
    return await services_of(opened, domain), opened.config.resolver
