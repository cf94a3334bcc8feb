"""``mssante mailbox absence``, ``delegate`` and ``life``: who is away, who stands in, what nobody opens any more."""

from datetime import datetime
from pathlib import Path
from typing import Final

import click

from mssante.app.chance import new_reference, utc_now
from mssante.app.cli.french import counted, french_date
from mssante.app.cli.opened import Opened, run_opened
from mssante.app.cli.output import config_option, json_option, say_json, show_facts, show_table
from mssante.app.cli.typed import ADDRESS, MOMENT
from mssante.flows.delegating import Delegating, DelegationOrder
from mssante.flows.leaving import clear_absence, set_absence
from mssante.flows.life_cycle import Happened, LifeCycle
from mssante.model.address import Address, parse_address
from mssante.model.life_cycle import (
    Absence,
    BoxLife,
    ContactNotice,
    Delegation,
    DelegationId,
    DelegationState,
    LifeCycleSettings,
)
from mssante.model.mailbox import MailboxId
from mssante.rules.life_cycle import LifeStep, closing_at
from mssante.store.absences import absence_of
from mssante.store.life_cycle import contact_notices, life_of

DELEGATIONS: Final = {
    DelegationState.PLANNED: "à venir",
    DelegationState.RUNNING: "en cours",
    DelegationState.ENDED: "finie",
}
STEPS: Final = {
    LifeStep.NOTICE: "prévenir",
    LifeStep.REMINDER: "prévenir encore",
    LifeStep.SUSPEND: "suspendre",
    LifeStep.CLOSE: "clore",
}
_NOTICES_MAX: Final = 1000


@click.group()
def absence() -> None:
    """Absence du titulaire : « pas avant le..., écrivez à... ».

    L'annuaire la montre, et qui écrit reçoit une réponse automatique, une fois par semaine au plus.

    \b
    Exemple : mssante mailbox absence set claire.martin@chu.mssante.fr --until 2026-12-15
    """


@absence.command("set")
@click.argument("address", type=ADDRESS)
@click.option("--from", "starts_at", type=MOMENT, default=None, help="Début, AAAA-MM-JJ ; à défaut tout de suite.")
@click.option("--until", "ends_at", type=MOMENT, required=True, help="Jour du retour, AAAA-MM-JJ.")
@click.option("--substitute", type=ADDRESS, default=None, help="À qui écrire en attendant.")
@click.option("--text", default="", help="Ce que le titulaire ajoute à la réponse automatique.")
@config_option
def set_one(
    address: Address,
    starts_at: datetime | None,
    ends_at: datetime,
    substitute: Address | None,
    text: str,
    config_path: Path | None,
) -> None:
    """Noter l'absence du titulaire de ADDRESS, à la place de la précédente.

    \b
    Exemple : mssante mailbox absence set claire.martin@chu.mssante.fr --until 2026-12-15
    """
    now = utc_now()
    wanted = Absence(MailboxId(0), address, starts_at or now, ends_at, text.strip(), substitute)

    async def work(opened: Opened) -> None:
        await set_absence(opened.store, wanted, actor=opened.actor, trace_key=opened.trace_key, now=now)

    run_opened(config_path, work)
    click.echo(f"Boîte {address} : absence du {french_date(wanted.starts_at)} au {french_date(ends_at)}.")


@absence.command("show")
@click.argument("address", type=ADDRESS)
@config_option
@json_option
def show_one(address: Address, config_path: Path | None, as_json: bool) -> None:
    """Montrer l'absence notée pour ADDRESS.

    \b
    Exemple : mssante mailbox absence show claire.martin@chu.mssante.fr
    """

    async def work(opened: Opened) -> Absence | None:
        box = await opened.mailbox(address)
        return await opened.store.read(lambda tx: absence_of(tx, box.mailbox_id))

    found = run_opened(config_path, work)
    if as_json:
        say_json(None if found is None else _absence_facts(found))
    elif found is None:
        click.echo(f"Boîte {address} : aucune absence.")
    else:
        show_facts(
            (
                ("Boîte", str(found.address)),
                ("Absence du", french_date(found.starts_at)),
                ("Retour le", french_date(found.ends_at)),
                ("Écrire à", str(found.substitute or "")),
                ("Message", found.text),
            )
        )


@absence.command("clear")
@click.argument("address", type=ADDRESS)
@config_option
def clear_one(address: Address, config_path: Path | None) -> None:
    """Oublier l'absence notée pour ADDRESS.

    \b
    Exemple : mssante mailbox absence clear claire.martin@chu.mssante.fr
    """

    async def work(opened: Opened) -> bool:
        return await clear_absence(opened.store, address, actor=opened.actor, trace_key=opened.trace_key, now=utc_now())

    cleared = run_opened(config_path, work)
    click.echo(f"Boîte {address} : absence oubliée." if cleared else f"Boîte {address} : aucune absence.")


@click.group()
def delegate() -> None:
    """Délégation d'une boîte PER : quelqu'un la lit, ou envoie en son nom, avec son propre compte.

    Chaque début, chaque fin et chaque acte du délégué est dans le journal.

    \b
    Exemple : mssante mailbox delegate add claire.martin@chu.mssante.fr --to paul.durand@chu.mssante.fr \\
                --until 2026-12-15
    """


@delegate.command("add")
@click.argument("address", type=ADDRESS)
@click.option("--to", "login", required=True, help="Compte de la personne qui remplace.")
@click.option("--from", "starts_at", type=MOMENT, default=None, help="Début, AAAA-MM-JJ ; à défaut tout de suite.")
@click.option("--until", "ends_at", type=MOMENT, required=True, help="Fin, AAAA-MM-JJ.")
@click.option("--send", is_flag=True, help="Elle peut aussi envoyer au nom du titulaire.")
@config_option
def add_delegation(
    address: Address,
    login: str,
    starts_at: datetime | None,
    ends_at: datetime,
    send: bool,
    config_path: Path | None,
) -> None:
    """Laisser un compte lire la boîte ADDRESS, et envoyer pour elle avec --send.

    \b
    Exemple : mssante mailbox delegate add claire.martin@chu.mssante.fr --to paul.durand@chu.mssante.fr \\
                --until 2026-12-15 --send
    """
    order = DelegationOrder(
        address, login, may_read=True, may_send=send, starts_at=starts_at or utc_now(), ends_at=ends_at
    )

    async def work(opened: Opened) -> DelegationId:
        return await _delegating(opened).add(order)

    number = run_opened(config_path, work)
    what = "lit et envoie" if send else "lit"
    click.echo(f"Délégation {number} : {login} {what} du {french_date(order.starts_at)} au {french_date(ends_at)}.")


@delegate.command("list")
@click.argument("address", type=ADDRESS)
@config_option
@json_option
def list_delegations(address: Address, config_path: Path | None, as_json: bool) -> None:
    """Lister les délégations de ADDRESS, finies comprises.

    \b
    Exemple : mssante mailbox delegate list claire.martin@chu.mssante.fr
    """

    async def work(opened: Opened) -> tuple[Delegation, ...]:
        return await _delegating(opened).show(address)

    found = run_opened(config_path, work)
    if as_json:
        say_json([_delegation_facts(one) for one in found])
        return
    rows = (
        (
            str(one.delegation_id),
            one.login,
            "lire, envoyer" if one.may_send else "lire",
            french_date(one.starts_at),
            french_date(one.ends_at),
            DELEGATIONS[one.state],
        )
        for one in found
    )
    show_table(("N°", "Compte", "Droits", "Début", "Fin", "État"), rows, nothing="Aucune délégation.")


@delegate.command("remove")
@click.argument("address", type=ADDRESS)
@click.argument("number", type=int)
@config_option
def remove_delegation(address: Address, number: int, config_path: Path | None) -> None:
    """Mettre fin tout de suite à la délégation NUMBER de ADDRESS.

    \b
    Exemple : mssante mailbox delegate remove claire.martin@chu.mssante.fr 3
    """

    async def work(opened: Opened) -> None:
        await _delegating(opened).remove(address, DelegationId(number))

    run_opened(config_path, work)
    click.echo(f"Délégation {number} de {address} finie.")


@click.group()
def life() -> None:
    """Boîtes que personne n'ouvre : avis, opposition, suspension, clôture après un an au plus sans connexion.

    \b
    Exemple : mssante mailbox life run --dry-run
    """


@life.command("run")
@click.option("--dry-run", is_flag=True, help="Montrer ce qui serait fait, sans rien changer.")
@config_option
@json_option
def run_life(dry_run: bool, config_path: Path | None, as_json: bool) -> None:
    """Faire maintenant ce que l'opérateur en marche fait une fois par jour.

    \b
    Exemple : mssante mailbox life run --dry-run
    """

    async def work(opened: Opened) -> tuple[Happened, ...]:
        return await _life_cycle(opened).run_life_cycle(utc_now(), dry_run=dry_run)

    found = run_opened(config_path, work)
    if as_json:
        say_json([{"address": str(one.address), "step": one.step.value, "closing_at": one.closing_at} for one in found])
        return
    rows = ((str(one.address), STEPS[one.step], french_date(one.closing_at)) for one in found)
    show_table(("Adresse", "À faire" if dry_run else "Fait", "Clôture"), rows, nothing="Rien à faire.")


@life.command("show")
@click.argument("address", type=ADDRESS)
@config_option
def show_life(address: Address, config_path: Path | None) -> None:
    """Montrer la dernière connexion, les avis et la clôture prévue de ADDRESS.

    \b
    Exemple : mssante mailbox life show claire.martin@chu.mssante.fr
    """

    async def work(opened: Opened) -> tuple[BoxLife | None, LifeCycleSettings]:
        box = await opened.mailbox(address)
        return await opened.store.read(lambda tx: life_of(tx, box.mailbox_id)), opened.config.life_cycle

    found, settings = run_opened(config_path, work)
    if found is None:
        click.echo(f"Boîte {address} : close, ou boîte d'usager ; rien n'est prévu.")
        return
    show_facts(
        (
            ("Boîte", str(found.address)),
            ("Dernière connexion", _when(found.signed_in_at) or "aucune connue"),
            ("Prévenu le", _when(found.noticed_at)),
            ("Prévenu encore le", _when(found.reminded_at)),
            ("Opposition du", _when(found.objected_at)),
            ("Prévenir aussi", found.contact),
            ("Clôture sans connexion", french_date(closing_at(found, settings))),
        )
    )


@life.command("object")
@click.argument("address", type=ADDRESS)
@config_option
def object_to_closing(address: Address, config_path: Path | None) -> None:
    """Noter l'opposition du titulaire : la clôture est arrêtée, le délai repart.

    \b
    Exemple : mssante mailbox life object claire.martin@chu.mssante.fr
    """

    async def work(opened: Opened) -> None:
        await _life_cycle(opened).object(address, utc_now())

    run_opened(config_path, work)
    click.echo(f"Boîte {address} : opposition notée, la clôture est arrêtée.")


@life.command("contact")
@click.argument("address", type=ADDRESS)
@click.argument("contact")
@config_option
def set_contact(address: Address, contact: str, config_path: Path | None) -> None:
    """Noter où prévenir aussi le titulaire de ADDRESS : téléphone, autre messagerie ; "" pour nulle part.

    \b
    Exemple : mssante mailbox life contact claire.martin@chu.mssante.fr "06 12 34 56 78"
    """

    async def work(opened: Opened) -> None:
        await _life_cycle(opened).set_contact(address, contact.strip(), utc_now())

    run_opened(config_path, work)
    click.echo(f"Boîte {address} : contact noté.")


@life.command("notices")
@click.option("--sent", type=int, default=None, metavar="N°", help="Noter que cet avis a été envoyé.")
@config_option
@json_option
def notices(sent: int | None, config_path: Path | None, as_json: bool) -> None:
    """Lister les avis à envoyer par les voies choisies par les titulaires.

    \b
    Exemple : mssante mailbox life notices --sent 3
    """

    async def work(opened: Opened) -> list[ContactNotice]:
        if sent is not None:
            await _life_cycle(opened).contact_sent(sent, utc_now())
        return await opened.store.read(lambda tx: contact_notices(tx, limit=_NOTICES_MAX))

    found = run_opened(config_path, work)
    if as_json:
        say_json([{"id": one.notice_id, "contact": one.contact, "what": one.what, "at": one.noted_at} for one in found])
        return
    rows = ((str(one.notice_id), one.contact, one.what, french_date(one.noted_at)) for one in found)
    show_table(("N°", "À", "Avis", "Depuis"), rows, nothing="Aucun avis à envoyer.")
    if found:
        click.echo(counted(len(found), "avis à envoyer", "avis à envoyer"))


def _delegating(opened: Opened) -> Delegating:
    return Delegating(store=opened.store, actor=opened.actor, trace_key=opened.trace_key, clock=utc_now)


def _life_cycle(opened: Opened) -> LifeCycle:
    config = opened.config
    return LifeCycle(
        settings=opened.config.life_cycle,
        hostname=config.operator.hostname,
        postmaster=parse_address(config.operator.postmaster),
        store=opened.store,
        new_reference=new_reference,
        trace_key=opened.trace_key,
        actor=opened.actor,
    )


def _when(moment: datetime | None) -> str:
    return "" if moment is None else french_date(moment)


def _absence_facts(found: Absence) -> dict[str, object]:
    return {
        "address": str(found.address),
        "from": found.starts_at,
        "until": found.ends_at,
        "substitute": str(found.substitute) if found.substitute else None,
        "text": found.text,
    }


def _delegation_facts(one: Delegation) -> dict[str, object]:
    return {
        "id": one.delegation_id,
        "login": one.login,
        "may_read": one.may_read,
        "may_send": one.may_send,
        "from": one.starts_at,
        "until": one.ends_at,
        "state": one.state.value,
    }
