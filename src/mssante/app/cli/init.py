"""``mssante init``: a new operator in a folder, ready to receive its certificates."""

import asyncio
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from mssante.app.chance import utc_now
from mssante.app.cli.opened import actor_name
from mssante.app.cli.typed import DOMAIN
from mssante.app.config import Config, read_config, read_secret
from mssante.flows.mailboxes import Administering, MailboxOrder
from mssante.flows.sign_in import PASSWORD_BYTES, digest_password, new_password
from mssante.model.address import parse_address
from mssante.model.errors import ConfigError
from mssante.model.mailbox import MailboxType
from mssante.model.system import reason
from mssante.store.connection import FILE_NAME
from mssante.store.domains import list_domains
from mssante.store.engine import Store

SECRET_BYTES: Final = 32
# Source: operators.md 3.1 (publication).
NATIONAL_LIST: Final = "https://espacedeconfiance.mssante.fr/listeblanchemssante.xml"
CONFIG_NAME: Final = "mssante.toml"
_DEFAULTS: Final = {
    "certificate": "certificat.pem",
    "key": "certificat.key",
    "anchors": "racines.pem",
    "intermediates": "autorites.pem",
}
_COMMON_TEXT: Final = """\
[smtp]                                # la porte des autres opérateurs
host = "0.0.0.0"
port = 25
header_from = "log"                   # "refuse" : refuser un From d'un autre domaine que celui de l'enveloppe

[submission]                          # les portes de nos utilisateurs et de nos logiciels
host = "0.0.0.0"
port = 587
implicit_port = 465

[imap]                                # les boîtes pour les logiciels de messagerie ; -1 ferme une porte
host = "0.0.0.0"
port = 143
implicit_port = 993

[autoconfig]                          # ce que les logiciels de messagerie apprennent ; mssante dns pour la zone
port = -1                             # 443 ouvre la porte de réglage (HTTPS)

[limits]
message_bytes = 26214400              # 25 Mio
recipients = 500

[store]
quota_bytes = 2147483648              # 2 Gio par nouvelle boîte
free_bytes = 67108864                 # sous 64 Mio libres, les nouveaux messages sont refusés pour l'instant

[queue]
warn_seconds = 14400                  # l'expéditeur est prévenu d'un retard au bout de 4 heures
give_up_seconds = 432000              # et d'un échec au bout de 5 jours

[resolver]
mode = "dns"                          # les enregistrements MX ; "static" : la table ci-dessous seulement
# table = { "autre.mssante.fr" = ["mss.autre.fr=192.0.2.1:25"] }

[logs]
format = "json"
level = "info"
"""


_STORE_HEAD: Final = "[store]\n"


@dataclass(frozen=True, slots=True)
class Plan:
    """A new operator, before anything is written.

    Attributes:
        folder: where everything goes.
        domains: the first one has the postmaster.
        files: certificate, key, anchors, intermediates -> path as the configuration will hold it.
        dsn: of a PostgreSQL database, "" for a file of this machine.
    """

    folder: Path
    name: str
    hostname: str
    domains: tuple[str, ...]
    files: dict[str, str]
    list_url: str
    dsn: str = ""

    @property
    def postmaster(self) -> str:
        """Return the address in the notices that the operator sends."""
        return f"postmaster@{self.domains[0]}"


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--name", required=True, help="Nom court de l'opérateur, pour les journaux et les avis.")
@click.option("--hostname", type=DOMAIN, required=True, help="Nom complet du serveur SMTP, le CN de son certificat.")
@click.option("--domain", "domains", type=DOMAIN, multiple=True, required=True, help="Domaine servi ; répétable.")
@click.option("--certificate", type=click.Path(path_type=Path), help="Certificat SERV SSL (PEM).")
@click.option("--key", type=click.Path(path_type=Path), help="Sa clé privée (PEM, mode 0600).")
@click.option("--anchors", type=click.Path(path_type=Path), help="Autorités racines (PEM).")
@click.option("--intermediates", type=click.Path(path_type=Path), help="Autorités intermédiaires (PEM).")
@click.option("--list-url", default=NATIONAL_LIST, show_default=True, help="Où la liste blanche est publiée.")
@click.option(
    "--dsn", default="", help="Base PostgreSQL vide, à la place d'un fichier : postgresql://mssante@hôte/base."
)
def init(
    folder: Path,
    name: str,
    hostname: str,
    domains: tuple[str, ...],
    certificate: Path | None,
    key: Path | None,
    anchors: Path | None,
    intermediates: Path | None,
    list_url: str,
    dsn: str,
) -> None:
    """Préparer un opérateur dans FOLDER : configuration commentée, secrets, magasin, domaines, boîte postmaster.

    N'écrase jamais rien.

    \b
    Exemple : mssante init /etc/mssante --name "CHU de Valdoré" --hostname mss.chu-valdore.fr \\
                --domain chu-valdore.mssante.fr
    Codes de sortie : 0 fait, 2 donnée fausse ou dossier déjà utilisé, 3 magasin.
    """
    given = {"certificate": certificate, "key": key, "anchors": anchors, "intermediates": intermediates}
    files = {word: str(path.absolute()) if path else _DEFAULTS[word] for word, path in given.items()}
    plan = Plan(folder, name, hostname, tuple(dict.fromkeys(domains)), files, list_url, dsn)
    _refuse(plan)
    try:
        _write_files(plan)
    except OSError as error:
        msg = f"{folder} : {reason(error)} ; choisissez un dossier où vous pouvez écrire"
        raise ConfigError(msg) from error
    config = read_config(folder / CONFIG_NAME)
    password = asyncio.run(_fill(plan, config))
    click.echo(f"Opérateur « {name} » préparé dans {folder}.")
    click.echo(f"Boîte {plan.postmaster}, mot de passe d'application : {password}")
    click.echo("Notez-le maintenant : il n'est gardé nulle part et ne sera plus montré.\n")
    click.echo(_next_steps(plan))


def _refuse(plan: Plan) -> None:
    if not plan.name.strip() or not plan.name.isprintable():
        msg = "--name doit être un nom sur une ligne"
        raise ConfigError(msg)
    for path in (plan.folder / CONFIG_NAME, plan.folder / "secrets", plan.folder / "data" / FILE_NAME):
        if path.exists():
            msg = f"{path} existe déjà ; donnez un autre dossier, rien n'est écrasé"
            raise ConfigError(msg)


def _write_files(plan: Plan) -> None:
    plan.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    (plan.folder / "secrets").mkdir(mode=0o700)
    for word in ("credential_key", "trace_key"):
        _write_new(plan.folder / "secrets" / f"{word}.bin", secrets.token_bytes(SECRET_BYTES), mode=0o600)
    _write_new(plan.folder / CONFIG_NAME, config_text(plan).encode(), mode=0o640)


def _write_new(path: Path, data: bytes, *, mode: int) -> None:
    """Write a file that must not exist, and flush it."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


async def _fill(plan: Plan, config: Config) -> str:
    """Make the store with the domains and the postmaster's mailbox; return its application password."""
    password = new_password(secrets.token_bytes(PASSWORD_BYTES))
    digest = digest_password(read_secret(config.secrets.credential_key), password)
    trace_key = read_secret(config.secrets.trace_key)
    store = await Store.open(config.operator.data_dir, config.store, blobs=config.blobs)
    try:
        if await store.read(list_domains):
            msg = f"{store.name} sert déjà un opérateur ; donnez une base vide, et un autre dossier"
            raise ConfigError(msg)
        clerk = Administering(store=store, actor=actor_name(), trace_key=trace_key, clock=utc_now)
        for domain in plan.domains:
            await clerk.add_domain(domain)
        await clerk.create(
            MailboxOrder(
                address=parse_address(plan.postmaster),
                kind=MailboxType.ORG,
                holder=f"Postmaster {plan.name}",
                identifier="",
                quota_bytes=config.store.quota_bytes,
                password_digest=digest,
            )
        )
    finally:
        await store.close()
    return password


def config_text(plan: Plan) -> str:
    """Return the commented configuration of a new operator; a JSON string is a TOML string too."""

    def quoted(text: str) -> str:
        return json.dumps(text, ensure_ascii=False)

    engine = f'engine = "postgresql"\ndsn = {quoted(plan.dsn)}\n' if plan.dsn else ""

    return f"""\
# Configuration de l'opérateur. Chaque réglage : docs/settings.md. Les chemins relatifs partent de ce dossier.
# Une clé inconnue arrête le démarrage. Après un changement : mssante config check, puis redémarrer.
role = "operator"

[operator]
name = {quoted(plan.name)}
hostname = {quoted(plan.hostname)}       # le nom que portent le certificat et l'enregistrement MX
data_dir = "data"
postmaster = {quoted(plan.postmaster)}

[tls]
certificate = {quoted(plan.files["certificate"])}    # certificat SERV SSL de l'IGC-Santé, puis celui de son autorité
key = {quoted(plan.files["key"])}            # chmod 600
anchors = {quoted(plan.files["anchors"])}           # racines de l'IGC-Santé
intermediates = {quoted(plan.files["intermediates"])}   # autorités intermédiaires
allow_tls13 = false                   # TLS 1.3 entre opérateurs, en plus de 1.2

[trust]
list_url = {quoted(plan.list_url)}
refresh_seconds = 3600                # une lecture de la liste blanche et des listes de révocation par heure
alarm_seconds = 86400                 # alarme si la liste n'a pas pu être lue depuis un jour
stop_seconds = 604800                 # arrêt temporaire des échanges au bout de sept jours
signature = "absent-allowed"          # "required" quand la liste nationale sera signée

[secrets]                             # créés par mssante init ; à sauvegarder à part, jamais dans les journaux
credential_key = "secrets/credential_key.bin"
trace_key = "secrets/trace_key.bin"

{_COMMON_TEXT.replace(_STORE_HEAD, _STORE_HEAD + engine)}"""


def _next_steps(plan: Plan) -> str:
    config = plan.folder / CONFIG_NAME
    wanted = [f"     {path}" for path in plan.files.values() if not (plan.folder / path).exists()]
    steps = [
        *(["Déposez les certificats qui manquent :", *wanted] if wanted else []),
        "Vérifiez :           mssante config check --config " + str(config),
        "Ouvrez une boîte :   mssante mailbox add prenom.nom@" + plan.domains[0] + " --help",
        "Démarrez :           mssante serve --config " + str(config),
    ]
    lines, number = ["Et maintenant :"], 0
    for step in steps:
        if step.startswith(" "):
            lines.append(step)
        else:
            number += 1
            lines.append(f"  {number}. {step}")
    return "\n".join(lines)
