"""From a line of a staff file to the mailbox that it asks for; no store is asked.

Source: users.md 7.1 DSI-5; operators.md 1.3 (types), 4.2 (which type has which attributes), 4.3 (identifiers).
"""

from dataclasses import dataclass
from typing import Final

from mssante.flows.publication.staff_file import StaffLine
from mssante.model.address import parse_address
from mssante.model.errors import TheirProtocolError
from mssante.model.mailbox import MailboxType
from mssante.model.national import is_rpps, practitioner_number
from mssante.model.publication import Listing
from mssante.rules.naming import local_part, service_part
from mssante.rules.publication import structure_identifier

_KINDS: Final = {kind.value: kind for kind in (MailboxType.PER, MailboxType.ORG, MailboxType.APP)}
_FLAGS: Final = {
    **dict.fromkeys(("o", "oui", "1", "x", "vrai", "true"), True),
    **dict.fromkeys(("n", "non", "0", "faux", "false"), False),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A mailbox that a line asks for.

    Attributes:
        number: of the line.
        address: as the file gives it, a local part or a whole address, or "": the written rule gives one.
        local: by the written rule.
        identifier: national number of the holder or of the structure, or "".
        members: logins.
    """

    number: int
    kind: MailboxType
    holder: str
    address: str
    local: str
    identifier: str
    listing: Listing
    members: tuple[str, ...] = ()


def wanted_of(line: StaffLine, structure: str) -> Wanted | str:
    """Return the mailbox that a line asks for, or what is wrong with the line, in French with the fix.

    Args:
        line: of the file.
        structure: FINESS or SIRET of lines that name none, or "".
    """
    if "" in line.values and line[""]:
        return "la ligne a plus de champs que la première ; vérifiez le séparateur"
    kind = _KINDS.get(line["type"].upper() or MailboxType.PER.value)
    if kind is None:
        return f"type « {line['type']} » : PER, ORG ou APP ; ouvrez les autres avec `mssante mailbox add`"
    for column in ("liste_rouge", "zero_papier"):
        if line[column] and line[column].casefold() not in _FLAGS:
            return f"{column} « {line[column]} » : écrivez O ou N"
    if line["adresse"] and not _is_address(line["adresse"]):
        return f"adresse « {line['adresse']} » : écrivez ce qui vient avant l'arobase, ou l'adresse entière"
    place = structure_identifier((line["finess"] or structure).replace(" ", ""))
    if (line["finess"] or structure) and not place:
        return f"« {line['finess'] or structure} » n'est ni un FINESS ni un SIRET juste ; vérifiez la clé"
    return _person(line, place) if kind is MailboxType.PER else _place(line, kind, place)


def _person(line: StaffLine, place: str) -> Wanted | str:
    rpps = practitioner_number(line["rpps"].replace(" ", ""))
    if rpps and not is_rpps(rpps):
        return f"« {line['rpps']} » n'est pas un RPPS (11 chiffres, clé de contrôle comprise) ; vérifiez la saisie"
    if not rpps and not line["matricule"]:
        return "ni RPPS ni matricule : sans l'un des deux, un second import ouvrirait une autre boîte ; ajoutez-le"
    if not line["nom"] or not line["prenom"]:
        return "il manque le nom ou le prénom"
    local = local_part(line["prenom"], line["nom"])
    if not local and not line["adresse"]:
        return "aucune lettre latine dans le nom ou le prénom ; donnez la colonne adresse"
    holder = " ".join(part for part in (line["civilite"], line["prenom"], line["nom"].upper()) if part)
    listing = Listing(
        structure=place,
        phone=line["telephone"],
        is_red=_flag(line["liste_rouge"]) or False,
        is_paperless=_flag(line["zero_papier"]),
        local_id=line["matricule"],
    )
    return Wanted(line.number, MailboxType.PER, holder, line["adresse"], local, rpps, listing)


def _place(line: StaffLine, kind: MailboxType, place: str) -> Wanted | str:
    name = line["libelle"] or line["service"]
    if not place:
        return "il manque le FINESS ou le SIRET de la structure (colonne finess, ou option --finess)"
    if not name:
        return "il manque le libellé ou le service, qui nomme la boîte"
    local = service_part(name)
    if not local and not line["adresse"]:
        return "aucune lettre latine dans le libellé ; donnez la colonne adresse"
    listing = Listing(
        service=line["service"],
        description=line["description"],
        responsible=line["responsable"],
        phone=line["telephone"],
        is_red=_flag(line["liste_rouge"]) or False,
        is_paperless=_flag(line["zero_papier"]),
        local_id=line["matricule"],
    )
    members = tuple(dict.fromkeys(line["membres"].replace(",", " ").replace(";", " ").split()))
    return Wanted(line.number, kind, name, line["adresse"], local, place[1:], listing, members)


def _is_address(text: str) -> bool:
    try:
        parse_address(text if "@" in text else f"{text}@domaine.fr")
    except TheirProtocolError:
        return False
    return True


def _flag(text: str) -> bool | None:
    return _FLAGS.get(text.casefold())
