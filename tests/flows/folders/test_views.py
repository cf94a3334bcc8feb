"""The picture of a folder follows what is committed, step by step as if it were read anew."""

import random

from library import Library
from standins import ANNE, letter

from mssante.flows.folders.opened import difference
from mssante.flows.folders.views import Views
from mssante.model.folder import Snapshot


async def test_pictures_and_sessions_agree_with_the_store_after_any_changes(library: Library) -> None:
    chance = random.Random(3)
    await library.add(*(letter(str(n)) for n in range(80)))
    acting, told = await library.open(), await library.open()
    numbers = list(told.snapshot.uids)
    for _ in range(60):
        await acting.poll(expunges=True)
        uids = list(acting.snapshot.uids)
        some = sorted(chance.sample(uids, min(len(uids), chance.choice([1, 3, 75]))))
        act = chance.randrange(4)
        if act == 0 or len(uids) < 3:
            await library.add(*(letter("x") for _ in range(chance.choice([1, 20]))))
        elif act == 1:
            await acting.store_flags(some, chance.choice(["+", "-"]), frozenset({"\\Deleted"}))
        elif act == 2:
            assert await acting.expunge(some) is None
        else:
            await acting.transfer(some[:2], "Corbeille", move=True)
        expunges = chance.random() < 0.5
        updates = await told.poll(expunges=expunges)
        # What a client does with the answers gives what the session holds.
        for number, uid in updates.gone:
            assert numbers.pop(number - 1) == uid
        held = list(told.snapshot.uids)
        assert held[: len(numbers)] == numbers
        assert (updates.exists is None) == (len(held) == len(numbers))
        numbers = held
        for number, uid, flags, _modseq in updates.changed:
            assert held[number - 1] == uid
            assert told.flags_of(uid) == flags
        await told.poll(expunges=expunges)
        anew = await Views(library.office.store).newest(told.snapshot.folder_id)
        assert anew == await library.reading.views.newest(told.snapshot.folder_id)
    await told.poll(expunges=True)
    assert told.snapshot == await Views(library.office.store).newest(told.snapshot.folder_id)


async def test_nothing_new_costs_nothing(library: Library) -> None:
    opened = await library.open()
    first = opened.snapshot
    assert await library.reading.views.newest(first.folder_id) is first
    updates, after = difference(first, first, expunges=True)
    assert (updates.exists, updates.gone, updates.changed) == (None, (), ())
    assert after is first


async def test_what_another_process_commits_is_seen(library: Library) -> None:
    opened = await library.open()
    await library.office.receive(letter("du dehors", sender="claire@ville.mssante.fr"), ANNE)
    assert (await opened.poll(expunges=True)).exists == 1


async def test_a_folder_that_is_deleted_is_empty_for_who_has_it_open(library: Library) -> None:
    reader = await library.reader()
    assert await reader.create("x") is None
    await library.add(letter("un"), name="x")
    opened = await library.open(name="x")
    assert await reader.delete("x") is None
    assert (await opened.poll(expunges=True)).gone == ((1, 1),)
    assert await opened.poll(expunges=True) == type(await opened.poll(expunges=True))()
    assert isinstance(opened.snapshot, Snapshot)
