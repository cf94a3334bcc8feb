"""Our own operator, as ``mssante serve`` runs it: default limits, its white list and revocation list over HTTPS."""

import asyncio
import contextlib
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import mssante
from bench import procs
from bench.credentials import CLIENT_DN, CLIENT_NAME, SERVER_DN, SERVER_NAME, Credentials
from bench.load import DOMAIN, mailbox
from bench.peers.documents import serving
from mssante.app.sandbox.ports import free_ports
from mssante.flows.sign_in import digest_password
from mssante.model.address import parse_address
from mssante.model.dn import parse_dn
from mssante.model.mailbox import AccountKind, MailboxType
from mssante.model.settings import StoreSettings
from mssante.model.whitelist import Entry
from mssante.store import accounts, domains, mailboxes
from mssante.store.engine import Store
from mssante.store.tx import Tx
from mssante.wire.whitelist.write import write_white_list

READY_SECONDS: Final = 30
_CONFIG: Final = """\
[operator]
name = "bench"
hostname = "{host}"
data_dir = "data"
postmaster = "{postmaster}"

[tls]
certificate = "{files.server}"
key = "{files.server_key}"
anchors = "{files.authority}"
intermediates = "{files.authority}"

[trust]
list_url = "https://localhost:{documents}/liste.xml"

[secrets]
credential_key = "credential.key"
trace_key = "trace.key"

[smtp]
host = "127.0.0.1"
port = {port}

[submission]
host = "127.0.0.1"
port = {submission}
implicit_port = -1

[imap]
host = "127.0.0.1"
port = -1
implicit_port = {imap}
connections_per_address = 5000

[resolver]
mode = "static"
"""


class Operator:
    """One operator with its mailboxes; each start takes a copy of the store that was prepared once."""

    settings = StoreSettings()

    def __init__(self, folder: Path, files: Credentials, *, documents: int, mailboxes: int) -> None:
        """Name its folder, which is made, and its files.

        Args:
            folder: its own.
            files: certificates.
            documents: port of the white list, which the certificates name too.
            mailboxes: how many it has.
        """
        self._folder = folder
        self._files = files
        self._documents = documents
        self._mailboxes = mailboxes
        self._port, self._submission, self.imap_port = free_ports(3)
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: Reader | None = None

    @property
    def name(self) -> str:
        """Return the name that tables show."""
        return "mssante"

    @property
    def port(self) -> int:
        """Return the SMTP port on 127.0.0.1."""
        return self._port

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Start from the prepared store; stop at the end."""
        if not self._folder.exists():
            self._prepare()
        data = self._folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(self._folder / "prepared", data)
        pages = {"/liste.xml": _white_list(), "/ca.crl": self._files.revocation.read_bytes()}
        with serving(self._documents, self._files, pages):
            output = self._folder / "output.log"
            command = self.command(self._folder / "mssante.toml")
            self._process = procs.start(command, log=self._folder / "error.log", output=output, PYTHONPATH=self.program)
            try:
                self.await_ready(self._process, output)
                yield
            finally:
                if self._reader is not None:
                    self._reader.close()
                self._reader = None
                procs.stop(self._process)
                self._process = None

    def command(self, config: Path) -> tuple[str | Path, ...]:
        """Return the command that runs it with a configuration."""
        return (sys.executable, "-m", "mssante.app", "serve", "--config", config)

    @property
    def program(self) -> str:
        """Return the folder of the program that is measured."""
        return str(self._folder / "program")

    def roots(self) -> tuple[int, ...]:
        """Return the process id of the operator."""
        return () if self._process is None else (self._process.pid,)

    def user(self, number: int) -> tuple[str, str]:
        """Return login and application password of a mailbox."""
        return mailbox(number), _password(number)

    def visible(self) -> int:
        """Return the messages that the folders of all mailboxes show, read as a mail reader does."""
        if self._reader is None:
            self._reader = Reader(self._folder / "data", self.settings)
        return self._reader.count()

    def _prepare(self) -> None:
        self._folder.mkdir(parents=True)
        # The checkout may change while a campaign runs; all runs measure the program as it was at its start.
        program = Path(mssante.__file__).parent
        shutil.copytree(program, self._folder / "program/mssante", ignore=shutil.ignore_patterns("__pycache__"))
        config = _CONFIG.format(
            host=SERVER_NAME,
            postmaster=mailbox(0),
            files=self._files,
            documents=self._documents,
            port=self._port,
            submission=self._submission,
            imap=self.imap_port,
        )
        (self._folder / "mssante.toml").write_text(config)
        for name in ("credential.key", "trace.key"):
            path = self._folder / name
            path.touch(mode=0o600)
            path.write_bytes(secrets.token_bytes(32))
        key = (self._folder / "credential.key").read_bytes()
        asyncio.run(fill(self._folder / "prepared", self.settings, self._mailboxes, key))

    def await_ready(self, process: subprocess.Popen[bytes], output: Path) -> None:
        """Wait until a node says that its doors are open."""
        until = time.monotonic() + READY_SECONDS
        while b'"ready"' not in output.read_bytes():
            if process.poll() is not None or time.monotonic() > until:
                said = (self._folder / "error.log").read_text()[-800:]
                msg = f"the operator did not start: {said}"
                raise RuntimeError(msg)
            time.sleep(0.02)


class Reader:
    """A reader of the operator's store in a process of its own: this one."""

    def __init__(self, data_dir: Path, settings: StoreSettings) -> None:
        self._runner = asyncio.Runner()
        self._store = self._runner.run(Store.open(data_dir, settings))

    def count(self) -> int:
        """Return how many messages all folders show."""
        return self._runner.run(self._store.read(_count))

    def close(self) -> None:
        """Close the store."""
        self._runner.run(self._store.close())
        self._runner.close()


async def _count(tx: Tx) -> int:
    total = 0
    for box in await mailboxes.list_mailboxes(tx):
        total += sum(folder.messages for folder in await mailboxes.list_folders(tx, box.mailbox_id))
    return total


def _password(number: int) -> str:
    return f"banc-de-mesure-{number}"


async def fill(data_dir: Path, settings: StoreSettings, count: int, key: bytes) -> None:
    """Make the store of an operator with that many mailboxes, and one account for each."""
    now = datetime.now(UTC)
    store = await Store.open(data_dir, settings)

    async def add(tx: Tx) -> None:
        await domains.add_domain(tx, DOMAIN, now)
        for number in range(count):
            box = await mailboxes.create_mailbox(
                tx,
                parse_address(mailbox(number)),
                MailboxType.ORG,
                holder=f"Banc {number}",
                identifier="",
                quota_bytes=StoreSettings().quota_bytes,
                now=now,
            )
            account = await accounts.create_account(
                tx, mailbox(number), AccountKind.PERSON, certificate_name=None, now=now
            )
            await accounts.grant(tx, account.account_id, box.mailbox_id, may_read=True, may_send=True)
            digest = digest_password(key, _password(number))
            await accounts.add_credential(tx, account.account_id, "banc", digest, now)

    try:
        await store.write(add)
    finally:
        await store.close()


def _white_list() -> bytes:
    now = datetime.now(UTC)
    entries = tuple(
        Entry(
            domain=domain,
            dn=parse_dn(name),
            dn_text=name,
            description="Banc de mesure",
            responsible="responsable@bench.mssante.fr",
            support="support@bench.mssante.fr",
            updated_at=now,
        )
        for domain, name in ((DOMAIN, SERVER_DN), (CLIENT_NAME, CLIENT_DN))
    )
    return write_white_list(now, entries)
