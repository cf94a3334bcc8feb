"""What an operator has, its last extract and another directory are compared over real HTTPS; a bounce comes by real SMTP.

Source: issue of the directory (true directory); operators.md 4.5.
"""

import asyncio
import hashlib
import re
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from directory_files import CHU, DUPONT, LE_GOFF, MARTIN, PRACTICE, Line, activities, box, extraction, loaded, opened
from proofs import FRIEND, HERE, LETTER, THERE, USER, Sink, Stage, events, kept, one_site, sign_in, states, talking
from standins import KeptLog
from world import Talk

from mssante.app.boxes import box_work
from mssante.app.compose import Operator
from mssante.app.directory import KeyEntry, add_key, open_directory_door
from mssante.app.directory_place import directory_folder, directory_link
from mssante.flows.directory.comparing import Comparison, kept_comparison
from mssante.flows.directory.reading import Directory
from mssante.flows.mailboxes import Administering, MailboxOrder
from mssante.flows.publication.announcing import Announcing
from mssante.model.address import Address, parse_address
from mssante.model.directory import (
    AddMailbox,
    Caller,
    ChangeMailbox,
    Health,
    Holder,
    ListedMailbox,
    RemoveMailbox,
    Target,
)
from mssante.model.mailbox import MailboxState, MailboxType
from mssante.model.message import CopyState
from mssante.model.publication import Listing
from mssante.store import correspondents
from mssante.wire.mime.dsn import Notice, NoticeKind, NoticeRecipient, build_notice

KEY = "une-cle-d-api-assez-longue-pour-un-secret"
US = Caller("essai", operator="ici")
TAKEN, LOST, OLD, GONE, FINE = (f"{name}@{HERE}" for name in ("Pris.Ailleurs", "perdue", "ancienne", "fermee", "Bonne"))
KNOWN = ((DUPONT, CHU), (MARTIN, CHU), (LE_GOFF, PRACTICE))


@dataclass
class Scene:
    """An operator that tells another directory of its boxes, and that directory."""

    operator: Operator
    national: Directory
    administering: Administering

    async def add(self, address: str, **listing: object) -> None:
        """Open a box of a service of the hospital."""
        order = MailboxOrder(
            parse_address(address),
            MailboxType.ORG,
            address.partition("@")[0],
            CHU.identifier,
            1_000_000,
            members=(USER,),
            listing=Listing(**listing),  # type: ignore[arg-type] # the parts are named in the test
        )
        await self.administering.create(order)

    async def publish(self) -> None:
        """Tell the other directory."""
        link = directory_link(self.operator.config)
        assert link is not None
        await Announcing(
            settings=self.operator.config.publication,
            store=self.operator.store,
            link=link,
            clock=self.operator.clock,
            new_lease=lambda: "bail",
            trace_key=self.operator.trace_key,
            log=KeptLog(),
        ).publish_due()

    def lines(self, lines: Sequence[Line]) -> None:
        """Put an extract in force here."""
        loaded(directory_folder(self.operator.config), extraction=extraction(lines), now=self.operator.clock())

    async def compared(self) -> Comparison:
        """Let the work of the day run until its comparison is kept; return it."""
        store = self.operator.store
        before = await store.read(correspondents.last_comparison)
        works = box_work(self.operator)
        task = asyncio.create_task(works["life-cycle"]())
        async with asyncio.timeout(30):
            while (found := await store.read(correspondents.last_comparison)) == before:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert found is not None
        return kept_comparison(found.result)


@asynccontextmanager
async def scene(folder: Path, stage: Stage) -> AsyncIterator[Scene]:
    """Open the other directory behind its own door, known to the operator by address and key."""
    national = folder / "national"
    loaded(national, extraction=extraction(), activities=activities(KNOWN))
    directory, store = opened(national)
    keys, secret = folder / "cles.toml", folder / "cle"
    add_key(keys, KeyEntry("ici", hashlib.sha256(KEY.encode()).hexdigest(), "ici"))
    secret.write_text(KEY)
    secret.chmod(0o600)
    operator = stage.site.operator
    door = replace(operator.config.directory, host="127.0.0.1", port=0, api_keys=keys)
    async with open_directory_door(replace(operator.config, directory=door), directory, None) as port:
        told = replace(operator.config.publication, directory_url=f"https://localhost:{port}/fhir/v2", api_key=secret)
        operator = replace(operator, config=replace(operator.config, publication=told))
        administering = Administering(
            store=operator.store, actor="essai", trace_key=operator.trace_key, clock=operator.clock
        )
        yield Scene(operator, directory, administering)
    await store.close()


def said(made: Comparison) -> set[tuple[str, str, str]]:
    return {(one.what.value, one.source.value, one.address) for one in made.findings}


async def test_what_is_wrong_in_either_directory_is_found_each_day_with_its_repair(tmp_path: Path, pki) -> None:
    async with one_site(tmp_path, pki) as stage, scene(tmp_path, stage) as here:
        chu, practice = Target(Holder.PLACE, CHU.identifier), Target(Holder.PLACE, PRACTICE.identifier)
        taken = ListedMailbox(TAKEN.lower(), MailboxType.ORG, structure=PRACTICE.identifier)
        await here.national.change(US, practice, (AddMailbox(taken),))
        for address, service in ((TAKEN, ""), (LOST, ""), (OLD, "Cardiologie"), (GONE, ""), (FINE, "Pharmacie")):
            await here.add(
                address, service=service, responsible="Dr X", description="Accueil" if address == FINE else ""
            )
        doctor = parse_address(f"jean.dupont@{HERE}")
        listing = Listing(structure=CHU.identifier)
        await here.administering.create(
            MailboxOrder(doctor, MailboxType.PER, "Dr DUPONT", DUPONT.identifier[1:], 1_000_000, listing=listing)
        )
        await here.publish()
        await here.national.change(US, chu, (RemoveMailbox(LOST), ChangeMailbox(OLD, service="Ancien")))
        await here.administering.change_state(parse_address(GONE), MailboxState.CLOSED)
        ghost = f"fantome@{HERE}"
        ours = [box(one, None, CHU, service=what) for one, what in ((OLD, "Cardiologie"), (FINE, "Pharmacie"))]
        here.lines([*ours, box(str(doctor), DUPONT, CHU), box(ghost, MARTIN, CHU)])

        made = await here.compared()
        assert {one for one in said(made) if one[1] == "fhir"} == {
            ("wrong-holder", "fhir", parse_address(TAKEN).key),
            ("missing", "fhir", LOST),
            ("stale", "fhir", OLD),
            ("ghost", "fhir", GONE),
        }
        assert {one for one in said(made) if one[1] == "extract"} == {
            ("missing", "extract", parse_address(TAKEN).key),
            ("missing", "extract", LOST),
            ("ghost", "extract", ghost),
        }
        assert all(one.repair and one.command.startswith("mssante ") for one in made.findings)
        assert [(one.is_available, one.note, one.unanswered) for one in made.sources] == [(True, "", 0)] * 3
        assert all(one.at is not None for one in made.sources)
    assert made.compared >= 6


async def test_a_directory_that_is_down_is_unavailable_and_nothing_is_missing_for_that(tmp_path: Path, pki) -> None:
    async with one_site(tmp_path, pki) as stage:
        async with scene(tmp_path, stage) as here:
            await here.add(FINE)
            await here.publish()
            here.lines([box(FINE, None, CHU)])
            assert said(await here.compared()) == set()
        made = await here.compared()
        assert said(made) == set()
        fhir = made.sources[2]
        assert (fhir.is_available, fhir.unanswered) == (False, 1)
        assert "indisponible" in fhir.note


async def test_a_key_that_is_refused_is_said_and_nothing_is_missing_for_that(tmp_path: Path, pki) -> None:
    async with one_site(tmp_path, pki) as stage, scene(tmp_path, stage) as here:
        await here.add(FINE)
        (tmp_path / "cle").write_text("une-autre-cle-qui-n-est-pas-la-bonne")
        made = await here.compared()
        assert {one for one in said(made) if one[1] == "fhir"} == set()
        assert "401" in made.sources[2].note


async def test_a_message_that_another_operator_takes_and_returns_by_mail_marks_the_address(tmp_path: Path, pki) -> None:
    async with (
        Sink(None, b"250-DSN\r\n").open() as sink,
        one_site(tmp_path, pki, {THERE: (f"mss.rivalie.fr=127.0.0.1:{sink.port}",)}) as stage,
    ):
        operator, sink.context = stage.site.operator, server_context(stage)
        async with talking(await Talk.secure(stage.site.ports["submission"], stage.world.client_context(None))) as user:
            assert (await sign_in(user, USER)).startswith("235")
            replies = await user.message(USER, (FRIEND,), LETTER % USER.encode())
            assert replies[-1].startswith("250"), replies
        await operator.delivering.drain()
        assert await states(stage.site) == {CopyState.RELAYED: 1}
        before = await kept(stage.site)
        async with stage.peer() as talk:
            replies = await talk.message("", (USER,), build_notice(returned(bytes(sink.inside))).removesuffix(b"\r\n"))
        assert replies[-1].startswith("250"), replies
        assert await states(stage.site) == {CopyState.FAILED: 1}
        bounced = await operator.store.read(lambda tx: correspondents.bounced(tx, FRIEND))
        assert bounced is not None
        assert (bounced.failures, bounced.reason) == (1, "mailbox-unknown")
        told = [one.event for one in await events(stage.site, before.seq)]
        assert told == ["copy.returned", "receipt.noted", "message.received"]
        assert (await operator.history.past(Caller("autre")))[FRIEND].health is Health.BOUNCING


def server_context(stage: Stage) -> ssl.SSLContext:
    """Return the context of the peer as a server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    world = stage.world
    world.client_context(stage.peer_issued, "sink")
    context.load_cert_chain(world.folder / "visitors" / "sink.pem", world.folder / "visitors" / "sink.key")
    context.load_verify_locations(world.folder / "pki" / "anchors.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def returned(seen: bytes) -> Notice:
    """Return the notice that an operator writes which knows nothing but what it was given over the wire."""
    command = re.search(rb"MAIL FROM:<([^>]+)>[^\r]* ENVID=(\S+)", seen)
    assert command is not None, seen
    now = datetime.now(UTC)
    return Notice(
        kind=NoticeKind.FAILED,
        reporting_mta="mss.rivalie.fr",
        postmaster=Address("postmaster", THERE),
        to=parse_address(command[1].decode()),
        recipients=(NoticeRecipient(parse_address(FRIEND), None, "5.1.1", attempted_at=now),),
        envelope_id=command[2].decode(),
        arrived_at=now,
        now=now,
        message_id="avis@mss.rivalie.fr",
        original_id="",
        reference="",
        original=b"Subject: essai\r\n\r\n",
        full=False,
        limit_bytes=50_000,
    )
