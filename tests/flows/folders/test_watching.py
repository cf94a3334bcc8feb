"""What watchers are told: enough to keep their own list right, whatever happens between two looks.

Source: RFC 5465 sections 3.1, 5.4, 5.5 and 5.9.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from library import Library, open_library, refused
from standins import ANNE, BRUNO, letter

from mssante.flows.folders import watching
from mssante.flows.folders.watching import Event, Interest, News, Scope, Watching
from mssante.model.message import Change

EVERYTHING = frozenset(Event)
COMMUN = f"Autres boîtes/{ANNE}/Commun"


async def watch(library: Library, *interests: Interest, text: str = ANNE) -> Watching:
    found = (await library.reader(text)).watch(interests or (Interest(Scope.PERSONAL, EVERYTHING),))
    assert await found.begin() is None
    return found


def names(news: News) -> list[tuple[str, str, bool]]:
    return [(one.listed.name, one.old_name, one.listed.folder is not None) for one in news.names]


async def test_nothing_happened_is_no_news(library: Library) -> None:
    found = await watch(library)
    assert await found.look(None) == News()


@pytest.mark.parametrize(
    ("interest", "told"),
    [
        (Interest(Scope.PERSONAL, EVERYTHING), ["INBOX", "Patients", "Patients/2026"]),
        (Interest(Scope.INBOXES, EVERYTHING), ["INBOX"]),
        (Interest(Scope.SUBSCRIBED, EVERYTHING), ["INBOX", "Patients/2026"]),
        (Interest(Scope.SUBTREE, EVERYTHING, ("Patients",)), ["Patients", "Patients/2026"]),
        (Interest(Scope.SUBTREE, EVERYTHING, ("Pat", "Patients/2026")), ["Patients/2026"]),
        (Interest(Scope.MAILBOXES, EVERYTHING, ("Patients", "*")), ["Patients"]),
        (Interest(Scope.PERSONAL, frozenset({Event.NAME})), []),
    ],
)
async def test_each_scope_means_its_names(library: Library, interest: Interest, told: list[str]) -> None:
    reader = await library.reader()
    for name in ("Patients", "Patients/2026"):
        assert await reader.create(name) is None
    assert await reader.subscribe("Patients/2026", wanted=True) is None
    found = await watch(library, interest)
    for name in ("INBOX", "Patients", "Patients/2026", "Autres boîtes/urgences@chu.mssante.fr/INBOX"):
        await library.add(letter("un"), name=name)
    news = await found.look(None)
    seen = {one.name for one, _events in news.messages if not one.is_other}
    assert seen == set(told)


async def test_the_open_folder_is_left_out(library: Library) -> None:
    found = await watch(library)
    await library.add(letter("un"))
    opened = await library.open()
    assert (await found.look(opened.snapshot.folder_id)).messages == ()
    assert (await found.look(None)).messages == ()


async def test_a_flag_is_no_new_message(library: Library) -> None:
    await library.add(letter("un"))
    found = await watch(library)
    few = await watch(library, Interest(Scope.PERSONAL, frozenset({Event.NEW, Event.EXPUNGE})))
    await (await library.open()).store_flags([1], "+", frozenset({"\\Flagged"}))
    assert [events for _one, events in (await found.look(None)).messages] == [{Event.FLAGS}]
    assert (await few.look(None)).messages == ()


async def test_a_folder_that_is_given_and_taken_away_comes_and_goes(library: Library) -> None:
    reader, bruno = await library.reader(), await library.reader(BRUNO)
    assert await reader.create("Commun") is None
    found = await watch(library, Interest(Scope.SUBTREE, EVERYTHING, ("Autres boîtes",)), text=BRUNO)
    heard: list[Sequence[Change]] = []
    stop = await bruno.listen(heard.append)
    for rights, is_there in (("lr", True), ("", False), ("l", True)):
        assert await reader.set_acl("Commun", BRUNO, "", rights) is None
        assert names(await found.look(None))[-1] == (COMMUN, "", is_there)
    assert len(heard) == 3, "who is given something is called"
    stop()
    # It may be listed, not read: nothing of its messages is told.
    assert [one.name for one in found.shut()] == [COMMUN]
    await library.add(letter("un"), name="Commun")
    assert (await found.look(None)).messages == ()


async def test_too_much_is_not_watched(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "WATCHED_MAX", 3)
    found = (await library.reader()).watch((Interest(Scope.PERSONAL, EVERYTHING),))
    assert refused(await found.begin()) == "too-costly"


async def test_a_folder_made_again_under_its_name_is_told(library: Library) -> None:
    reader = await library.reader()
    assert await reader.create("x") is None
    found = await watch(library)
    assert await reader.delete("x") is None
    assert await reader.create("x") is None
    assert names(await found.look(None)) == [("x", "", True)]


async def test_a_choice_stays_with_the_old_name(library: Library) -> None:
    reader = await library.reader()
    for name in ("a", "a/x"):
        assert await reader.create(name) is None
        assert await reader.subscribe(name, wanted=True) is None
    found, known = await watch(library), await _list(library)
    assert await reader.rename("a", "b") is None
    _follow(known, await found.look(None))
    assert (known["b"], known["b/x"]) == (False, False)
    assert known == await _list(library)


NAMES = st.sampled_from(["a", "b", "a/x", "a/y", "b/x", "a/x/u"])
ACTS = st.lists(
    st.tuples(st.sampled_from(["create", "delete", "rename", "subscribe", "unsubscribe", "look"]), NAMES, NAMES),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(acts=ACTS)
async def test_whoever_follows_the_news_knows_the_list(acts: list[tuple[str, str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        library = await open_library(Path(folder))
        reader, found = await library.reader(), await watch(library)
        known = await _list(library)
        for act, name, other in [*acts, ("look", "a", "a")]:
            if act == "look":
                _follow(known, await found.look(None))
            elif act == "rename":
                await reader.rename(name, other)
            elif act in {"subscribe", "unsubscribe"}:
                await reader.subscribe(name, wanted=act == "subscribe")
            else:
                await getattr(reader, act)(name)
        listed = await _list(library)
        await library.office.store.close()
    assert known == listed


async def _list(library: Library) -> dict[str, bool]:
    """Return name -> subscribed of every folder of Anne's own box."""
    listed = await (await library.reader()).folders()
    return {one.name: one.is_subscribed for one in listed if one.folder is not None and not one.is_other}


def _follow(known: dict[str, bool], news: News) -> None:
    """Do with a list of one's own what the news say."""
    for one in news.names:
        if one.old_name:
            below = one.old_name + "/"
            for name in [name for name in known if name.startswith(below)]:
                known[one.listed.name + "/" + name[len(below) :]] = known.pop(name)
            known.pop(one.old_name, None)
    for one in news.names:
        if one.listed.folder is None:
            known.pop(one.listed.name, None)
        else:
            known[one.listed.name] = one.listed.is_subscribed
