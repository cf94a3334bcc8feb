"""Codes, labels and shares that the invented population is made of: professions, savoir-faire, kinds of places.

Codes and labels are those of the national value sets; shares are rounded from public demography; every name of a place,
operator or domain is invented.

Source: operators.md 1.4 (domains of the national service), 4.3; users.md 4.1 (sizes); JDV_J107 (savoir-faire).
"""

from dataclasses import dataclass
from typing import Final

NOWHERE, PRACTICE, HOSPITAL, CLINIC, HOME, PHARMACY, LABORATORY, IMAGING, HEALTH_HOUSE = range(9)

LIBERAL: Final = "L|Libéral"
EMPLOYEE: Final = "S|Salarié"


@dataclass(frozen=True, slots=True)
class Profession:
    """One profession.

    Attributes:
        share: of all professionals, per thousand.
        women: share of women.
        settings: where they work: kind of place -> share.
        boxed: share that has a mailbox.
        domain: of the national service, or "" for the common one.
        doctor: they are called DR.
    """

    code: str
    label: str
    share: float
    women: float
    settings: dict[int, float]
    boxed: float
    domain: str = ""
    doctor: bool = False


PROFESSIONS: Final = (
    Profession(
        "10", "Médecin", 197, 0.48,
        {NOWHERE: 16, PRACTICE: 41, HEALTH_HOUSE: 8, HOSPITAL: 27, CLINIC: 6, HOME: 2}, 0.78, "medecin", doctor=True,
    ),
    Profession(
        "21", "Pharmacien", 63, 0.67, {NOWHERE: 14, PHARMACY: 68, HOSPITAL: 12, LABORATORY: 6}, 0.57, "pharmacien"
    ),
    Profession("26", "Audioprothésiste", 4, 0.55, {NOWHERE: 10, PRACTICE: 90}, 0.12),
    Profession("28", "Opticien-Lunetier", 38, 0.6, {NOWHERE: 15, PRACTICE: 85}, 0.06),
    Profession(
        "40", "Chirurgien-Dentiste", 39, 0.5, {NOWHERE: 10, PRACTICE: 82, HEALTH_HOUSE: 5, HOSPITAL: 3}, 0.5,
        "chirurgien-dentiste", doctor=True,
    ),
    Profession("41", "Assistant de service social", 10, 0.92, {NOWHERE: 30, HOSPITAL: 60, HOME: 10}, 0.15, "social"),
    Profession(
        "50", "Sage-Femme", 20, 0.97, {NOWHERE: 12, PRACTICE: 33, HOSPITAL: 45, CLINIC: 10}, 0.6, "sage-femme"
    ),
    Profession(
        "60", "Infirmier", 440, 0.87,
        {NOWHERE: 21, PRACTICE: 20, HEALTH_HOUSE: 3, HOSPITAL: 41, CLINIC: 8, HOME: 7}, 0.255, "infirmier",
    ),
    Profession(
        "70", "Masseur-Kinésithérapeute", 86, 0.5,
        {NOWHERE: 12, PRACTICE: 70, HEALTH_HOUSE: 3, HOSPITAL: 9, CLINIC: 4, HOME: 2}, 0.38, "masseur-kinesitherapeute",
    ),
    Profession("80", "Pédicure-Podologue", 12, 0.7, {NOWHERE: 10, PRACTICE: 90}, 0.45, "pedicure-podologue"),
    Profession(
        "86", "Technicien de laboratoire médical", 22, 0.75, {NOWHERE: 15, LABORATORY: 50, HOSPITAL: 35}, 0.06
    ),
    Profession(
        "91", "Orthophoniste", 21, 0.96, {NOWHERE: 10, PRACTICE: 75, HEALTH_HOUSE: 3, HOSPITAL: 12}, 0.5,
        "orthophoniste",
    ),
    Profession("92", "Orthoptiste", 5, 0.86, {NOWHERE: 10, PRACTICE: 75, HOSPITAL: 15}, 0.4),
    Profession("93", "Psychologue", 45, 0.87, {NOWHERE: 25, PRACTICE: 35, HOSPITAL: 34, HOME: 6}, 0.18),
    Profession("94", "Ergothérapeute", 12, 0.87, {NOWHERE: 20, HOSPITAL: 55, CLINIC: 7, HOME: 18}, 0.2),
    Profession("95", "Diététicien", 11, 0.95, {NOWHERE: 25, PRACTICE: 30, HOSPITAL: 40, HOME: 5}, 0.2),
    Profession("96", "Psychomotricien", 13, 0.9, {NOWHERE: 20, PRACTICE: 30, HOSPITAL: 35, HOME: 15}, 0.2),
    Profession("98", "Manipulateur ERM", 34, 0.72, {NOWHERE: 12, HOSPITAL: 60, CLINIC: 8, IMAGING: 20}, 0.1),
)  # fmt: skip

SECOND_SPECIALITIES: Final = (
    ("CAPA|Capacité", "CAPA06", "Gérontologie"), ("CAPA|Capacité", "CAPA02", "Aide médicale urgente"),
    ("CAPA|Capacité", "CAPA05", "Evaluation et Traitement de la douleur"), ("CAPA|Capacité", "CAPA04", "Angéiologie"),
    ("CAPA|Capacité", "CAPA10", "Médecine et Biologie du sport"), ("CAPA|Capacité", "CAPA01", "Addictologie clinique"),
    ("C|Compétence", "C33", "Allergologie"), ("C|Compétence", "C05", "Médecine appliquée aux sports"),
    ("DNQ|DESC non qualifiant", "DSM213", "Gériatrie"), ("DNQ|DESC non qualifiant", "DSM226", "Nutrition"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlaceKind:
    """One kind of place that FINESS knows.

    Attributes:
        category: code and label of FINESS, then of its group, between semicolons.
        sector: code and label of the sector of activity, between bars.
        per_million: how many there are for a million professionals.
        boxes: least and most ORG mailboxes of one.
        titles: what its name begins with.
        prefix: of its domain, or "" when it takes one of an operator's.
    """

    kind: int
    category: str
    sector: str
    per_million: float
    boxes: tuple[int, int]
    titles: tuple[str, ...]
    prefix: str = ""


UNIVERSITY: Final = PlaceKind(
    kind=HOSPITAL,
    category="101;Centre Hospitalier Régional (C.H.R.);1101;Centres Hospitaliers Régionaux",
    sector="SA01|Etablissement public de santé",
    per_million=27,
    boxes=(210, 330),
    titles=("CHU",),
    prefix="chu",
)
PLACE_KINDS: Final = (
    PlaceKind(
        kind=HOSPITAL,
        category="355;Centre Hospitalier (C.H.);1102;Centres Hospitaliers",
        sector="SA01|Etablissement public de santé",
        per_million=520,
        boxes=(14, 76),
        titles=("CENTRE HOSPITALIER", "CH", "CENTRE HOSPITALIER INTERCOMMUNAL"),
        prefix="ch",
    ),
    PlaceKind(
        kind=HOSPITAL,
        category="292;Centre Hospitalier Spécialisé lutte Maladies Mentales;1111;Lutte contre les Maladies Mentales",
        sector="SA01|Etablissement public de santé",
        per_million=90,
        boxes=(8, 40),
        titles=("CENTRE HOSPITALIER SPECIALISE", "EPSM"),
        prefix="epsm",
    ),
    PlaceKind(
        kind=CLINIC,
        category="365;Etablissement de Soins Pluridisciplinaire;1110;Etablissements de Soins de Courte Durée",
        sector="SA04|Etablissement privé PSPH",
        per_million=800,
        boxes=(3, 20),
        titles=("CLINIQUE", "POLYCLINIQUE", "HOPITAL PRIVE"),
        prefix="clinique",
    ),
    PlaceKind(
        kind=HOME,
        category="500;Etablissement d'hébergement pour personnes âgées dépendantes;4401;Etablissements d'Hébergement",
        sector="SA05|Etablissement pour personnes âgées",
        per_million=6000,
        boxes=(0, 2),
        titles=("EHPAD RESIDENCE", "EHPAD", "RESIDENCE"),
    ),
    PlaceKind(
        kind=PHARMACY,
        category="620;Pharmacie d'Officine;3201;Commerce de Biens à Usage Médicaux",
        sector="SA33|Pharmacie d'officine",
        per_million=16_500,
        boxes=(0, 1),
        titles=("PHARMACIE", "GRANDE PHARMACIE", "SELARL PHARMACIE"),
    ),
    PlaceKind(
        kind=LABORATORY,
        category="611;Laboratoire de Biologie Médicale;3302;Laboratoires de Biologie Médicale",
        sector="SA25|Laboratoire de biologie médicale",
        per_million=3000,
        boxes=(1, 2),
        titles=("LABORATOIRE", "LBM", "LABORATOIRE DE BIOLOGIE MEDICALE"),
    ),
    PlaceKind(
        kind=IMAGING,
        category="698;Autre Etablissement Loi Hospitalière;1205;Autres Etablissements de la Loi Hospitalière",
        sector="SA17|Cabinet de groupe",
        per_million=700,
        boxes=(0, 3),
        titles=("CENTRE D'IMAGERIE", "IMAGERIE MEDICALE"),
    ),
    PlaceKind(
        kind=HEALTH_HOUSE,
        category="603;Maison de santé (L.6223-3);2206;Maisons de santé",
        sector="SA52|Société d'exercice",
        per_million=1900,
        boxes=(0, 3),
        titles=("MAISON DE SANTE PLURIPROFESSIONNELLE", "MSP", "MAISON DE SANTE"),
    ),
    PlaceKind(
        kind=HEALTH_HOUSE,
        category="124;Centre de Santé;2203;Centre de Santé",
        sector="SA08|Centre de santé",
        per_million=1500,
        boxes=(0, 2),
        titles=("CENTRE DE SANTE",),
    ),
)

PRACTICE_SECTORS: Final = ("SA07|Cabinet individuel", "SA17|Cabinet de groupe")

# Boxes of one service: what stands before its word, and beside its name.
SERVICE_BOXES: Final = (
    ("secretariat.", "SECRETARIAT {}"),
    ("", "{}"),
    ("consultations.", "CONSULTATIONS {}"),
    ("hdj.", "HOPITAL DE JOUR {}"),
    ("hospitalisation.", "HOSPITALISATION {}"),
    ("avis.", "AVIS MEDICAL {}"),
    ("ide.", "INFIRMIERS {}"),
)
CATCH_ALL: Final = (("mssante", "BOITE GENERALE DE L'ETABLISSEMENT"), ("courrier.medical", "COURRIER MEDICAL"))

SMALL_BOXES: Final = {
    HOME: (("accueil", "ACCUEIL"), ("medecin.coordonnateur", "MEDECIN COORDONNATEUR")),
    PHARMACY: (("contact", "OFFICINE"),),
    LABORATORY: (("resultats", "RESULTATS"), ("secretariat", "SECRETARIAT")),
    IMAGING: (("comptes.rendus", "COMPTES RENDUS"), ("secretariat", "SECRETARIAT"), ("scanner", "SCANNER IRM")),
    HEALTH_HOUSE: (("secretariat", "SECRETARIAT"), ("coordination", "COORDINATION"), ("infirmiers", "POLE INFIRMIER")),
}

# Domains of operators that do not exist; before .mssante.fr.
SOFTWARE_DOMAINS: Final = (
    "plume-sante",
    "lettre-claire",
    "courrier-soin",
    "passerelle-med",
    "dossier-vif",
    "trait-union-sante",
    "cabinet-fluide",
    "medipli",
    "sanarelais",
    "ordonou",
)
# Of regional operators, by the first digit of the postcode.
REGION_DOMAINS: Final = {
    "0": "alpes-soleil-sante",
    "1": "midi-garonne-sante",
    "2": "armor-comte-sante",
    "3": "ponant-sud-sante",
    "4": "loire-liens-sante",
    "5": "grand-nord-sante",
    "6": "rhin-rhone-sante",
    "7": "beauce-seine-sante",
    "8": "azur-picardie-sante",
    "9": "iles-france-sante",
}

STREET_KINDS: Final = (
    ("R", "Rue", 60),
    ("AV", "Avenue", 16),
    ("BD", "Boulevard", 8),
    ("PL", "Place", 7),
    ("CHE", "Chemin", 4),
    ("RTE", "Route", 3),
    ("ALL", "Allée", 2),
)

PAPERLESS_SHARE: Final = 0.71
