"""The plan of the sandbox: four operators, the manager, who has which mailbox. Invented, but well-formed.

Not for ports, keys or files (see `mssante.app.sandbox.layout`).

Source: operators.md 1.3 (types of mailboxes), 1.4 (addresses), 4.3 (identifiers).
"""

from dataclasses import dataclass
from typing import Final

from mssante.app.sandbox.pki import Legal
from mssante.model.address import CITIZEN_DOMAIN, Address, parse_address
from mssante.model.mailbox import MailboxType
from mssante.model.national import ins_key, with_luhn

MANAGER_KEY: Final = "gestionnaire"
IDENTITY_KEY: Final = "identite"
IDENTITY_HOST: Final = "identite.essai.fr"
DESKTOP_CLIENT: Final = "logiciel-de-bureau"
SERVER_CLIENT: Final = "logiciel-serveur"
PHONE_CLIENT: Final = "logiciel-e-cps"
MANAGER_HOST: Final = "espacedeconfiance.mssante.fr"


@dataclass(frozen=True, slots=True)
class PlannedMailbox:
    """A mailbox with the account that opens it.

    Attributes:
        holder: the name shown to others.
        identifier: RPPS, "1" and FINESS, INS, or "".
        software: common name of the client certificate that opens it (APP boxes), or "".
    """

    address: Address
    kind: MailboxType
    holder: str
    identifier: str
    software: str = ""


@dataclass(frozen=True, slots=True)
class PlannedOperator:
    """One operator of the space.

    Attributes:
        key: short name of its folder and in the output.
        name: as people call it.
        host: name of its SMTP server, the CN of its certificate.
        domains: domain -> description in the white list.
    """

    key: str
    name: str
    host: str
    legal: Legal
    domains: dict[str, str]
    mailboxes: tuple[PlannedMailbox, ...]

    @property
    def near(self) -> str:
        """Return the département: it stands in brackets in the place of the legal person."""
        return self.legal.department.rpartition("(")[2].rstrip(")")

    @property
    def postmaster(self) -> Address:
        """Return the address in the notices that it sends: at its first domain."""
        return Address("postmaster", next(iter(self.domains)))


def finess(eight: str) -> str:
    """Return the FINESS number of those eight digits: its key added."""
    return with_luhn(eight)


def rpps(ten: str) -> str:
    """Return the RPPS number of those ten digits: its key added."""
    return with_luhn(ten)


def ins(thirteen: str) -> str:
    """Return the INS matricule of those thirteen characters: its key added."""
    return thirteen + ins_key(thirteen)


def _box(address: str, kind: MailboxType, holder: str, identifier: str, software: str = "") -> PlannedMailbox:
    return PlannedMailbox(parse_address(address), kind, holder, identifier, software)


HOSPITAL_FINESS: Final = finess("31099001")
NURSING_HOME_FINESS: Final = finess("86099012")
LABORATORY_FINESS: Final = finess("86099034")
ROBOT: Final = Address("reponse.automatique-test", CITIZEN_DOMAIN)
CITIZEN_INS: Final = ins("2580386194012")
OTHER_CITIZEN_INS: Final = ins("1710986194077")

HOSPITAL: Final = PlannedOperator(
    key="hopital",
    name="CHU de Valdoré",
    host="mss.chu-valdore.fr",
    legal=Legal("CHU DE VALDORE", f"1{HOSPITAL_FINESS}", "Haute-Garonne (31)"),
    domains={"chu-valdore.mssante.fr": "CHU de Valdoré", "sih.chu-valdore.mssante.fr": "CHU de Valdoré, logiciels"},
    mailboxes=(
        _box("claire.martel@chu-valdore.mssante.fr", MailboxType.PER, "Dr Claire MARTEL", rpps("1000990011")),
        _box("cardiologie@chu-valdore.mssante.fr", MailboxType.ORG, "Service de cardiologie", f"1{HOSPITAL_FINESS}"),
        _box(
            "dpi@sih.chu-valdore.mssante.fr",
            MailboxType.APP,
            "Dossier patient informatisé",
            f"1{HOSPITAL_FINESS}",
            "DPI CHU VALDORE",
        ),
    ),
)
PRACTITIONERS: Final = PlannedOperator(
    key="liberaux",
    name="Service national des praticiens libéraux",
    host="smtp.praticiens-liberaux.fr",
    legal=Legal("SERVICE NATIONAL PRATICIENS LIBERAUX", f"3{with_luhn('7859900120001')}", "Paris (75)"),
    domains={"medecin.mssante.fr": "Médecins libéraux", "infirmier.mssante.fr": "Infirmiers libéraux"},
    mailboxes=(
        _box("paul.lenoir@medecin.mssante.fr", MailboxType.PER, "Dr Paul LENOIR", rpps("1000990022")),
        _box("sophie.arnaud@infirmier.mssante.fr", MailboxType.PER, "Mme Sophie ARNAUD", rpps("1000990033")),
    ),
)
REGIONAL: Final = PlannedOperator(
    key="regional",
    name="GRADeS Rivalie",
    host="mss.grades-rivalie.fr",
    legal=Legal("GRADES RIVALIE", f"3{with_luhn('1309900450001')}", "Vienne (86)"),
    domains={
        "ehpad-les-tilleuls.mssante.fr": "EHPAD Les Tilleuls",
        "labo-rivalie.mssante.fr": "Laboratoire Rivalie",
    },
    mailboxes=(
        _box(
            "coordination@ehpad-les-tilleuls.mssante.fr",
            MailboxType.ORG,
            "EHPAD Les Tilleuls, coordination des soins",
            f"1{NURSING_HOME_FINESS}",
        ),
        _box("anne.robin@labo-rivalie.mssante.fr", MailboxType.PER, "Dr Anne ROBIN", rpps("1000990044")),
        _box(
            "resultats@labo-rivalie.mssante.fr",
            MailboxType.APP,
            "Système de gestion du laboratoire",
            f"1{LABORATORY_FINESS}",
            "SGL LABO RIVALIE",
        ),
    ),
)
CITIZENS: Final = PlannedOperator(
    key="citoyens",
    name="Messagerie des usagers",
    host="smtps1.usagers.fr",
    legal=Legal("MESSAGERIE DES USAGERS", f"3{with_luhn('1809900350001')}", "Paris (75)"),
    domains={CITIZEN_DOMAIN: "Messagerie des usagers"},
    mailboxes=(
        _box(f"{CITIZEN_INS}@{CITIZEN_DOMAIN}", MailboxType.CITIZEN, "Mme Jeanne VIDAL", CITIZEN_INS),
        _box(f"{OTHER_CITIZEN_INS}@{CITIZEN_DOMAIN}", MailboxType.CITIZEN, "M. Karim HADDAD", OTHER_CITIZEN_INS),
        _box(str(ROBOT), MailboxType.CITIZEN, "Robot de réponse automatique", ""),
    ),
)
OPERATORS: Final = (HOSPITAL, PRACTITIONERS, REGIONAL, CITIZENS)
PUBLISHING: Final = (HOSPITAL, PRACTITIONERS, REGIONAL)
"""Those whose mailboxes are in the directory: citizens are in none."""
MANAGER_LEGAL: Final = Legal("GESTIONNAIRE DE L'ESPACE DE CONFIANCE", f"3{with_luhn('1875990120001')}", "Paris (75)")

# Two more listed parties, without a server: what the bad peers pretend to be, and the one that is delisted.
VISITOR_LEGAL: Final = Legal("TESTS DE L'ESPACE DE CONFIANCE", f"3{with_luhn('1875990120002')}", "Paris (75)")
VISITOR_HOST: Final = "mss.visiteur.fr"
VISITOR_DOMAIN: Final = "visiteur.mssante.fr"
LEAVING_HOST: Final = "mss.sortant.fr"
LEAVING_DOMAIN: Final = "sortant.mssante.fr"


def people() -> list[dict[str, str]]:
    """Return the professionals of the personal mailboxes, as the identity provider knows them."""
    found: list[dict[str, str]] = []
    for plan in OPERATORS:
        for box in plan.mailboxes:
            if box.kind is MailboxType.PER:
                civility, given, family = box.holder.split(" ", 2)
                is_nurse = civility != "Dr"
                found.append(
                    {
                        "national_id": f"8{box.identifier}",
                        "given_name": given,
                        "family_name": family,
                        "profession": "60" if is_nurse else "10",
                        "role": "Infirmière" if is_nurse else "Médecin",
                        "structure": plan.name,
                    }
                )
    return found
