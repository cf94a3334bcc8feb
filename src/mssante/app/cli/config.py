"""``mssante config``: is this configuration good to start with, and what does it say in all."""

import asyncio
import dataclasses
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click

from mssante.app.chance import utc_now
from mssante.app.cli.check import ERROR, OK, STORE, WARNING, Found, check_store
from mssante.app.cli.french import counted, french_date
from mssante.app.cli.output import config_option, json_option, safe, say_json
from mssante.app.config import Config, find_config, read_config, read_secret
from mssante.app.services import mail_services
from mssante.app.tls import TlsMaterial, days_left, read_chain, read_material
from mssante.model.address import parse_address
from mssante.model.errors import ConfigError, TheirProtocolError, WireError
from mssante.model.peer import ChainVerdict
from mssante.wire.x509.chain import ChainJudge, ChainPolicy, Usage
from mssante.wire.x509.read import read_certificate

SOON_DAYS: Final = 30
_MARKS: Final = {OK: "bien", WARNING: "ALERTE", ERROR: "ERREUR", STORE: "ERREUR"}
_USAGES: Final = {Usage.SERVER: "serveur", Usage.CLIENT: "client"}
_EXIT_CODES: Final = {OK: 0, WARNING: 1, ERROR: 2, STORE: 3}


@click.group()
def config() -> None:
    """Vérifier ou montrer la configuration.

    \b
    Exemple : mssante config check --config /etc/mssante/mssante.toml
    """


@config.command()
@config_option
@json_option
@click.pass_context
def check(context: click.Context, config_path: Path | None, as_json: bool) -> None:
    """Vérifier tout ce que le démarrage demande.

    La configuration, les fichiers, les certificats et le magasin ; rien n'est changé.

    \b
    Exemple : mssante config check
    Codes de sortie : 0 tout va bien, 1 au moins une alerte, 2 la configuration ou un certificat ne peut pas servir,
      3 le magasin ne peut pas servir.
    """
    path = find_config(config_path)
    settings = read_config(path)
    now = utc_now()
    found = [Found(OK, "configuration", f"{path} : toutes les clés sont connues")]
    for look in (_check_tls, _check_list_anchors, _check_secrets, _check_operator, _check_told):
        found += look(settings, now)
    found += asyncio.run(check_store(settings, now))
    if as_json:
        say_json([{"level": one.level, "about": one.about, "text": one.text} for one in found])
    else:
        for one in found:
            click.echo(f"{_MARKS[one.level]:<7} {one.about:<14} {safe(one.text)}")
        wrong = sum(one.level != OK for one in found)
        click.echo(f"\n{counted(wrong, 'point')} à régler." if wrong else "\nPrêt à démarrer.")
    context.exit(max(_EXIT_CODES[one.level] for one in found))


@config.command()
@config_option
@json_option
def show(config_path: Path | None, as_json: bool) -> None:
    """Montrer tous les réglages en vigueur.

    Un astérisque marque ceux qui ne sont pas par défaut. Jamais un secret.

    \b
    Exemple : mssante config show
    """
    settings = read_config(find_config(config_path))
    sections = {
        spec.name: getattr(settings, spec.name)
        for spec in dataclasses.fields(settings)
        if dataclasses.is_dataclass(getattr(settings, spec.name))
    }
    if as_json:
        values = {name: {key: _plain(value) for key, value, _ in _settings(one)} for name, one in sections.items()}
        say_json({"role": settings.role, **values})
        return
    click.echo(f"role = {_written(settings.role)}")
    for name, one in sections.items():
        click.echo(f"\n[{name}]")
        for key, value, is_default in _settings(one):
            click.echo(f"{' ' if is_default else '*'} {key} = {safe(_written(value))}")


def _check_tls(settings: Config, now: datetime) -> list[Found]:
    try:
        material = read_material(settings.tls, now=now)
    except ConfigError as error:
        return [Found(ERROR, "certificat", str(error))]
    own = material.own
    left, end = days_left(own, now), french_date(own.not_after)
    level = WARNING if left < SOON_DAYS else OK
    advice = " ; commandez le suivant avec `mssante pki request`" if level is WARNING else ""
    found = [Found(level, "certificat", f"{own.subject}, jusqu'au {end} ({counted(left, 'jour')}){advice}")]
    names = own.dns_names or (own.subject.first("CN") or "",)
    hostname = settings.operator.hostname
    if hostname.lower() not in {name.lower() for name in names}:
        text = f"[operator] hostname {hostname} n'est pas dans le certificat ({', '.join(names)}) : on nous refusera"
        found.append(Found(WARNING, "nom du serveur", text))
    found += _check_chain(settings, material, now)
    for path, word in ((settings.tls.anchors, "racines"), (settings.tls.intermediates, "autorités")):
        found += _authorities(path, word, now)
    return found


def _check_chain(settings: Config, material: TlsMaterial, now: datetime) -> list[Found]:
    """Judge our own certificate as a peer with the same authorities would, revocation aside."""
    policy = ChainPolicy(settings.tls.require_client_usage, settings.tls.refuse_weak_keys, crl_required=False)
    try:
        judge = ChainJudge(material.anchors, material.intermediates, {}, policy)
    except WireError as error:
        return [Found(ERROR, "autorités", f"{settings.tls.intermediates} : {error}")]
    checks = {usage: judge.check(material.own, usage, now) for usage in (Usage.SERVER, Usage.CLIENT)}
    return [
        Found(ERROR, "certificat", f"les autres le refuseraient comme {_USAGES[usage]} : {one.detail}")
        for usage, one in checks.items()
        if one.verdict is not ChainVerdict.TRUSTED
    ]


def _check_list_anchors(settings: Config, now: datetime) -> list[Found]:
    path = settings.trust.list_anchors
    if path is None:
        return []
    try:
        read_chain(path, "list_anchors")
    except ConfigError as error:
        return [Found(ERROR, "liste blanche", str(error))]
    return _authorities(path, "racines (liste)", now)


def _authorities(path: Path, word: str, now: datetime) -> list[Found]:
    found = []
    for der in read_chain(path, word):
        try:
            one = read_certificate(der)
        except WireError as error:
            found.append(Found(ERROR, word, f"{path} : {error}"))
            continue
        if one.not_after < now:
            found.append(Found(WARNING, word, f"{one.subject} a expiré le {french_date(one.not_after)} ; retirez-la"))
    return found or [Found(OK, word, str(path))]


def _check_secrets(settings: Config, _now: datetime) -> list[Found]:
    found = []
    for path in (settings.secrets.credential_key, settings.secrets.trace_key):
        try:
            read_secret(path)
        except ConfigError as error:
            found.append(Found(ERROR, "secrets", str(error)))
    return found or [Found(OK, "secrets", "présents, lisibles par ce seul utilisateur")]


def _check_operator(settings: Config, _now: datetime) -> list[Found]:
    found = []
    try:
        parse_address(settings.operator.postmaster)
    except TheirProtocolError:
        text = f"[operator] postmaster {settings.operator.postmaster!r} n'est pas une adresse ; donnez-en une d'ici"
        found.append(Found(ERROR, "postmaster", text))
    crl_dir = settings.manager.crl_dir
    if settings.role == "manager" and crl_dir is not None and not crl_dir.is_dir():
        found.append(Found(ERROR, "gestionnaire", f"[manager] crl_dir {crl_dir} n'est pas un dossier"))
    return found


def _check_told(settings: Config, _now: datetime) -> list[Found]:
    """Look at what mail programs are told, and at the certificate that they will see."""
    try:
        told = mail_services(settings, settings.operator.hostname)
        if told.web is None:
            return []
        ders = read_chain(settings.autoconfig.certificate or settings.tls.certificate, "certificate")
        names = read_certificate(ders[0]).dns_names
    except (ConfigError, WireError) as error:
        return [Found(ERROR, "réglage auto", str(error))]
    if not any(name.lower().startswith("autoconfig.") or name.startswith("*.") for name in names):
        text = "le certificat de la porte ne nomme aucun autoconfig.DOMAINE ; donnez [autoconfig] certificate et key"
        return [Found(WARNING, "réglage auto", text)]
    return [Found(OK, "réglage auto", f"{told.web.host}, port {told.web.port}")]


def _settings(section: Any) -> list[tuple[str, object, bool]]:  # noqa: ANN401 - any of the frozen sections
    found = []
    for spec in dataclasses.fields(section):
        value = getattr(section, spec.name)
        made: Callable[[], object] | object = spec.default_factory
        default = made() if callable(made) else spec.default
        found.append((spec.name, value, value == default))
    return found


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


def _written(value: object) -> str:
    """Return the value as the file would hold it."""
    match value:
        case bool():
            return str(value).lower()
        case None:
            return '""'
        case int() | float():
            return f"{value:.12g}" if isinstance(value, float) else str(value)
        case tuple():
            return "[" + ", ".join(_written(item) for item in value) + "]"
        case dict():
            return "{ " + ", ".join(f'"{key}" = {_written(item)}' for key, item in value.items()) + " }"
        case _:
            return f'"{value}"'
