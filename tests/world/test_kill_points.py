"""kill -9 at the named steps of the SMTP path: nothing acknowledged is lost, nothing comes twice between our operators.

Source: reliability.md 3.1 and 3.2 (K03 to K16), H22 (a notice exactly once); design.md section 3.
"""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest
from ledger import Found, Ledger, Letter, Verdict, letter
from plots import ANNE, ARTHUR, BASILE, CELINE, A, B, C, Plots, new_plots
from processes import KILLED, DeafWire, Plot, Running, Zygote, examine, hand_over, hang_up, started, until
from world import Talk

from mssante.app.sandbox.ports import free_ports

pytestmark = pytest.mark.world

SMALL, LARGE = 20_000, 400_000
SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["row", "file"])
HANDSHAKE_BYTES = 15_000
GOOD = Verdict()


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    made = Zygote()
    yield made
    made.close()


@pytest.fixture(scope="module")
def plots(pki, tmp_path_factory: pytest.TempPathFactory) -> Plots:
    return new_plots(tmp_path_factory.mktemp("plots"), pki)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger")


@pytest.fixture
def peer(plots: Plots, pki) -> ssl.SSLContext:
    """Operator A as it shows itself to B."""
    return plots.world.client_context(pki.operator)


@pytest.fixture
def user(plots: Plots) -> ssl.SSLContext:
    """A program of one of A's users."""
    return plots.world.client_context(None)


def _settle(plots: Plots, folder: Path, name: str, hosts: dict[str, int] | None = None) -> Plot:
    (folder / name).mkdir()
    table = {domain: [f"mss.rivalie.fr=127.0.0.1:{port}"] for domain, port in (hosts or {}).items()}
    plot: Plot = getattr(plots, name)
    return plot.settle(folder / name, free_ports(2), resolver={"table": table})


async def _quiet(*running: Running) -> None:
    for one in running:
        await until(lambda one=one: one.plot.open_copies() == 0, "an empty queue")
    for one in running:
        await one.stop()


def _from_a(size: int, *recipients: str) -> Letter:
    return letter(f"essai-{size}@{A}", ANNE, recipients or (BASILE,), size)


# -- B receives from A ---------------------------------------------------------------------------------------------


async def _received_over_a_kill(
    place: Plot,
    zygote: Zygote,
    ledger: Ledger,
    peer: ssl.SSLContext,
    kill_at: str,
    size: int,
    between: Callable[[], None] = lambda: None,
) -> None:
    """Kill B at the step, start it again, hand the letter over again as its sender does."""
    b = await started(zygote, place, kill_at)
    one = _from_a(size)
    assert await hand_over(ledger, one, place.smtp, peer) == ""
    assert await b.end() == KILLED
    assert place.held(one.ident) == (1 if kill_at.startswith("K09") else 0)
    between()
    b = await started(zygote, place)
    assert (await hand_over(ledger, one, place.smtp, peer)).startswith("250")
    await b.stop()


@pytest.mark.parametrize(
    ("kill_at", "size"),
    [
        ("K04", SMALL),
        ("K04", LARGE),
        ("K05", LARGE),
        ("K06", LARGE),
        ("K07", LARGE),
        ("K08-message", SMALL),
        ("K08-message", LARGE),
        ("K09-message", SMALL),
        ("K09-message", LARGE),
    ],
)
async def test_a_message_received_over_a_kill_is_there_once(
    plots, zygote, ledger, peer, tmp_path, kill_at, size
) -> None:
    place = _settle(plots, tmp_path, "b")
    await _received_over_a_kill(place, zygote, ledger, peer, kill_at, size)
    seen = await examine(place)
    assert ledger.judge(seen.boxes) == GOOD
    assert [one.ident for one in seen.boxes[BASILE]] == [f"essai-{size}@{A}"]
    assert seen.faults == []


async def test_numbers_given_before_a_kill_stay_as_they_were(plots, zygote, ledger, peer, tmp_path) -> None:
    place = _settle(plots, tmp_path, "b")
    b = await started(zygote, place, "K09-message:2")
    first = letter(f"avant@{A}", ANNE, (BASILE,), SMALL)
    assert await hand_over(ledger, first, place.smtp, peer)
    uids = "SELECT f.uid FROM filed f JOIN message m USING (message_id) WHERE instr(m.summary, ?) > 0"
    validity = "SELECT max(uid_validity * 1000000 + folder_id) FROM folder"
    before = place.number(uids, first.ident), place.number(validity)
    second = _from_a(SMALL)
    assert await hand_over(ledger, second, place.smtp, peer) == ""
    assert await b.end() == KILLED
    b = await started(zygote, place)
    assert await hand_over(ledger, second, place.smtp, peer)
    assert (place.number(uids, first.ident), place.number(validity)) == before
    assert place.number(uids, second.ident) > before[0]
    await b.stop()
    assert (await examine(place)).faults == []


async def test_a_kill_in_the_middle_of_the_data_leaves_nothing(plots, zygote, ledger, peer, tmp_path) -> None:
    place = _settle(plots, tmp_path, "b")
    b = await started(zygote, place)
    talk = await Talk.secure(place.smtp, peer)
    await talk.say(f"MAIL FROM:<{ANNE}>")
    await talk.say(f"RCPT TO:<{BASILE}>")
    assert (await talk.say("DATA")).startswith("354")
    talk.writer.write(_from_a(2 * LARGE).data)
    spool = place.folder / "data" / "spool"
    await until(lambda: any(path.stat().st_size for path in spool.iterdir()), "bytes on the disk")
    await b.kill()
    await hang_up(talk)
    seen = await examine(place)
    assert seen.boxes[BASILE] == []
    assert seen.faults == []


@SIZES
async def test_a_reply_that_is_not_read_makes_no_second_copy(plots, zygote, ledger, peer, tmp_path, size) -> None:
    place = _settle(plots, tmp_path, "b")
    b = await started(zygote, place)
    one = _from_a(size)
    ledger.note(one, "sending")
    talk = await Talk.secure(place.smtp, peer)
    for line in (f"MAIL FROM:<{ANNE}>", f"RCPT TO:<{BASILE}>", "DATA"):
        await talk.say(line)
    talk.writer.write(one.data.replace(b"\r\n.", b"\r\n..") + b".\r\n")
    await talk.writer.drain()
    await until(lambda: place.held(one.ident) == 1, "the message")
    await hang_up(talk)
    reply = await hand_over(ledger, one, place.smtp, peer)
    await b.stop()
    seen = await examine(place)
    assert ledger.judge(seen.boxes) == GOOD
    assert len(seen.boxes[BASILE]) == 1
    assert reply.split()[-1].encode() in seen.boxes[BASILE][0].data, "the first reference is said again"


# -- the checks themselves can fail --------------------------------------------------------------------------------


async def test_without_the_memory_of_copies_the_second_one_is_seen(plots, zygote, ledger, peer, tmp_path) -> None:
    place = _settle(plots, tmp_path, "b")
    forget = lambda: _change(place, "DELETE FROM seen")  # noqa: E731 - one word for one step
    await _received_over_a_kill(place, zygote, ledger, peer, "K09-message", SMALL, forget)
    assert ledger.judge((await examine(place)).boxes).doubled == ((f"essai-{SMALL}@{A}", BASILE),)


async def test_a_message_that_is_taken_away_or_changed_is_seen(plots, zygote, ledger, peer, tmp_path) -> None:
    place = _settle(plots, tmp_path, "b")
    await _received_over_a_kill(place, zygote, ledger, peer, "K08-message", SMALL)
    key = (f"essai-{SMALL}@{A}", BASILE)
    boxes = (await examine(place)).boxes
    assert ledger.judge({BASILE: []}).lost == (key,)
    damaged = Found(key[0], boxes[BASILE][0].data.replace("pointé".encode(), b"pointe!", 1))
    assert ledger.judge({BASILE: [damaged]}).changed == (key,)
    _change(place, "DELETE FROM filed")
    seen = await examine(place)
    assert ledger.judge(seen.boxes).lost == (key,)
    assert any("counted" in fault for fault in seen.faults)


def _change(place: Plot, sql: str) -> None:
    connection = apsw.Connection(str(place.database))
    connection.execute(sql)
    connection.close()


# -- A sends to B --------------------------------------------------------------------------------------------------


@SIZES
@pytest.mark.parametrize("kill_at", ["K11", "K14", "K16"])
async def test_a_message_sent_over_a_kill_of_the_sender_arrives_once(
    plots, zygote, ledger, user, tmp_path, kill_at, size
) -> None:
    there = _settle(plots, tmp_path, "b")
    here = _settle(plots, tmp_path, "a", {B: there.smtp, C: there.smtp})
    b, a = await started(zygote, there), await started(zygote, here, kill_at)
    one = _from_a(size, BASILE, CELINE)
    assert await hand_over(ledger, one, here.submission, user, login=ANNE)
    assert await a.end() == KILLED
    a = await started(zygote, here)
    await _quiet(a, b)
    seen = await examine(there)
    assert ledger.judge(seen.boxes) == GOOD
    assert [len(seen.boxes[address]) for address in (BASILE, CELINE)] == [1, 1]
    assert seen.faults == []
    sender = await examine(here)
    assert sender.boxes[ANNE] == [], "no notice: everything arrived"
    assert sender.faults == []


@SIZES
async def test_a_kill_before_the_peers_reply_came_makes_no_second_copy(
    plots, zygote, ledger, user, tmp_path, size
) -> None:
    there = _settle(plots, tmp_path, "b")
    wire = DeafWire(there.smtp, HANDSHAKE_BYTES)
    here = _settle(plots, tmp_path, "a", {B: await wire.open()})
    b, a = await started(zygote, there), await started(zygote, here)
    one = _from_a(size)
    assert await hand_over(ledger, one, here.submission, user, login=ANNE)
    await until(lambda: there.held(one.ident) == 1, "the message at B")
    assert here.open_copies() == 1, "A does not know yet"
    await a.kill()
    await wire.close()
    here.write(resolver={"table": {B: [f"mss.rivalie.fr=127.0.0.1:{there.smtp}"]}})
    a = await started(zygote, here)
    await _quiet(a, b)
    seen = await examine(there)
    assert ledger.judge(seen.boxes) == GOOD
    assert len(seen.boxes[BASILE]) == 1
    assert seen.faults == (await examine(here)).faults == []


@SIZES
@pytest.mark.parametrize("kill_at", ["K08-message", "K09-message"])
async def test_a_message_sent_over_a_kill_of_the_receiver_arrives_once(
    plots, zygote, ledger, user, tmp_path, kill_at, size
) -> None:
    there = _settle(plots, tmp_path, "b")
    here = _settle(plots, tmp_path, "a", {B: there.smtp})
    b, a = await started(zygote, there, kill_at), await started(zygote, here)
    assert await hand_over(ledger, _from_a(size), here.submission, user, login=ANNE)
    assert await b.end() == KILLED
    b = await started(zygote, there)
    await _quiet(a, b)
    seen = await examine(there)
    assert ledger.judge(seen.boxes) == GOOD
    assert len(seen.boxes[BASILE]) == 1
    assert seen.faults == (await examine(here)).faults == []


@SIZES
async def test_a_local_delivery_over_a_kill_is_there_once(plots, zygote, ledger, user, tmp_path, size) -> None:
    here = _settle(plots, tmp_path, "a")
    a = await started(zygote, here, "K12")
    assert await hand_over(ledger, _from_a(size, ARTHUR), here.submission, user, login=ANNE)
    assert await a.end() == KILLED
    await _quiet(await started(zygote, here))
    seen = await examine(here)
    assert ledger.judge(seen.boxes) == GOOD
    assert len(seen.boxes[ARTHUR]) == 1
    assert seen.faults == []


@pytest.mark.parametrize("kill_at", ["K14", "K16", "K12"])
async def test_a_failure_over_a_kill_is_told_once(plots, zygote, ledger, user, tmp_path, kill_at) -> None:
    there = _settle(plots, tmp_path, "b")
    here = _settle(plots, tmp_path, "a", {B: there.smtp})
    b, a = await started(zygote, there), await started(zygote, here, kill_at)
    assert await hand_over(ledger, _from_a(SMALL, f"personne@{B}"), here.submission, user, login=ANNE)
    assert await a.end() == KILLED
    await _quiet(await started(zygote, here), b)
    seen = await examine(here)
    assert len(seen.boxes[ANNE]) == 1
    assert b"multipart/report" in seen.boxes[ANNE][0].data
    assert seen.faults == []


@SIZES
@pytest.mark.parametrize("kill_at", ["K08-message", "K09-message"])
async def test_a_submission_over_a_kill_is_never_lost_nor_doubled(
    plots, zygote, ledger, user, tmp_path, kill_at, size
) -> None:
    """The same bytes with their Message-ID are the same message, so the user's second try makes no second one."""
    here = _settle(plots, tmp_path, "a")
    a = await started(zygote, here, kill_at)
    one = _from_a(size, ARTHUR)
    assert await hand_over(ledger, one, here.submission, user, login=ANNE) == ""
    assert await a.end() == KILLED
    a = await started(zygote, here)
    assert await hand_over(ledger, one, here.submission, user, login=ANNE)
    await _quiet(a)
    seen = await examine(here)
    verdict = ledger.judge(seen.boxes)
    assert (verdict.lost, verdict.changed) == ((), ())
    assert len(seen.boxes[ARTHUR]) == 1
    assert seen.faults == []
