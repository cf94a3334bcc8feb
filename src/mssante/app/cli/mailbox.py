"""``mssante mailbox``: mailboxes, application passwords and domains of this operator."""

import secrets
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from mssante.app.cli.box_change import FIELDS, Attributes, change, listing_options
from mssante.app.cli.bulk import import_boxes
from mssante.app.cli.french import counted, french_date
from mssante.app.cli.life_cycle import absence, delegate, life
from mssante.app.cli.opened import Opened, run_opened
from mssante.app.cli.output import config_option, json_option, say_json, show_facts, show_table, size_text
from mssante.app.cli.publication import state_text
from mssante.app.cli.typed import ADDRESS, DN, DOMAIN, MOMENT, SIZE
from mssante.app.config import read_secret
from mssante.flows.mailboxes import MailboxOrder
from mssante.flows.sign_in import PASSWORD_BYTES, digest_password, new_password
from mssante.model.address import Address
from mssante.model.dn import parse_dn
from mssante.model.mailbox import SCOPES, Credential, CredentialId, Folder, Mailbox, MailboxState, MailboxType
from mssante.model.publication import Announced, Listing
from mssante.store.accounts import members as list_members
from mssante.store.domains import list_domains
from mssante.store.mailboxes import list_folders, list_mailboxes
from mssante.store.publication import announced
from mssante.store.tx import Tx

_Shown = tuple[Mailbox, tuple[Folder, ...], Announced | None, tuple[str, ...]]

STATES = {
    MailboxState.ACTIVE: "en service",
    MailboxState.SUSPENDED: "suspendue",
    MailboxState.CLOSED: "close",
}


@click.group()
def mailbox() -> None:
    """Boîtes aux lettres (BAL), mots de passe d'application, domaines de cet opérateur.

    \b
    Exemple : mssante mailbox add claire.martin@chu.mssante.fr --type PER \\
                --holder "Dr Claire MARTIN" --identifier 10001234561
    """


@mailbox.command()
@click.argument("address", type=ADDRESS)
@click.option(
    "--type",
    "kind",
    type=click.Choice([kind.value for kind in MailboxType], case_sensitive=False),
    metavar="PER|ORG|APP|CAB|USAGER",
    required=True,
    help="PER personnelle, ORG organisationnelle, APP applicative, CAB de cabinet, USAGER.",
)
@click.option("--holder", required=True, help="Nom du titulaire, montré aux autres.")
@click.option("--identifier", default="", help="RPPS (PER, CAB), FINESS ou SIRET (ORG, APP) ; clé vérifiée.")
@click.option("--member", "members", multiple=True, help="Compte qui lit la boîte et envoie pour elle ; répétable.")
@click.option("--quota", type=SIZE, default=None, help="Place, par exemple 500M ; à défaut [store] quota_bytes.")
@click.option("--certificate-dn", type=DN, default="", help="Nom du certificat ORG AUTH_CLI qui ouvre une boîte APP.")
@listing_options
@config_option
@json_option
def add(
    address: Address,
    kind: str,
    holder: str,
    identifier: str,
    members: tuple[str, ...],
    quota: int | None,
    certificate_dn: str,
    config_path: Path | None,
    as_json: bool,
    attributes: Attributes,
) -> None:
    """Ouvrir la boîte ADDRESS.

    L'adresse et le type sont fixés pour la vie. Sans membres ni certificat, un compte du même nom est créé et son
    premier mot de passe d'application est montré, une seule fois.

    \b
    Exemple : mssante mailbox add cardiologie@chu.mssante.fr --type ORG \\
                --holder "Service de cardiologie" --identifier 310000108 --member claire.martin@chu.mssante.fr
    Codes de sortie : 0 ouverte, 1 refusée, 2 commande ou configuration fausse, 3 magasin.
    """
    password = "" if members or certificate_dn else new_password(secrets.token_bytes(PASSWORD_BYTES))

    async def work(opened: Opened) -> Mailbox:
        key = read_secret(opened.config.secrets.credential_key)
        order = MailboxOrder(
            address=address,
            kind=MailboxType(kind),
            holder=holder,
            identifier=identifier.replace(" ", ""),
            quota_bytes=quota if quota is not None else opened.config.store.quota_bytes,
            members=members,
            certificate_name=parse_dn(certificate_dn) if certificate_dn else None,
            password_digest=digest_password(key, password) if password else None,
            listing=attributes.applied(Listing()),
        )
        return await opened.administering.create(order)

    made = run_opened(config_path, work)
    if as_json:
        say_json({**_facts(made), "user": str(address), "password": password or None})
        return
    click.echo(f"Boîte {address} ouverte ({kind}, {size_text(made.quota_bytes)}).")
    if password:
        _show_password(str(address), password)


@mailbox.command("list")
@config_option
@json_option
def list_all(config_path: Path | None, as_json: bool) -> None:
    """Lister toutes les boîtes, closes comprises.

    \b
    Exemple : mssante mailbox list
    """

    async def work(opened: Opened) -> tuple[Mailbox, ...]:
        return await opened.store.read(list_mailboxes)

    found = run_opened(config_path, work)
    if as_json:
        say_json([_facts(one) for one in found])
        return
    columns = ("Adresse", "Type", "État", "Titulaire", "Occupation")
    rows = ((str(one.address), one.kind.value, STATES[one.state], one.holder, _used(one)) for one in found)
    show_table(columns, rows, nothing="Aucune boîte ; `mssante mailbox add --help` montre comment en ouvrir une.")


@mailbox.command()
@click.argument("address", type=ADDRESS)
@config_option
@json_option
def show(address: Address, config_path: Path | None, as_json: bool) -> None:
    """Montrer une boîte et ses dossiers.

    \b
    Exemple : mssante mailbox show claire.martin@chu.mssante.fr
    """

    async def work(opened: Opened) -> _Shown:
        found = await opened.mailbox(address)

        async def look(tx: Tx) -> _Shown:
            listed = await announced(tx, found.mailbox_id)
            return found, await list_folders(tx, found.mailbox_id), listed, await list_members(tx, found.mailbox_id)

        return await opened.store.read(look)

    found, folders, listed, members = run_opened(config_path, work)
    if as_json:
        counts = [{"name": one.name, "messages": one.messages, "unseen": one.unseen} for one in folders]
        known = {} if listed is None else {"listing": listed.listing}
        state = listed.state.value if listed else None
        say_json({**_facts(found), **known, "members": members, "folders": counts, "publication": state})
        return
    show_facts(
        (
            ("Adresse", str(found.address)),
            ("Type", found.kind.value),
            ("État", STATES[found.state]),
            ("Titulaire", found.holder),
            ("Identifiant", found.identifier),
            *(_attributes(listed.listing) if listed else ()),
            ("Membres", ", ".join(members)),
            ("Occupation", _used(found)),
            ("Ouverte le", french_date(found.created_at)),
            ("Annuaire", state_text(listed) if listed else ""),
        )
    )
    click.echo()
    show_table(("Dossier", "Messages", "Non lus"), ((one.name, str(one.messages), str(one.unseen)) for one in folders))


@mailbox.command()
@click.argument("address", type=ADDRESS)
@config_option
def suspend(address: Address, config_path: Path | None) -> None:
    """Suspendre une boîte.

    Elle ne reçoit plus, n'envoie plus, et son compte ne se connecte plus ; ce qu'elle contient reste.

    \b
    Exemple : mssante mailbox suspend claire.martin@chu.mssante.fr
    """
    _change(address, MailboxState.SUSPENDED, config_path)


@mailbox.command()
@click.argument("address", type=ADDRESS)
@config_option
def resume(address: Address, config_path: Path | None) -> None:
    """Remettre en service une boîte suspendue.

    \b
    Exemple : mssante mailbox resume claire.martin@chu.mssante.fr
    """
    _change(address, MailboxState.ACTIVE, config_path)


@mailbox.command()
@click.argument("address", type=ADDRESS)
@click.option("--yes", is_flag=True, help="Ne pas demander confirmation.")
@config_option
def close(address: Address, yes: bool, config_path: Path | None) -> None:
    """Clore une boîte, pour toujours.

    Son adresse ne sera jamais redonnée ; ce qu'elle contient reste dans le magasin.

    \b
    Exemple : mssante mailbox close claire.martin@chu.mssante.fr
    """
    if (
        not yes
        and click.prompt(f"Clore {address} pour toujours ? Tapez oui", default="non", show_default=False) != "oui"
    ):
        raise click.Abort
    _change(address, MailboxState.CLOSED, config_path)


@mailbox.command()
@click.argument("address", type=ADDRESS)
@click.argument("size", type=SIZE)
@config_option
def quota(address: Address, size: int, config_path: Path | None) -> None:
    """Changer la place d'une boîte.

    \b
    Exemple : mssante mailbox quota claire.martin@chu.mssante.fr 5G
    """

    async def work(opened: Opened) -> Mailbox:
        return await opened.administering.change_quota(address, size)

    before = run_opened(config_path, work)
    click.echo(f"Boîte {address} : {size_text(before.quota_bytes)} avant, {size_text(size)} maintenant.")


for command in (change, import_boxes, absence, delegate, life):
    mailbox.add_command(command)


@mailbox.group()
def password() -> None:
    """Mots de passe d'application d'un compte.

    Pour ses logiciels de messagerie ; chacun n'est montré qu'une fois, à sa création.

    \b
    Exemple : mssante mailbox password add claire.martin@chu.mssante.fr --name portable
    """


@password.command("add")
@click.argument("login")
@click.option("--name", default="application", help="À quoi il sert, pour le reconnaître.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(sorted(SCOPES)),
    help="Ce qu'il ouvre : imap (lire), submission (envoyer) ; par défaut les deux.",
)
@click.option("--until", type=MOMENT, help="Jusqu'à quand il sert, AAAA-MM-JJ ; par défaut sans fin.")
@config_option
@json_option
def add_password(
    login: str,
    name: str,
    scopes: tuple[str, ...],
    until: datetime | None,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Créer un mot de passe pour le compte LOGIN.

    \b
    Exemple : mssante mailbox password add claire.martin@chu.mssante.fr --name portable --scope imap --until 2027-06-30
    """
    secret = new_password(secrets.token_bytes(PASSWORD_BYTES))

    async def work(opened: Opened) -> CredentialId:
        digest = digest_password(read_secret(opened.config.secrets.credential_key), secret)
        return await opened.administering.add_password(
            login, name, digest, scopes=frozenset(scopes) or SCOPES, until=until
        )

    number = run_opened(config_path, work)
    if as_json:
        say_json({"user": login, "id": number, "name": name, "password": secret})
        return
    click.echo(f"Mot de passe {number} créé.")
    _show_password(login, secret)


@password.command("list")
@click.argument("login")
@config_option
@json_option
def list_passwords(login: str, config_path: Path | None, as_json: bool) -> None:
    """Lister les mots de passe du compte LOGIN, sans les secrets.

    \b
    Exemple : mssante mailbox password list claire.martin@chu.mssante.fr
    """

    async def work(opened: Opened) -> tuple[Credential, ...]:
        return await opened.administering.passwords(login)

    found = run_opened(config_path, work)
    if as_json:
        say_json(found)
        return
    rows = (
        (
            str(one.credential_id),
            one.name,
            french_date(one.created_at),
            french_date(one.last_used_at) if one.last_used_at else "jamais",
            ", ".join(sorted(one.scopes)),
            french_date(one.until) if one.until else "sans",
            f"révoqué le {french_date(one.revoked_at)}" if one.revoked_at else "en service",
        )
        for one in found
    )
    show_table(("N°", "Nom", "Créé le", "Dernier usage", "Ouvre", "Fin", "État"), rows, nothing="Aucun mot de passe.")


@password.command("revoke")
@click.argument("login")
@click.argument("number", type=int)
@config_option
def revoke_password(login: str, number: int, config_path: Path | None) -> None:
    """Révoquer le mot de passe NUMBER du compte LOGIN, tout de suite.

    \b
    Exemple : mssante mailbox password revoke claire.martin@chu.mssante.fr 3
    """

    async def work(opened: Opened) -> None:
        await opened.administering.revoke_password(login, CredentialId(number))

    run_opened(config_path, work)
    click.echo(f"Mot de passe {number} de {login} révoqué.")


@mailbox.group()
def domain() -> None:
    """Domaines que cet opérateur sert.

    La liste blanche dit s'ils sont dans l'espace de confiance.

    \b
    Exemple : mssante mailbox domain add chu.mssante.fr
    """


@domain.command("add")
@click.argument("name", type=DOMAIN)
@config_option
def add_domain(name: str, config_path: Path | None) -> None:
    """Servir le domaine NAME.

    \b
    Exemple : mssante mailbox domain add chu.mssante.fr
    """

    async def work(opened: Opened) -> bool:
        return await opened.administering.add_domain(name)

    added = run_opened(config_path, work)
    click.echo(f"Domaine {name} ajouté." if added else f"Domaine {name} déjà servi.")


@domain.command("list")
@config_option
@json_option
def list_served(config_path: Path | None, as_json: bool) -> None:
    """Lister les domaines servis.

    \b
    Exemple : mssante mailbox domain list
    """

    async def work(opened: Opened) -> tuple[str, ...]:
        return await opened.store.read(list_domains)

    found = run_opened(config_path, work)
    if as_json:
        say_json(found)
    else:
        click.echo("\n".join(found) or "Aucun domaine.")


def _change(address: Address, state: MailboxState, config_path: Path | None) -> None:
    async def work(opened: Opened) -> Mailbox:
        return await opened.administering.change_state(address, state)

    before = run_opened(config_path, work)
    click.echo(f"Boîte {address} : {STATES[before.state]} avant, {STATES[state]} maintenant.")


def _show_password(login: str, secret: str) -> None:
    click.echo(f"Identifiant :  {login}")
    click.echo(f"Mot de passe : {secret}")
    click.echo("Notez-le maintenant : il n'est gardé nulle part et ne sera plus montré.")


def _attributes(listing: Listing) -> tuple[tuple[str, str], ...]:
    """Return what the directory is to know, in the order and under the names of ``mailbox change``."""
    words = {True: "oui", False: "non", None: ""}
    values = {
        **asdict(listing),
        "is_red": words[listing.is_red or None],
        "is_paperless": words[listing.is_paperless],
        "rank": "" if listing.rank is None else str(listing.rank),
    }
    return tuple((said.capitalize(), values[name]) for name, said in FIELDS.items() if name in values)


def _used(found: Mailbox) -> str:
    share = 100 * found.used_bytes // max(found.quota_bytes, 1)
    return f"{size_text(found.used_bytes)} sur {size_text(found.quota_bytes)} ({counted(share, '%', '%')})"


def _facts(found: Mailbox) -> dict[str, object]:
    return {
        "address": str(found.address),
        "type": found.kind.value,
        "state": found.state.value,
        "holder": found.holder,
        "identifier": found.identifier,
        "quota_bytes": found.quota_bytes,
        "used_bytes": found.used_bytes,
        "created_at": found.created_at,
    }
