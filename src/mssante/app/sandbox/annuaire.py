"""The directory of the sandbox: an invented nation, at the manager and at the hospital, where it is searched.

Done with the program's own commands and its REST interface, as an administrator and a program would. Not for what
operators publish (see `mssante.app.sandbox.published`).
"""

import asyncio
import base64
import json
import shutil
import time
import urllib.parse
import urllib.request
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mssante.app.config import read_config
from mssante.app.directory_place import directory_folder
from mssante.app.sandbox import space
from mssante.app.sandbox.layout import LOGS, Layout
from mssante.app.sandbox.letters import GP, user_context
from mssante.app.sandbox.pki import LOOPBACK
from mssante.app.sandbox.places import space_activities, space_extraction
from mssante.app.sandbox.processes import Nursery, run_command
from mssante.app.sandbox.stores import SandboxAccount
from mssante.model.errors import LinkError
from mssante.store.directory.file import DirectoryFolder

FOLDER: Final = "annuaire-national"
LOG: Final = f"{FOLDER}.log"
WORDS: Final = "lenoir généraliste poitiers"
SHOWN: Final = 3
COMMANDS: Final = 2
"""How many commands are run here: generate, import."""
_ANSWER_SECONDS: Final = 30


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
        wanted: the address that it looks for.
        milliseconds: from the question to the answer, over HTTPS.
    """

    words: str
    wanted: str
    answers: tuple[Answer, ...]
    milliseconds: float

    @property
    def as_expected(self) -> bool:
        """Tell whether the right address comes first."""
        return bool(self.answers) and self.answers[0].address == self.wanted


async def generate_nation(folder: Path, nursery: Nursery, people: int) -> None:
    """Write the files of a nation of so many professionals, and those of the space as it was yesterday.

    Args:
        folder: of the whole space.

    Raises:
        LinkError: the command failed.
    """
    files = folder / FOLDER
    files.mkdir()
    (files / "espace-boites.txt").write_bytes(space_extraction())
    (files / "espace-personnes.txt").write_bytes(space_activities())
    number = str(people)
    await run_command(
        nursery, folder / LOGS / LOG, "directory", "generate", str(files), "--professionals", number, "--seed", "1"
    )


async def prepare_directory(layout: Layout, nursery: Nursery, nation: Awaitable[None]) -> None:
    """Import the nation, once it is written, at the hospital and at the manager.

    The manager gets a copy of what the import made: the same files would make the same directory.

    Raises:
        LinkError: a command failed.
    """
    await nation
    files = [str(one) for one in sorted((layout.folder / FOLDER).iterdir()) if one.suffix in {".txt", ".csv"}]
    config = layout.operator_of(space.HOSPITAL.postmaster.domain).config
    log = layout.folder / LOGS / LOG
    await run_command(nursery, log, "directory", "import", *files, "--config", str(config), "--json")
    await asyncio.to_thread(_copy, _directory_of(config), _directory_of(layout.manager_config))


def _directory_of(config: Path) -> DirectoryFolder:
    return DirectoryFolder(directory_folder(read_config(config)))


def _copy(source: DirectoryFolder, target: DirectoryFolder) -> None:
    current = source.current()
    if current is None:
        msg = f"{source.path} holds no directory after an import"
        raise LinkError(msg)
    made = target.next()
    shutil.copyfile(current, made)
    target.put_in_force(made)


async def search_directory(layout: Layout, account: SandboxAccount, words: str, wanted: str) -> Searched:
    """Search the directory of somebody's operator as a program of theirs does.

    Args:
        account: who asks.
        wanted: the address that should come first.

    Raises:
        LinkError: the directory did not answer.
    """
    return await asyncio.to_thread(_search, layout, account, words, wanted)


async def search_first(layout: Layout, doctor: SandboxAccount) -> Searched:
    """Search the correspondent of the first letter, at the hospital."""
    return await search_directory(layout, doctor, WORDS, str(GP))


def _search(layout: Layout, account: SandboxAccount, words: str, wanted: str) -> Searched:
    port = layout.operator_of(account.address.domain).ports.directory
    query = urllib.parse.urlencode({"q": words, "limit": SHOWN})
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
    answers = tuple(_answer(one) for one in found["entries"])
    return Searched(words, wanted, answers, 1000 * (time.perf_counter() - began))


def _answer(one: dict[str, object]) -> Answer:
    reasons, where = one.get("reasons"), one.get("structure")
    return Answer(
        address=str(one.get("address", "")),
        name=str(one.get("name", "")),
        place=f"{where.get('name')}, {where.get('town')}" if isinstance(where, dict) else "",
        reasons=tuple(str(reason) for reason in reasons) if isinstance(reasons, list) else (),
        warning=str(one.get("warning", "")),
    )
