"""``mssante mail passport|wait|receipt``: what became of a message, who waits for a sign, receipts given by hand."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import click

from mssante.app.chance import utc_now
from mssante.app.cli.french import french_date
from mssante.app.cli.opened import Opened, actor_name, run_opened
from mssante.app.cli.output import config_option, json_option, safe, say_json
from mssante.app.cli.typed import ADDRESS
from mssante.app.config import Config, find_config, read_config
from mssante.app.stored import must_be_operator
from mssante.flows.passport import passport_of, wait_for_sign
from mssante.model.address import Address
from mssante.model.errors import ConfigError, MssError
from mssante.model.receipt import ERROR_LABELS
from mssante.model.settings import LogSettings
from mssante.rules.passport import Passport, Timeline
from mssante.rules.timeline import STATE_TEXTS
from mssante.store.mailboxes import mailbox_by_key
from mssante.wire.mime.mdn import Disposition

_CODES: Final = sorted(ERROR_LABELS.keys() - {"0"}, key=int)


@click.command()
@click.argument("reference")
@config_option
@json_option
def passport(reference: str, config_path: Path | None, as_json: bool) -> None:
    """Dire ce qu'est devenu le message REFERENCE, destinataire par destinataire.

    Accepté, autorisé, remis à l'autre opérateur, déposé, ouvert, intégré ou refusé, répondu, sans nouvelles.
    Un destinataire à qui rien n'est parvenu vient en premier.

    \b
    Exemple : mssante mail passport 6b03e0d747297b2360ff48db6f35
    Codes de sortie : 0 trouvé, 1 référence inconnue, 2 commande ou configuration fausse, 3 magasin.
    """

    async def work(opened: Opened) -> Passport | None:
        return await passport_of(opened.store, reference, trace_key=opened.trace_key, now=utc_now())

    found = run_opened(config_path, work)
    if found is None:
        msg = f"aucun message envoyé d'ici n'a la référence {reference} ; vérifiez-la, elle fait 28 caractères"
        raise MssError(msg)
    if as_json:
        say_json(passport_facts(found))
        return
    click.echo(f"Message {safe(found.reference)} : {found.text}.")
    for one in found.timelines:
        _show(one)


@click.command()
@click.argument("reference")
@click.option("--hours", type=click.IntRange(1, 720), required=True, help="Délai depuis l'envoi, en heures.")
@config_option
@json_option
def wait(reference: str, hours: int, config_path: Path | None, as_json: bool) -> None:
    """Prévenir l'expéditeur si rien ne vient pour le message REFERENCE.

    Sans ouverture, intégration ni réponse à la fin du délai, un avis arrive dans sa boîte, une seule fois.

    \b
    Exemple : mssante mail wait 6b03e0d747297b2360ff48db6f35 --hours 48
    """

    async def work(opened: Opened) -> datetime:
        after = timedelta(hours=hours)
        return await wait_for_sign(
            opened.store, reference, after, actor=opened.actor, trace_key=opened.trace_key, now=utc_now()
        )

    due_at = run_opened(config_path, work)
    if as_json:
        say_json({"reference": reference, "until": due_at})
        return
    click.echo(f"Noté : si rien n'est venu le {french_date(due_at)}, l'expéditeur sera prévenu dans sa boîte.")


@click.command()
@click.argument("address", type=ADDRESS)
@click.argument("reference")
@click.option("--displayed", "disposition", flag_value=Disposition.DISPLAYED.value, help="Le message a été ouvert.")
@click.option("--processed", "disposition", flag_value=Disposition.PROCESSED.value, help="Il a été intégré.")
@click.option("--error", "code", type=click.Choice(_CODES), help="Il n'a pas pu être intégré : code de l'erreur.")
@click.option("--automatic", is_flag=True, help="Un logiciel en décide, sans demander à personne.")
@click.option("--confirm", is_flag=True, help="Le titulaire accepte que l'accusé parte ailleurs qu'à l'expéditeur.")
@config_option
@json_option
def receipt(
    address: Address,
    reference: str,
    disposition: str | None,
    code: str | None,
    automatic: bool,
    confirm: bool,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Rendre un accusé pour le message REFERENCE reçu dans la boîte ADDRESS.

    Une seule fois par message, à l'adresse qui l'a demandé. Une erreur (--error) est signalée même sans demande.

    \b
    Exemple : mssante mail receipt labo@chu.mssante.fr 6b03e0d747297b2360ff48db6f35 --error 902
    Codes : 900 mauvaise version, 901 auteur non autorisé, 902 patient inconnu, 903 INS absent,
    904 INS différent, 905 INS incomplet, 906 autre ; et ceux de la table HL7 0357.
    """
    if (disposition is None) == (code is None):
        msg = "donnez --displayed, --processed ou --error CODE, l'un des trois"
        raise ConfigError(msg)
    config = read_config(find_config(config_path))
    must_be_operator(config)
    kind = Disposition(disposition or Disposition.PROCESSED.value)
    facts = asyncio.run(_give(config, address, reference, kind, code or "", automatic=automatic, confirm=confirm))
    if as_json:
        say_json(facts)
        return
    click.echo(f"Accusé envoyé à {facts['to']}, référence {facts['reference']}.")
    if not facts["was_asked"]:
        click.echo("Aucun accusé n'était demandé : l'erreur est signalée par un message ordinaire.")


async def _give(
    config: Config, address: Address, reference: str, kind: Disposition, code: str, *, automatic: bool, confirm: bool
) -> dict[str, object]:
    # The whole operator is loaded only here: TLS, lists, resolver.
    from mssante.app.compose import open_operator
    from mssante.flows.acknowledging import Acknowledging, Verdict

    quiet = replace(config, logs=LogSettings(format="console", level="error"))
    async with open_operator(quiet) as operator:
        box = await operator.store.read(lambda tx: mailbox_by_key(tx, address.key))
        if box is None:
            msg = f"la boîte {address} n'existe pas ici ; `mssante mailbox list` donne celles qui existent"
            raise MssError(msg)
        acknowledging = Acknowledging(store=operator.store, submitting=operator.submitting)
        verdict = Verdict(kind, code, is_automatic=automatic, confirmed=confirm)
        given = await acknowledging.answer(box, reference, verdict, actor=actor_name(), now=utc_now())
    return {"reference": given.reference, "to": str(given.to), "was_asked": given.was_asked}


def passport_facts(found: Passport) -> dict[str, object]:
    """Return a passport for programs."""
    return {
        "reference": found.reference,
        "state": found.overall.value,
        "text": found.text,
        "silent": found.silent,
        "recipients": [
            {
                "to": one.recipient,
                "state": one.state.value,
                "text": one.text,
                "silent": one.is_silent,
                "advice": one.advice,
                "steps": [
                    {
                        "at": step.at,
                        "state": step.state.value,
                        "text": step.text,
                        "source": step.source,
                        "code": step.code,
                    }
                    for step in one.steps
                ],
            }
            for one in found.timelines
        ],
    }


def _show(one: Timeline) -> None:
    click.echo(f"\n{safe(one.recipient)} : {STATE_TEXTS[one.state]}")
    for step in one.steps:
        click.echo(f"  {french_date(step.at):<32}{safe(step.text)}")
    if one.advice:
        click.echo(f"  À faire : {safe(one.advice)}")
