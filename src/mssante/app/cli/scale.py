"""``mssante scale``: what a hospital, a region or the nation needs; every assumption is an option."""

import dataclasses
from collections.abc import Callable
from typing import Any, Final

import click

from mssante.app.cli.output import json_option, say_json, show_table, size_text
from mssante.app.cli.typed import SizeType
from mssante.model.scale import Figures, House, Load, Need
from mssante.rules.scale import need

_NATION: Final = Load()
_SIZES: Final = (("hôpital", 600), ("groupement", 6_000), ("région", 60_000), ("nation", 1_200_000))
_WHY: Final = {"": "-", "fault": "la panne d'un", "messages": "les messages", "connections": "les connexions",
               "room": "la place"}  # fmt: skip
_FREE: Final = ("mailboxes", "messages")
_BAR: Final = 40
_HELP: Final = {
    "mailboxes": "Boîtes ouvertes ; sans elle, quatre tailles sont montrées.",
    "messages": "Messages acceptés par mois ; sans elle, en proportion des boîtes.",
    "message_bytes": "Taille moyenne d'un message.",
    "copies": "Boîtes d'ici qu'un message atteint en moyenne.",
    "working_days": "Jours du mois qui font presque tout.",
    "busy_hour": "Part d'un jour que prend son heure la plus chargée.",
    "burst": "La minute la plus chargée, en fois la moyenne de cette heure.",
    "connected": "Part des boîtes connectées à cette heure.",
    "connections": "Connexions d'une boîte connectée.",
    "searches": "Questions à l'annuaire pour un message.",
    "kept_months": "Mois de conservation.",
    "small_seconds": "Mesuré : secondes pour un message de 4 Kio, sur 2 cœurs.",
    "mebibyte_seconds": "Mesuré : secondes de plus par Mio.",
    "shared_share": "Mesuré : ce qu'il reste de ce débit sur PostgreSQL, avec un nœud.",
    "second_share": "Supposé : ce qu'un nœud de plus ajoute, en part du premier.",
    "cluster_rate": "Messages par seconde qu'une grappe PostgreSQL valide.",
    "connection_bytes": "Mesuré : mémoire d'une connexion au repos.",
    "search_seconds": "Mesuré : temps de calcul d'une question à l'annuaire.",
    "row_bytes": "Ce que la base garde d'un message.",
    "most_used": "Part d'une machine que la pointe peut prendre.",
    "node_memory_bytes": "Mémoire d'un nœud (2 cœurs).",
    "machine_bytes": "Au plus sur une seule machine.",
    "body_copies": "Exemplaires d'un corps de message.",
    "row_copies": "Serveurs d'une grappe PostgreSQL.",
    "database_bytes": "Au plus dans une grappe PostgreSQL.",
    "node_euros": "Un nœud, par mois.",
    "database_euros": "Un serveur PostgreSQL sans son disque, par mois.",
    "fast_tib_euros": "Un Tio de disque rapide, par mois.",
    "body_tib_euros": "Un Tio brut de stockage objet, par mois.",
}


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give the command one option for each assumption, with its value as the default."""
    for kind in (House, Figures, Load):
        for field in reversed(dataclasses.fields(kind)):
            name = f"--{field.name.replace('_', '-').removesuffix('-bytes')}"
            is_size = field.name.endswith("_bytes")
            shown = size_text(field.default) if is_size else f"{field.default:.3g}".replace(".", ",")
            option = click.option(
                name,
                field.name,
                type=SizeType() if is_size else click.INT if isinstance(field.default, int) else click.FLOAT,
                default=None if field.name in _FREE else field.default,
                help=_HELP[field.name] if field.name in _FREE else f"{_HELP[field.name]}  [par défaut : {shown}]",
                callback=_above_zero,
            )
            command = option(command)
    return command


def _above_zero(context: click.Context, option: click.Parameter, value: float | None) -> float | None:
    if value is not None and value <= 0:
        message = "il faut plus de 0"
        raise click.BadParameter(message, context, option)
    return value


@click.command()
@_options
@json_option
def scale(as_json: bool, **assumed: float) -> None:
    """Dire ce qu'il faut de machines et de place, et ce que cela coûte, selon la taille.

    Ce n'est pas une promesse : un calcul à partir de ce qui a été mesuré. Chaque hypothèse est une option ; les prix
    sont les nôtres, mettez les vôtres.

    \b
    Exemple : mssante scale --mailboxes 20000 --kept-months 120
    """
    figures, house = _made(Figures, assumed), _made(House, assumed)
    sizes = _SIZES if not assumed["mailboxes"] else (("la vôtre", int(assumed["mailboxes"])),)
    found = []
    for name, mailboxes in sizes:
        messages = assumed["messages"] or max(1, round(_NATION.messages * mailboxes / _NATION.mailboxes))
        load = _made(Load, assumed | {"mailboxes": mailboxes, "messages": messages})
        found.append((name, load, need(load, figures, house)))
    if as_json:
        say_json([{"name": name, "load": load, "need": needed} for name, load, needed in found])
        return
    _show(found)


def _made(kind: type[Any], values: dict[str, float]) -> Any:  # noqa: ANN401 - one of three, which the caller names
    return kind(**{field.name: values[field.name] for field in dataclasses.fields(kind)})


def _show(found: list[tuple[str, Load, Need]]) -> None:
    columns = ["", *[name for name, _load, _need in found]]
    rows = [(caption, *[text(load, needed) for _name, load, needed in found]) for caption, text in _ROWS]
    show_table(columns, rows)
    by_mailbox = [(name, needed.month_euros / load.mailboxes) for name, load, needed in found]
    most = max(cost for _name, cost in by_mailbox)
    click.echo("\nEuros par boîte et par mois")
    for name, cost in by_mailbox:
        click.echo(f"  {name:<12}{'█' * max(1, round(_BAR * cost / most))} {cost:.2f}".replace(".", ","))


def _number(value: float) -> str:
    return f"{value:,.0f}".replace(",", "\u202f") if value >= 10 else f"{value:.2g}".replace(".", ",")


_ROWS: Final[tuple[tuple[str, Callable[[Load, Need], str]], ...]] = (
    ("boîtes", lambda load, _need: _number(load.mailboxes)),
    ("messages par mois", lambda load, _need: _number(load.messages)),
    ("à la pointe, par seconde", lambda _load, needed: _number(needed.peak_messages)),
    ("à la pointe, débit", lambda _load, needed: f"{size_text(round(needed.peak_bytes))}/s"),
    ("connexions à la pointe", lambda _load, needed: _number(needed.peak_connections)),
    ("une machine suffit", lambda _load, needed: "oui, et une de secours" if needed.fits_one else "non"),
    ("nœuds", lambda _load, needed: _number(needed.nodes)),
    ("  à cause de", lambda _load, needed: _WHY[needed.nodes_for]),
    ("grappes PostgreSQL", lambda _load, needed: _number(needed.clusters) if needed.clusters else "-"),
    ("  à cause de", lambda _load, needed: _WHY[needed.clusters_for]),
    ("base, une fois", lambda _load, needed: size_text(needed.row_bytes)),
    ("corps des messages, une fois", lambda _load, needed: size_text(needed.body_bytes)),
    ("euros par mois", lambda _load, needed: _number(needed.month_euros)),
)
