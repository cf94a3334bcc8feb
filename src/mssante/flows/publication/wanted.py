"""From a line of a staff file to the mailbox that it asks for; no store is asked.

What a line does not say (no column, or an empty field) stays as it is in a mailbox that is there; a hyphen takes the
value away.

Source: users.md 7.1 DSI-5; operators.md 1.3 (types), 4.2 (which type has which attributes), 4.3 (identifiers).
"""

from dataclasses import dataclass, fields, replace
from typing import Final

from mssante.flows.publication.staff_file import StaffLine
from mssante.model.address import parse_address
from mssante.model.errors import TheirProtocolError
from mssante.model.mailbox import MailboxType
from mssante.model.national import is_rpps, practitioner_number
from mssante.model.publication import Listing
from mssante.rules.attributes import DESCRIBED, PLACES, RANK_MAX, structure_identifier
from mssante.rules.naming import civility, local_part, service_part

_KINDS: Final = {kind.value: kind for kind in MailboxType if kind is not MailboxType.CITIZEN}
_FLAGS: Final = {
    **dict.fromkeys(("o", "oui", "1", "x", "vrai", "true"), True),
    **dict.fromkeys(("n", "non", "0", "faux", "false"), False),
}
_COLUMNS: Final = {
    "service": "service",
    "description": "description",
    "responsible": "responsable",
    "phone": "telephone",
    "is_paperless": "zero_papier",
    "rank": "rang",
    "local_id": "matricule",
}
"""Attribute -> column, for those that a hyphen may take away."""
_ATTRIBUTES: Final = frozenset(one.name for one in fields(Listing))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A mailbox that a line asks for.

    Attributes:
        number: of the line.
        address: as the file gives it, a local part or a whole address, or "": the written rule gives one.
        local: by the written rule.
        identifier: national number of the holder or of the structure, or "".
        members: logins, or RPPS of people who have a mailbox here.
        says: names of what the line says anything of: attributes of `Listing`, "civility", "holder", "members".
    """

    number: int
    kind: MailboxType
    holder: str
    address: str
    local: str
    identifier: str
    listing: Listing
    members: tuple[str, ...] = ()
    says: frozenset[str] = frozenset()

    def amended(self, old: Listing) -> Listing:
        """Return the attributes that a mailbox is to have, from those that it has."""
        said = {name: getattr(self.listing, name) for name in self.says & _ATTRIBUTES}
        if structure_identifier(old.structure) == said.get("structure"):
            del said["structure"]
        return replace(old, **said)

    def holder_after(self, old: str) -> str:
        """Return the name that the holder is to have, from the one that it has."""
        if "holder" not in self.says:
            return old
        kept = "" if "civility" in self.says or self.kind is not MailboxType.PER else civility(old)
        return f"{kept} {self.holder}".strip()


def wanted_of(line: StaffLine, structure: str) -> Wanted | str:
    """Return the mailbox that a line asks for, or what is wrong with the line, in French with the fix.

    Args:
        line: of the file.
        structure: FINESS or SIRET of lines that name none, or "".
    """
    kind = kind_of(line)
    if kind is None:
        return f"type « {line['type']} » : PER, ORG, APP ou CAB ; ouvrez les autres avec `mssante mailbox add`"
    if fault := _fault(line):
        return fault
    number = line["finess"] if line.says("finess") else structure
    place = structure_identifier(number.replace(" ", ""))
    if number and not place:
        return f"« {number} » n'est ni un FINESS ni un SIRET juste ; vérifiez la clé"
    is_person = kind not in PLACES
    rpps = practitioner_number(line["rpps"].replace(" ", "")) if is_person else ""
    if rpps and not is_rpps(rpps):
        return f"« {line['rpps']} » n'est pas un RPPS (11 chiffres, clé de contrôle comprise) ; vérifiez la saisie"
    if kind is MailboxType.PER:
        return _person(line, place, rpps, says_place=bool(place) or line.says("finess"))
    return _team(line, kind, rpps if is_person else place[1:])


def _fault(line: StaffLine) -> str:
    """Return what is wrong with a line whatever its type, in French with the fix; "" when nothing is."""
    if "" in line.values and line[""]:
        return "la ligne a plus de champs que la première ; vérifiez le séparateur"
    for column in ("liste_rouge", "zero_papier"):
        if line[column] and line[column].casefold() not in _FLAGS:
            return f"{column} « {line[column]} » : écrivez O ou N"
    if line["rang"] and not (line["rang"].isdecimal() and len(line["rang"]) <= len(str(RANK_MAX))):
        return f"rang « {line['rang']} » : un nombre de 1 (boîte préférée) à {RANK_MAX}"
    if line["adresse"] and not _is_address(line["adresse"]):
        return f"adresse « {line['adresse']} » : écrivez ce qui vient avant l'arobase, ou l'adresse entière"
    return ""


def kind_of(line: StaffLine) -> MailboxType | None:
    """Return the type that a line asks for, PER when it does not say; None for one that no file opens."""
    return _KINDS.get(line["type"].upper() or MailboxType.PER.value)


def _person(line: StaffLine, place: str, rpps: str, *, says_place: bool) -> Wanted | str:
    if not rpps and not line["matricule"]:
        return "ni RPPS ni matricule : sans l'un des deux, un second import ouvrirait une autre boîte ; ajoutez-le"
    if not line["nom"] or not line["prenom"]:
        return "il manque le nom ou le prénom"
    local = local_part(line["prenom"], line["nom"])
    if not local and not line["adresse"]:
        return "aucune lettre latine dans le nom ou le prénom ; donnez la colonne adresse"
    holder = " ".join(part for part in (line["civilite"], line["prenom"], line["nom"].upper()) if part)
    listing = replace(_listing(line, MailboxType.PER), structure=place)
    says = _says(line) | {"holder"} | ({"structure"} if says_place else set())
    return Wanted(line.number, MailboxType.PER, holder, line["adresse"], local, rpps, listing, says=says)


def _team(line: StaffLine, kind: MailboxType, number: str) -> Wanted | str:
    """Return a mailbox of a structure, or of a practice with the professional who answers for it."""
    name = line["libelle"] or line["service"]
    if not number and kind is MailboxType.CAB:
        return "il manque le RPPS du praticien responsable du cabinet (colonne rpps)"
    if not number:
        return "il manque le FINESS ou le SIRET de la structure (colonne finess, ou option --finess)"
    if not name:
        return "il manque le libellé ou le service, qui nomme la boîte"
    local = service_part(name)
    if not local and not line["adresse"]:
        return "aucune lettre latine dans le libellé ; donnez la colonne adresse"
    members = tuple(dict.fromkeys(line["membres"].replace(",", " ").replace(";", " ").split()))
    says = _says(line) | ({"holder"} if line["libelle"] else set()) | ({"members"} if members else set())
    return Wanted(line.number, kind, name, line["adresse"], local, number, _listing(line, kind), members, says)


def _listing(line: StaffLine, kind: MailboxType) -> Listing:
    return Listing(
        service=line["service"] if kind in PLACES else "",
        description=line["description"] if kind in DESCRIBED else "",
        responsible=line["responsable"] if kind in DESCRIBED else "",
        phone=line["telephone"],
        is_red=_flag(line["liste_rouge"]) or False,
        is_paperless=_flag(line["zero_papier"]),
        rank=int(line["rang"]) if line["rang"] else None,
        local_id=line["matricule"],
    )


def _says(line: StaffLine) -> frozenset[str]:
    """Return what the line says anything of; the red list is left with a clear "no" only, never with a hyphen."""
    said = {name for name, column in _COLUMNS.items() if line.says(column)}
    said |= {"is_red"} if line["liste_rouge"] else set()
    return frozenset(said | ({"civility"} if line.says("civilite") else set()))


def _is_address(text: str) -> bool:
    try:
        parse_address(text if "@" in text else f"{text}@domaine.fr")
    except TheirProtocolError:
        return False
    return True


def _flag(text: str) -> bool | None:
    return _FLAGS.get(text.casefold())
