"""``mssante whitelist``: look into the white list, renew it, and, for the manager, make it."""

import asyncio
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click

from mssante.app.chance import utc_now
from mssante.app.cli.french import counted, french_date
from mssante.app.cli.opened import Opened, actor_name, quiet, run_opened
from mssante.app.cli.output import config_option, json_option, safe, say_json
from mssante.app.cli.typed import DN, DOMAIN
from mssante.app.config import Config, find_config, read_config
from mssante.app.stored import must_be_operator
from mssante.model.errors import ConfigError, WireError
from mssante.model.system import reason
from mssante.model.whitelist import WhiteList
from mssante.store import lists
from mssante.wire.whitelist.read import read_entry_domain, read_white_list
from mssante.wire.x509.read import read_crl

_FILE: Final = click.Path(path_type=Path, dir_okay=False)


@click.group()
def whitelist() -> None:
    """Liste blanche : quels certificats parlent pour quels domaines.

    Codes de sortie : 0 tout va bien, 1 quelque chose est à voir ou refusé, 2 commande ou configuration à corriger.

    \b
    Exemples :
      mssante whitelist check liste.xml
      mssante whitelist why ch-exemple.mssante.fr
    """


@whitelist.command()
@config_option
@json_option
def show(config_path: Path | None, as_json: bool) -> None:
    """Montrer la liste et les listes de révocation en vigueur chez cet opérateur (sortie 1 si elle est inutilisable).

    \b
    Exemple : mssante whitelist show --config /etc/mssante/mssante.toml
    """
    state = run_opened(config_path, _state)
    if as_json:
        say_json(state)
    else:
        click.echo(f"Version : {state['version'] or 'aucune'}")
        click.echo(f"Domaines : {state['domains']} ; entrées : {state['entries']} ; écartées : {state['bad']}")
        click.echo(f"Dernière confirmation : {_when(state['checked'])}")
        for crl in state["crls"]:
            stale = " (PÉRIMÉE)" if crl["stale"] else ""
            click.echo(f"Révocation : {safe(crl['issuer'])}")
            click.echo(f"  {counted(crl['revoked'], 'certificat')}, faite le {_when(crl['made'])}{stale}")
        if state["stopped"]:
            click.echo("ARRÊT : les échanges sont refusés pour l'instant (liste absente ou trop vieille).")
    sys.exit(1 if state["stopped"] else 0)


async def _state(opened: Opened) -> dict[str, Any]:
    settings, now = opened.config.trust, utc_now()
    saved = await opened.store.read(lists.active_list)
    grace = timedelta(seconds=settings.crl_max_age_seconds)
    found = read_white_list(saved.raw) if saved else None
    return {
        "version": saved.version if saved else "",
        "checked": saved.checked_at.isoformat() if saved else "",
        "stopped": saved is None or now - saved.checked_at > timedelta(seconds=settings.stop_seconds),
        "entries": len(found.entries) if found else 0,
        "domains": len(found.names) if found else 0,
        "bad": len(found.bad) if found else 0,
        "crls": [
            {
                "issuer": one.issuer,
                "made": one.this_update.isoformat(),
                "next": one.next_update.isoformat() if one.next_update else "",
                "revoked": len(read_crl(one.der).revoked),
                "stale": one.next_update is None or now > one.next_update + grace,
            }
            for one in await opened.store.read(lists.crls)
        ],
    }


@whitelist.command()
@click.argument("file", type=_FILE)
@json_option
def check(file: Path, as_json: bool) -> None:
    """Lire un fichier de liste blanche et dire ce qui y est écarté (sortie 1 s'il y a des entrées écartées).

    \b
    Exemple : mssante whitelist check listeblanchemssante.xml
    """
    found = _read_file(file)
    pairs = Counter((entry.domain, entry.dn.key) for entry in found.entries)
    double = sum(count - 1 for count in pairs.values())
    if as_json:
        bad = [{"line": one.line, "name": one.name, "reason": one.reason} for one in found.bad]
        say_json({**_summary(found), "duplicates": double, "bad": bad})
    else:
        click.echo(f"Liste du {french_date(found.generated_at)}")
        click.echo(
            f"{counted(len(found.entries), 'entrée')}, {counted(len(found.names), 'domaine')}, "
            f"{counted(len(found.all_keys), 'certificat')}, {counted(double, 'doublon')}"
        )
        for one in found.bad:
            click.echo(f"  ligne {one.line} : {safe(one.name) or '(sans nom)'} écartée : {safe(one.reason)}")
    sys.exit(1 if found.bad else 0)


@whitelist.command()
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
@json_option
def diff(old: Path, new: Path, as_json: bool) -> None:
    """Comparer deux fichiers : domaines entrés, sortis, changés de certificat (sortie 1 s'ils diffèrent).

    \b
    Exemple : mssante whitelist diff hier.xml aujourdhui.xml
    """
    before, after = _read_file(old), _read_file(new)
    come = sorted(after.names.keys() - before.names.keys())
    gone = sorted(before.names.keys() - after.names.keys())
    changed = sorted(
        domain for domain in before.names.keys() & after.names.keys() if before.keys[domain] != after.keys[domain]
    )
    if as_json:
        say_json({"old": before.version, "new": after.version, "added": come, "removed": gone, "changed": changed})
    else:
        click.echo(f"Du {french_date(before.generated_at)} au {french_date(after.generated_at)}")
        for sign, domains in (("+", come), ("-", gone), ("~", changed)):
            for domain in domains:
                click.echo(f"{sign} {domain}")
                names = after.names.get(domain, frozenset()) ^ before.names.get(domain, frozenset())
                for dn in sorted(map(str, names)) if sign == "~" else ():
                    click.echo(f"    {'+' if dn in map(str, after.names[domain]) else '-'} {safe(dn)}")
    sys.exit(1 if come or gone or changed else 0)


@whitelist.command()
@click.argument("domain", type=DOMAIN)
@click.option("--file", "file", type=_FILE, help="Fichier à lire au lieu de la liste en vigueur.")
@config_option
@json_option
def why(domain: str, file: Path | None, config_path: Path | None, as_json: bool) -> None:
    """Dire si un domaine est dans la liste, et quels certificats peuvent parler pour lui (sortie 1 s'il n'y est pas).

    \b
    Exemples :
      mssante whitelist why ch-exemple.mssante.fr
      mssante whitelist why ch-exemple.mssante.fr --file liste.xml
    """
    found = _read_file(file) if file else run_opened(config_path, _in_force)
    name = read_entry_domain(domain.strip().removesuffix("."))
    entries = [entry for entry in found.entries if entry.domain == name] if found else []
    if as_json:
        rows = [{"dn": entry.dn_text, "description": entry.description} for entry in entries]
        say_json({"domain": name, "listed": bool(entries), "list": found.version if found else "", "entries": rows})
    elif found is None:
        click.echo("Aucune liste n'est en vigueur : essayez « mssante whitelist fetch ».")
    elif not entries:
        click.echo(f"{name} n'est pas dans la liste {found.version} : aucun échange n'est possible avec ce domaine.")
    else:
        click.echo(f"{name} est dans la liste {found.version}. Peuvent émettre et recevoir pour lui :")
        for dn, description in dict.fromkeys((entry.dn_text, entry.description) for entry in entries):
            click.echo(f"  {safe(dn)}" + (f"\n    {safe(description)}" if description else ""))
    sys.exit(0 if entries else 1)


async def _in_force(opened: Opened) -> WhiteList | None:
    saved = await opened.store.read(lists.active_list)
    return read_white_list(saved.raw) if saved else None


@whitelist.command()
@click.option("--force", is_flag=True, help="Prendre la liste malgré les garde-fous (retour en arrière, taille).")
@config_option
def fetch(force: bool, config_path: Path | None) -> None:
    """Aller chercher la liste et les listes de révocation maintenant (sortie 1 si l'une est absente ou refusée).

    L'opérateur en marche prend la nouvelle liste en moins d'une seconde. --force est inscrit au journal d'audit et ne
    dispense jamais de la signature.

    \b
    Exemple : mssante whitelist fetch
    """
    problems = asyncio.run(_fetch(_config(config_path), force=force))
    for problem in problems:
        click.echo(f"À voir : {problem}", err=True)
    sys.exit(1 if problems else 0)


async def _fetch(config: Config, *, force: bool) -> list[str]:
    from mssante.app.compose import open_operator

    must_be_operator(config)
    async with open_operator(quiet(config)) as operator:
        outcomes = await operator.trust.refresh(force=force, actor=actor_name())
        click.echo(f"Liste en vigueur : {operator.trust.list_version() or 'aucune'}")
    return [outcome.problem for outcome in outcomes if outcome.problem]


@whitelist.command()
@config_option
def publish(config_path: Path | None) -> None:
    """Publier une nouvelle version de la liste (gestionnaire seulement).

    \b
    Exemple : mssante whitelist publish --config gestionnaire.toml
    """
    click.echo(f"Liste publiée : {asyncio.run(_publish(_config(config_path)))}")


async def _publish(config: Config) -> str:
    from mssante.app.manager import open_publishing

    async with open_publishing(config) as publishing:
        return (await publishing.publish(actor=actor_name())).version


@whitelist.command()
@click.argument("domain", type=DOMAIN)
@click.argument("dn", type=DN)
@click.option("--description", default="", help="Texte libre.")
@click.option("--responsible", default="", help="Contact du responsable.")
@click.option("--support", default="", help="Contact du support.")
@config_option
def admit(domain: str, dn: str, description: str, responsible: str, support: str, config_path: Path | None) -> None:
    """Attribuer un domaine à un certificat, à la prochaine publication (gestionnaire seulement).

    \b
    Exemple :
      mssante whitelist admit ch.mssante.fr "CN=mss.ch.fr,OU=1310990015,O=CH,ST=Paris (75),C=FR"
    """

    async def work() -> None:
        from mssante.app.manager import open_publishing

        async with open_publishing(_config(config_path), may_be_new=True) as publishing:
            await publishing.admit(
                domain=domain,
                dn_text=dn,
                description=description,
                responsible=responsible,
                support=support,
                actor=actor_name(),
            )

    asyncio.run(work())
    click.echo(f"{domain} est admis ; « mssante whitelist publish » le rend effectif.")


@whitelist.command()
@click.argument("domain", type=DOMAIN)
@click.option("--dn", help="Un seul de ses certificats ; sinon le domaine entier.")
@config_option
def remove(domain: str, dn: str | None, config_path: Path | None) -> None:
    """Retirer un domaine à la prochaine publication (gestionnaire seulement ; sortie 1 s'il n'y était pas).

    \b
    Exemple : mssante whitelist remove ch.mssante.fr
    """

    async def work() -> int:
        from mssante.app.manager import open_publishing

        async with open_publishing(_config(config_path)) as publishing:
            return await publishing.remove(domain=domain, dn_text=dn, actor=actor_name())

    count = asyncio.run(work())
    click.echo(
        f"{counted(count, 'entrée retirée', 'entrées retirées')} ; « mssante whitelist publish » le rend effectif."
    )
    sys.exit(0 if count else 1)


def _config(path: Path | None) -> Config:
    return read_config(find_config(path))


def _when(text: str) -> str:
    return french_date(datetime.fromisoformat(text)) if text else "jamais"


def _read_file(path: Path) -> WhiteList:
    try:
        data = path.read_bytes()
    except OSError as error:
        msg = f"{path} : {reason(error)} ; donnez un fichier de liste blanche"
        raise ConfigError(msg) from error
    try:
        return read_white_list(data)
    except WireError as error:
        msg = f"{path} : liste blanche illisible ({error}) ; est-ce le bon fichier ?"
        raise ConfigError(msg) from error


def _summary(found: WhiteList) -> dict[str, Any]:
    return {
        "version": found.version,
        "entries": len(found.entries),
        "domains": len(found.names),
        "certificates": len(found.all_keys),
    }
