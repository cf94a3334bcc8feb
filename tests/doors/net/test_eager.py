"""A step that does not wait costs no task; one that waits goes on as if it had one."""

import asyncio

import pytest

from mssante.doors.net.eager import Done, start


async def test_a_step_that_does_not_wait_is_done_at_once() -> None:
    async def work() -> int:
        return 7

    assert start(work()) == Done(7)


async def test_an_error_before_any_wait_comes_at_once() -> None:
    async def work() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        start(work())


async def test_a_step_that_waits_several_times_goes_on_in_a_task() -> None:
    loop = asyncio.get_running_loop()
    first, second = loop.create_future(), loop.create_future()

    async def work() -> int:
        return int(await first) + int(await second)

    found = start(work())
    assert not isinstance(found, Done)
    task = loop.create_task(found)
    first.set_result(3)
    await asyncio.sleep(0)
    second.set_result(4)
    assert await task == 7


async def test_errors_and_cancellation_reach_the_step() -> None:
    loop = asyncio.get_running_loop()
    seen: list[str] = []

    async def work(waited: "asyncio.Future[None]") -> str:
        try:
            await waited
        except KeyError:
            seen.append("error")
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise
        return "end"

    for act in ("error", "cancelled"):
        waited = loop.create_future()
        found = start(work(waited))
        assert not isinstance(found, Done)
        task = loop.create_task(found)
        await asyncio.sleep(0)
        if act == "error":
            waited.set_exception(KeyError())
            assert await task == "end"
        else:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
    assert seen == ["error", "cancelled"]


async def test_a_step_may_end_in_answer_to_an_error() -> None:
    loop = asyncio.get_running_loop()
    waited = loop.create_future()

    async def work() -> str:
        try:
            await waited
        except KeyError as error:
            raise IndexError from error
        return "never"

    found = start(work())
    assert not isinstance(found, Done)
    waited.set_exception(KeyError())
    with pytest.raises(IndexError):
        await found
