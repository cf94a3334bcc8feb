"""``mssante peer``: connect to another operator as the deliveries do, and say what each rule thinks of it."""

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from mssante.app.cli.french import french_date
from mssante.app.cli.opened import quiet
from mssante.app.cli.output import config_option, json_option, safe, say_json
from mssante.app.cli.typed import DOMAIN
from mssante.app.config import Config, find_config, read_config
from mssante.app.stored import must_be_operator
from mssante.model.address import parse_domain
from mssante.model.decision import Decision, Refusal
from mssante.model.errors import ConfigError, TheirProtocolError
from mssante.model.message import Deferred
from mssante.model.outside import Host
from mssante.model.peer import PeerFacts
from mssante.rules.federation import R1, RULES

DEFAULT_PORT: Final = 25
_WORDS: Final = {"ok": "oui", "refused": "NON", "not-judged": "pas jugée"}


@dataclass(frozen=True, slots=True)
class Findings:
    """What came of the look at a host; `peer` is None when the connection did not come to the rules."""

    decision: Decision
    peer: PeerFacts | None
    list_version: str


@click.group()
def peer() -> None:
    """Autres opérateurs : essayer la liaison et les règles de l'espace de confiance.

    \b
    Exemple : mssante peer check smtp.ch-exemple.fr --domain ch-exemple.mssante.fr
    """


@peer.command()
@click.argument("host")
@click.option("--domain", type=DOMAIN, required=True, help="Domaine pour lequel ce serveur est censé recevoir.")
@click.option("--address", help="Adresse où se connecter, si ce n'est pas le nom du serveur.")
@config_option
@json_option
def check(host: str, domain: str, address: str | None, config_path: Path | None, as_json: bool) -> None:
    """Se connecter à HOST[:PORT] avec notre certificat et dire ce qu'en pense chaque règle, sans rien envoyer.

    Codes de sortie : 0 le serveur est accepté, 1 il est refusé ou injoignable, 2 commande ou configuration à corriger.

    \b
    Exemple : mssante peer check smtp.ch-exemple.fr:25 --domain ch-exemple.mssante.fr
    """
    target = _host(host, address)
    found = asyncio.run(_look(target, domain, read_config(find_config(config_path))))
    if as_json:
        say_json(_as_json(found, target, domain))
    else:
        for line in _as_text(found, target, domain):
            click.echo(safe(line))
    sys.exit(1 if isinstance(found.decision, Refusal) else 0)


def rule_verdicts(decision: Decision) -> dict[str, str]:
    """Return what each rule says: the rules are judged in order, and the first refusal ends it.

    Source: operators.md 2.5.
    """
    if not isinstance(decision, Refusal):
        return dict.fromkeys(RULES, "ok")
    names = list(RULES)
    if decision.rule not in RULES:
        return dict.fromkeys(names, "not-judged")
    place = names.index(decision.rule)
    return {name: "ok" if at < place else "refused" if at == place else "not-judged" for at, name in enumerate(names)}


async def _look(target: Host, domain: str, config: Config) -> Findings:
    from mssante.app.compose import open_operator

    must_be_operator(config)
    async with open_operator(quiet(config)) as operator:
        version = operator.trust.list_version()
        # R1 needs no connection: we go nowhere for a domain that is not in the list.
        before = operator.trust.judge_destination(PeerFacts(ip=target.address, port=target.port), target.name, domain)
        if isinstance(before, Refusal) and before.rule == R1:
            return Findings(before, None, version)
        channel = await operator.courier.open(target)
        if isinstance(channel, Deferred):
            return Findings(channel.refusal, None, version)
        try:
            return Findings(operator.trust.judge_destination(channel.peer, target.name, domain), channel.peer, version)
        finally:
            await channel.close()


def _as_json(found: Findings, target: Host, domain: str) -> dict[str, object]:
    decision, seen = found.decision, found.peer
    certificate = seen.certificate if seen else None
    return {
        "host": target.name,
        "port": target.port,
        "domain": domain,
        "list": found.list_version,
        "accepted": not isinstance(decision, Refusal),
        "rules": rule_verdicts(decision),
        "rule": decision.rule,
        "kind": decision.kind.value if isinstance(decision, Refusal) else "",
        "detail": decision.detail,
        "tls": f"{seen.tls.protocol} {seen.tls.cipher}" if seen and seen.tls else "",
        "dn": str(certificate.subject) if certificate else "",
        "not_after": certificate.not_after.isoformat() if certificate else "",
    }


def _as_text(found: Findings, target: Host, domain: str) -> Iterator[str]:
    decision, seen = found.decision, found.peer
    yield f"{target.name}:{target.port} pour {domain}, liste {found.list_version or 'absente'}"
    if seen and seen.tls:
        yield f"  liaison : {seen.tls.protocol}, {seen.tls.cipher}"
    if seen and seen.certificate:
        yield f"  certificat : {seen.certificate.subject}"
        yield f"  valable jusqu'au {french_date(seen.certificate.not_after)}"
    for name, verdict in rule_verdicts(decision).items():
        yield f"  {name} {_WORDS[verdict]:<10} {RULES[name]}"
    if isinstance(decision, Refusal) and decision.rule not in RULES:
        yield "Pas de liaison : la connexion n'est pas allée jusqu'aux règles."
    elif isinstance(decision, Refusal):
        when = "pour l'instant" if decision.is_temporary else "toujours"
        yield f"Refusé ({when}) par {decision.rule} : {decision.public}"
    else:
        yield "Accepté : un opérateur de l'espace de confiance lui remettrait les messages de ce domaine."
    if decision.detail:
        yield f"  {decision.detail}"


def _host(text: str, address: str | None) -> Host:
    name, colon, port = text.rpartition(":")
    if not colon:
        name, port = text, str(DEFAULT_PORT)
    if not port.isdigit() or not 0 < int(port) < 65536:
        msg = f"{text} : le port doit être un nombre de 1 à 65535"
        raise ConfigError(msg)
    try:
        name = parse_domain(name)
    except TheirProtocolError as error:
        msg = f"{name!r} n'est pas un nom de serveur ; donnez par exemple smtp.ch-exemple.fr ou smtp.ch-exemple.fr:25"
        raise ConfigError(msg) from error
    return Host(name=name, address=address or name, port=int(port))
