"""The directory of the sandbox: an invented nation and the boxes of the space, imported by the hospital, then searched.

Done with the program's own commands and its REST interface, as an administrator and a program would.
"""

import asyncio
import base64
import json
import sys
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Final

from mssante.app.sandbox import space
from mssante.app.sandbox.layout import Layout
from mssante.app.sandbox.letters import GP, user_context
from mssante.app.sandbox.pki import LOOPBACK
from mssante.app.sandbox.stores import SandboxAccount
from mssante.model.directory import Coded, ListedMailbox, PostalAddress, Professional, Structure
from mssante.model.errors import LinkError
from mssante.model.mailbox import MailboxType
from mssante.wire.annuaire.extraction import EXTRACTION_HEADER, extraction_line

FOLDER: Final = "annuaire-national"
WORDS: Final = "lenoir généraliste poitiers"
SHOWN: Final = 3
_ANSWER_SECONDS: Final = 30
_CIVIL, _DOCTOR, _NURSE = Coded("C", "Civil"), Coded("10", "Médecin"), Coded("60", "Infirmier")
_GENERAL: Final = Coded("SM54", "Médecine générale")
_CARDIOLOGY: Final = Coded("SM04", "Cardiologie et maladies vasculaires")
_VALDORE: Final = PostalAddress("", "", "1 AVENUE DU CHU", "", "31000", "TOULOUSE", "31", "FRANCE")
_POITIERS: Final = PostalAddress("", "", "12 RUE DU CLAIN", "", "86000", "POITIERS", "86", "FRANCE")
_HOSPITAL: Final = Structure(f"1{space.HOSPITAL_FINESS}", "CENTRE HOSPITALIER UNIVERSITAIRE DE VALDORE", "", _VALDORE)
_NURSING_HOME: Final = Structure(f"1{space.NURSING_HOME_FINESS}", "EHPAD LES TILLEULS", "", _POITIERS)
_LABORATORY: Final = Structure(f"1{space.LABORATORY_FINESS}", "LABORATOIRE RIVALIE", "", _POITIERS)
_PRACTICE: Final = Structure(f"1{space.finess('86099056')}", "CABINET MEDICAL DU CLAIN", "", _POITIERS)
_PLACES: Final = {
    "claire.martel": (_HOSPITAL, _CARDIOLOGY),
    "cardiologie": (_HOSPITAL, Coded()),
    "paul.lenoir": (_PRACTICE, _GENERAL),
    "sophie.arnaud": (_PRACTICE, Coded()),
    "coordination": (_NURSING_HOME, Coded()),
    "anne.robin": (_LABORATORY, Coded("SM03", "Biologie médicale")),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the directory."""

    address: str
    name: str
    place: str
    reasons: tuple[str, ...]
    warning: str


@dataclass(frozen=True, slots=True)
class Searched:
    """A search and its answers.

    Attributes:
        people: professionals in the directory.
        milliseconds: from the question to the answer, over HTTPS.
    """

    words: str
    people: int
    answers: tuple[Answer, ...]
    milliseconds: float

    @property
    def as_expected(self) -> bool:
        """Tell whether the correspondent of the first letter comes first."""
        return bool(self.answers) and self.answers[0].address == str(GP)


async def prepare_directory(layout: Layout, people: int) -> None:
    """Generate a nation of so many professionals, and import it with the boxes of the space at the hospital.

    Raises:
        LinkError: a command failed.
    """
    folder = layout.folder / FOLDER
    folder.mkdir()
    await _run("directory", "generate", str(folder), "--professionals", str(people), "--seed", "1")
    (folder / "espace.txt").write_bytes(space_extraction())
    files = [str(one) for one in sorted(folder.iterdir()) if one.suffix in {".txt", ".csv"}]
    config = layout.operator_of(space.HOSPITAL.postmaster.domain).config
    await _run("directory", "import", *files, "--config", str(config), "--json")


def space_extraction() -> bytes:
    """Return the boxes of the space that an extraction shows: no software, no citizens."""
    lines = []
    for plan in space.OPERATORS:
        for box in plan.mailboxes:
            if box.kind in {MailboxType.PER, MailboxType.ORG}:
                where, speciality = _PLACES[box.address.local]
                lines.append(_line(box, where, speciality))
    return EXTRACTION_HEADER + b"".join(lines)


def _line(box: space.PlannedMailbox, where: Structure, speciality: Coded) -> bytes:
    if box.kind is MailboxType.ORG:
        mailbox = ListedMailbox(str(box.address), box.kind, structure=where.identifier, service=box.holder)
        return extraction_line(mailbox, None, where)
    civility, given, family = box.holder.split(" ", 2)
    who = Professional(
        f"8{box.identifier}",
        civility.upper(),
        family,
        given,
        _DOCTOR if civility == "Dr" else _NURSE,
        _CIVIL,
        (speciality,) if speciality.code else (),
    )
    return extraction_line(ListedMailbox(str(box.address), box.kind, who.identifier, where.identifier), who, where)


async def search_directory(layout: Layout, account: SandboxAccount, people: int) -> Searched:
    """Search the hospital's directory as a program of its doctor does.

    Raises:
        LinkError: the directory did not answer.
    """
    return await asyncio.to_thread(_search, layout, account, people)


def _search(layout: Layout, account: SandboxAccount, people: int) -> Searched:
    port = layout.operator_of(account.address.domain).ports.directory
    query = urllib.parse.urlencode({"q": WORDS, "limit": SHOWN})
    secret = base64.b64encode(f"{account.user}:{account.password}".encode()).decode()
    request = urllib.request.Request(
        f"https://{LOOPBACK}:{port}/api/v1/directory?{query}", headers={"Authorization": f"Basic {secret}"}
    )
    began = time.perf_counter()
    try:
        with urllib.request.urlopen(  # noqa: S310 - https only
            request, timeout=_ANSWER_SECONDS, context=user_context(layout, account)
        ) as response:
            found = json.loads(response.read())
    except (OSError, ValueError) as error:
        msg = f"the directory of {account.address.domain} did not answer: {error}"
        raise LinkError(msg) from error
    return Searched(
        WORDS, people, tuple(_answer(one) for one in found["entries"]), 1000 * (time.perf_counter() - began)
    )


def _answer(one: dict[str, object]) -> Answer:
    reasons, where = one.get("reasons"), one.get("structure")
    return Answer(
        address=str(one.get("address", "")),
        name=str(one.get("name", "")),
        place=f"{where.get('name')}, {where.get('town')}" if isinstance(where, dict) else "",
        reasons=tuple(str(reason) for reason in reasons) if isinstance(reasons, list) else (),
        warning=str(one.get("warning", "")),
    )


async def _run(*arguments: str) -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "mssante.app",
        *arguments,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _out, said = await program.communicate()
    if program.returncode:
        msg = f"mssante {' '.join(arguments[:2])}: {said.decode('utf-8', 'replace')[-500:]}"
        raise LinkError(msg)
