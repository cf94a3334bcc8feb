"""A kept program and all that it started end together: by order, by themselves, or with whoever kept them."""

import asyncio
import os
import signal
import sys
import textwrap
from asyncio.subprocess import PIPE
from pathlib import Path

from processes import until

from mssante.app.sandbox.kept.keeper import descendants
from mssante.app.sandbox.kept.program import Account, Kept, Order

# The second sleep leaves its family as PostgreSQL leaves Patroni's.
DETACHING = "(setsid sleep 600 &) ; echo $$ > here ; exec sleep 600"


def order(folder: Path, script: str) -> Order:
    return Order("essai", ("/bin/sh", "-c", script), folder, folder / "log")


def state_of(pid: int) -> str:
    """Return the letter that the system shows, "Z" also for what is gone altogether."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def is_alive(pid: int) -> bool:
    return state_of(pid) != "Z"


async def family(kept: Kept, count: int) -> list[int]:
    await until(lambda: len(descendants(kept.pid)) == count, "the family")
    return descendants(kept.pid)


async def test_killing_reaches_what_detached_itself(tmp_path: Path) -> None:
    kept = await Kept.start(order(tmp_path, DETACHING), None)
    pids = await family(kept, 2)
    await kept.kill()
    assert not kept.is_running
    assert not any(map(is_alive, pids))


async def test_stopping_in_order_leaves_nothing_either(tmp_path: Path) -> None:
    kept = await Kept.start(order(tmp_path, "(setsid sleep 600 &) ; trap 'echo au revoir ; exit 0' TERM ; sleep 600 & wait"), None)  # fmt: skip
    pids = await family(kept, 3)
    assert await kept.stop()
    assert order(tmp_path, "").tail() == "au revoir"
    assert not any(map(is_alive, pids))


async def test_a_program_that_ends_by_itself_takes_its_family_along(tmp_path: Path) -> None:
    one = order(tmp_path, "(setsid sleep 600 & echo $!) ; exit 3")
    kept = await Kept.start(one, None)
    await until(lambda: not kept.is_running, "the end")
    assert not is_alive(int(one.tail()))
    assert not await kept.stop()


async def test_a_frozen_program_stands_still_until_it_is_thawed_and_can_be_killed(tmp_path: Path) -> None:
    kept = await Kept.start(order(tmp_path, "while : ; do echo bip ; sleep 0.01 ; done"), None)
    log = tmp_path / "log"
    await until(lambda: log.stat().st_size > 0, "a word")
    kept.freeze()
    await until(lambda: {state_of(pid) for pid in descendants(kept.pid)} == {"T"}, "a standstill")
    size = log.stat().st_size
    kept.thaw()
    await until(lambda: log.stat().st_size > size, "another word")
    kept.freeze()
    await kept.kill()
    assert not kept.is_running


async def test_it_runs_as_its_account_in_its_folder_and_does_not_see_our_environment(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("PATRONI_NAME", "autre")
    # Only root can become somebody else.
    account = Account("nobody", 65534, 65534) if os.geteuid() == 0 else None
    one = order(tmp_path, 'echo "$(id -u) $(id -G) $(umask) [$PATRONI_NAME]"')
    kept = await Kept.start(one, account)
    await until(lambda: not kept.is_running, "the end")
    await kept.stop()
    mine = " ".join(map(str, dict.fromkeys([os.getegid(), *os.getgroups()])))
    whose = "65534 65534" if account else f"{os.geteuid()} {mine}"
    assert one.tail() == f"{whose} 0077 []"


async def test_nothing_outlives_whoever_kept_it_and_was_killed(tmp_path: Path) -> None:
    source = f"""
        import asyncio
        from pathlib import Path
        from mssante.app.sandbox.kept.program import Kept, Order
        async def main():
            folder = Path({str(tmp_path)!r})
            kept = await Kept.start(Order("essai", ("/bin/sh", "-c", {DETACHING!r}), folder, folder / "log"), None)
            print(kept.pid, flush=True)
            await asyncio.Event().wait()
        asyncio.run(main())
    """
    started = await asyncio.create_subprocess_exec(sys.executable, "-c", textwrap.dedent(source), stdout=PIPE)
    assert started.stdout is not None
    keeper = int(await started.stdout.readline())
    await until(lambda: len(descendants(keeper)) == 2, "the family")
    pids = [keeper, *descendants(keeper)]
    started.kill()
    assert await started.wait() == -signal.SIGKILL
    await until(lambda: not any(map(is_alive, pids)), "the end of all")
