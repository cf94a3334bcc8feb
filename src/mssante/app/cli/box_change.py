"""``mssante mailbox change``: what is known of a mailbox, but for what is fixed for life (address, type)."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import click

from mssante.app.cli.opened import Opened, run_opened
from mssante.app.cli.output import config_option
from mssante.app.cli.typed import ADDRESS, DN
from mssante.flows.amending import BoxChange, Draft
from mssante.model.address import Address
from mssante.model.dn import parse_dn
from mssante.model.publication import Listing
from mssante.rules.attributes import RANK_MAX

FIELDS: Final = {
    "holder": "titulaire",
    "identifier": "identifiant",
    "structure": "lieu d'exercice",
    "service": "service",
    "description": "description",
    "responsible": "responsable",
    "phone": "téléphone",
    "is_red": "liste rouge",
    "is_paperless": "zéro papier",
    "rank": "rang",
    "local_id": "matricule",
    "members": "membres",
    "certificate": "certificat",
}
"""What may change of a mailbox, in French."""

_TEXTS: Final = (
    ("--structure", "FINESS ou SIRET du lieu d'exercice (PER)."),
    ("--service", "Service de rattachement (ORG, APP)."),
    ("--description", "Description fonctionnelle (ORG, APP, CAB)."),
    ("--responsible", "Responsable (ORG, APP, CAB) ; jamais en accès libre."),
    ("--phone", "Téléphone."),
    ("--local-id", "Matricule du titulaire dans l'établissement ; jamais publié."),
)

Command = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Attributes:
    """What was typed of the attributes; None leaves one as it is, "" (0 for the rank) takes it away."""

    structure: str | None = None
    service: str | None = None
    description: str | None = None
    responsible: str | None = None
    phone: str | None = None
    local_id: str | None = None
    red_list: bool | None = None
    paperless: bool | None = None
    rank: int | None = None

    def applied(self, old: Listing) -> Listing:
        """Return the attributes with what was typed in the place of what was."""
        texts = {
            name: " ".join(value.split())
            for name in ("structure", "service", "description", "responsible", "phone", "local_id")
            if (value := getattr(self, name)) is not None
        }
        return replace(
            old,
            **texts,
            is_red=old.is_red if self.red_list is None else self.red_list,
            is_paperless=old.is_paperless if self.paperless is None else self.paperless,
            rank=old.rank if self.rank is None else (self.rank or None),
        )


def listing_options(command: Command) -> Command:
    """Add the options of what the directory is to know; the command gets them as one `Attributes`, ``attributes``."""

    def with_attributes(**given: Any) -> Any:  # noqa: ANN401 - what click hands over
        names = Attributes.__slots__
        typed = {name: given.pop(name) for name in names}
        return command(**given, attributes=Attributes(**typed))

    with_attributes.__doc__ = command.__doc__
    with_attributes.__name__ = command.__name__
    with_attributes.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    found: Command = with_attributes
    found = click.option("--rank", type=click.IntRange(0, RANK_MAX), help="Rang : 1 boîte préférée, 0 sans.")(found)
    found = click.option("--paperless/--no-paperless", default=None, help="Zéro papier : ne plus rien poster.")(found)
    found = click.option("--red-list/--no-red-list", default=None, help="Liste rouge : personne ne la trouve.")(found)
    for name, text in reversed(_TEXTS):
        found = click.option(name, default=None, help=text)(found)
    return found


@click.command()
@click.argument("address", type=ADDRESS)
@click.option("--holder", default=None, help="Nom du titulaire, montré aux autres.")
@click.option("--identifier", default=None, help="RPPS (PER, CAB), FINESS ou SIRET (ORG, APP) ; clé vérifiée.")
@click.option("--member", "joining", multiple=True, help="Compte à ajouter aux membres (ORG, APP, CAB) ; répétable.")
@click.option("--remove-member", "leaving", multiple=True, help="Membre à retirer ; répétable.")
@click.option("--certificate-dn", type=DN, default="", help="Nom du nouveau certificat qui ouvre une boîte APP.")
@listing_options
@config_option
def change(
    address: Address,
    holder: str | None,
    identifier: str | None,
    joining: tuple[str, ...],
    leaving: tuple[str, ...],
    certificate_dn: str,
    config_path: Path | None,
    attributes: Attributes,
) -> None:
    """Changer ce qui est su de la boîte ADDRESS ; si l'annuaire est concerné, elle est publiée de nouveau.

    Une option non donnée ne change rien ; vide ("", ou 0 pour le rang), elle retire la valeur. L'adresse et le type ne
    changent jamais.

    \b
    Exemples :
      mssante mailbox change claire.martin@chu.mssante.fr --rank 1 --paperless
      mssante mailbox change cardiologie@chu.mssante.fr --member luc.petit@chu.mssante.fr --responsible "Dr PETIT"
    """
    wanted = BoxChange(
        holder=None if holder is None else " ".join(holder.split()),
        identifier=None if identifier is None else identifier.replace(" ", ""),
        amend=attributes.applied,
        joining=joining,
        leaving=leaving,
        certificate_name=parse_dn(certificate_dn) if certificate_dn else None,
    )

    async def work(opened: Opened) -> Draft:
        return await opened.administering.change(address, wanted)

    done = run_opened(config_path, work)
    if not done.fields:
        click.echo(f"Boîte {address} : rien ne change.")
        return
    published = " ; elle sera publiée dans l'annuaire" if done.is_published else ""
    click.echo(f"Boîte {address} changée ({in_french(done.fields)}){published}.")


def in_french(fields: Collection[str]) -> str:
    """Return the names of what changes, in the order in which they are shown."""
    return ", ".join(said for name, said in FIELDS.items() if name in fields)
