"""How what a person types into the search of the directory is understood.

Source: issue of the directory (one search box for humans); clients.md 6.2 (SC.MSS/UX.41); operators.md 4.3. Which words
mean the same is our own choice.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mssante.model.directory_search import Asked, Column, Filters, Term
from mssante.model.folding import fold
from mssante.model.national import ADELI_DIGITS, RPPS_DIGITS, SIRET_DIGITS

TEXT_MAX: Final = 200
TERMS_MAX: Final = 8
_EDIT_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_TYPO_MIN: Final = 4
_TYPO_MAX: Final = 24
_NUMBER: Final = re.compile(r"[\d ]{2,24}")
_DEPARTMENT: Final = re.compile(r"(?:0[1-9]|[1-8]\d|9[0-5]|2[ab]|97\d|98\d)", re.IGNORECASE)
_POSTCODE: Final = re.compile(r"\d{5}")
_IGNORED_WORDS: Final = (
    "de du des d la le les l et a au aux en un une chez pour sur sous vers dr docteur pr professeur m mr mme mlle "
    "monsieur madame maitre service boite adresse"
)
IGNORED: Final = frozenset(_IGNORED_WORDS.split())
SAME: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "st": ("saint",),
        "ste": ("sainte",),
        "infirmiere": ("infirmier",),
        "ide": ("infirmier",),
        "idel": ("infirmier",),
        "ipa": ("avancee",),
        "kine": ("kinesitherapeute", "masseur"),
        "dentiste": ("dentiste", "chirurgien"),
        "generaliste": ("generale",),
        "omnipraticien": ("generale",),
        "pharmacienne": ("pharmacien",),
        "pharmacie": ("pharmacien",),
        "medecine": ("medecine", "medecin"),
        "chirurgienne": ("chirurgien",),
        "chirurgien": ("chirurgie",),
        "cardiologue": ("cardiologie", "cardiovasculaire"),
        "orl": ("rhino", "oto"),
        "ophtalmo": ("ophtalmologie",),
        "ophtalmologue": ("ophtalmologie",),
        "ophtalmologiste": ("ophtalmologie",),
        "dermatologue": ("dermatologie",),
        "gynecologue": ("gynecologie",),
        "obstetricien": ("obstetrique",),
        "pediatre": ("pediatrie",),
        "psychiatre": ("psychiatrie",),
        "pneumologue": ("pneumologie",),
        "neurologue": ("neurologie",),
        "radiologue": ("radiologie", "radiodiagnostic"),
        "rhumatologue": ("rhumatologie",),
        "urologue": ("urologie",),
        "gastro": ("gastro", "hepato"),
        "gastroenterologue": ("gastro",),
        "endocrinologue": ("endocrinologie",),
        "diabetologue": ("diabetologie", "endocrinologie"),
        "nephrologue": ("nephrologie",),
        "oncologue": ("oncologie",),
        "cancerologue": ("oncologie", "cancerologie"),
        "hematologue": ("hematologie",),
        "geriatre": ("geriatrie",),
        "anesthesiste": ("anesthesie",),
        "urgentiste": ("urgence", "urgences"),
        "maternite": ("maternite", "obstetrique"),
        "labo": ("laboratoire", "biologie"),
        "biologiste": ("biologie",),
        "urgences": ("urgences", "urgence"),
        "hopital": ("hopital", "hospitalier", "ch", "chu"),
        "clinique": ("clinique", "polyclinique"),
        "chr": ("chr", "chru", "chu"),
        "chru": ("chru", "chu"),
        "secretaire": ("secretariat",),
    }
)
"""A word -> what the directory calls it."""

SHORT: Final[tuple[tuple[str, str], ...]] = (
    ("centre hospitalier regional universitaire", "chru chu ch"),
    ("centre hospitalier universitaire", "chu ch"),
    ("centre hospitalier regional", "chr ch"),
    ("centre hospitalier", "ch"),
    ("assistance publique hopitaux de paris", "aphp ap hp"),
    ("assistance publique hopitaux de marseille", "aphm ap hm"),
    ("hospices civils de lyon", "hcl"),
    ("centre de lutte contre le cancer", "clcc"),
    ("maison de sante", "msp"),
    ("etablissement d hebergement pour personnes agees dependantes", "ehpad"),
    ("hospitalisation a domicile", "had"),
    ("service de soins infirmiers a domicile", "ssiad"),
    ("selarl", "selarl"),
)
"""What the name of a structure holds -> what people call it."""


def short_forms(name: str) -> str:
    """Return what people call a structure of that name (as it is compared), "" when nothing else."""
    for long, short in SHORT:
        if long in name:
            return short
    return ""


def read_words(text: str, filters: Filters) -> Asked:
    """Return how a text and filters are understood.

    Args:
        text: as typed; more than `TEXT_MAX` characters and `TERMS_MAX` words are left out.
    """
    text = text[:TEXT_MAX].strip()
    terms: list[Term] = []
    address, identifiers = filters.address.strip().lower(), list(as_identifiers(filters.identifier))
    if "@" in text and " " not in text:
        address = text.lower()
    elif _NUMBER.fullmatch(text) and as_identifiers(text):
        identifiers.extend(as_identifiers(text))
    else:
        for word in text.split():
            if "@" in word:
                address = word.lower()
            elif as_identifiers(word):
                identifiers.extend(as_identifiers(word))
            else:
                terms.extend(_free_terms(word))
    terms = [term for term in terms if term.words[0] not in IGNORED] or terms
    for value, columns in _filtered(filters):
        terms.extend([_term(word, columns) for word in fold(value).split() if word not in IGNORED])
    return Asked(tuple(terms[:TERMS_MAX]), address, tuple(identifiers), filters.kind.upper(), fold(filters.street))


def as_identifiers(text: str) -> tuple[str, ...]:
    """Return the national identifiers that a number may be, with their kind in front; () for what is none.

    Source: operators.md 4.3 (IdNat_PS 0 ADELI, 8 RPPS; IdNat_Struct 1 FINESS, 3 SIRET, 4 RPPS-rang).
    """
    digits = text.replace(" ", "")
    if not digits.isascii() or not digits[:1].isdigit() or not digits.replace("A", "0").replace("B", "0").isdigit():
        return ()
    match len(digits):
        case n if n == ADELI_DIGITS:
            return (f"1{digits}", f"0{digits}")
        case 10 if digits[0] in "01":
            return (digits,)
        case n if n == RPPS_DIGITS:
            return (f"8{digits}",)
        case 12 if digits[0] == "8":
            return (digits,)
        case n if n == SIRET_DIGITS:
            return (f"3{digits}", f"4{digits}")
        case 15 if digits[0] in "34":
            return (digits,)
    return ()


def neighbours(word: str) -> frozenset[str]:
    """Return the words that are one slip of the finger away: a letter left out, too many, wrong, or two swapped."""
    if not _TYPO_MIN <= len(word) <= _TYPO_MAX or not word.isascii() or not word.isalpha():
        return frozenset()
    halves = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    found = {left + right[1:] for left, right in halves if right}
    found |= {left + right[1] + right[0] + right[2:] for left, right in halves if len(right) > 1}
    for letter in _EDIT_LETTERS:
        found |= {left + letter + right[1:] for left, right in halves if right}
        found |= {left + letter + right for left, right in halves}
    return frozenset(found - {word})


def _free_terms(word: str) -> list[Term]:
    if _POSTCODE.fullmatch(word):
        return [Term((word,), (Column.PLACE,), is_whole=True)]
    if _DEPARTMENT.fullmatch(word):
        return [Term((f"dep{word.lower()}",), (Column.PLACE,), is_whole=True)]
    return [_term(part, ()) for part in fold(word).split()]


def _term(word: str, columns: tuple[Column, ...]) -> Term:
    return Term((*SAME.get(word, ()), word) if word in SAME else (word,), columns)


def _filtered(filters: Filters) -> list[tuple[str, tuple[Column, ...]]]:
    place = (Column.PLACE,)
    return [
        (filters.name, (Column.PERSON,)),
        (filters.given, (Column.PERSON,)),
        (filters.profession, (Column.WORK,)),
        (filters.speciality, (Column.WORK,)),
        (filters.structure, (Column.HOUSE,)),
        (f"dep{filters.postcode}" if _DEPARTMENT.fullmatch(filters.postcode) else filters.postcode, place),
        (filters.town, place),
    ]
