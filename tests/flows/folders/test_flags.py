"""Flags and keywords: spelling, rights and bounds."""

from library import ORG, Library, refused
from standins import BRUNO, letter

from mssante.flows.folders.flags import FOLDER_KEYWORDS_MAX, KEYWORDS_MAX, judge_flags, judge_new_keywords, spelt
from mssante.flows.folders.opened import Opened
from mssante.flows.folders.values import Stored


def test_system_flags_have_one_spelling_and_nobody_sets_recent() -> None:
    assert spelt(["\\SEEN", "\\recent", "Suivi"]) == {"\\Seen", "Suivi"}
    assert judge_flags(["\\recent", "\\Draft", "$Forwarded"]) is None
    assert judge_flags(["\\Other"]) is not None
    assert judge_flags([f"k{n}" for n in range(KEYWORDS_MAX + 1)]) is not None


def test_a_folder_has_so_many_keywords() -> None:
    known = [f"k{n} \\Seen" for n in range(FOLDER_KEYWORDS_MAX)]
    assert judge_new_keywords(["k3", "\\Flagged"], known) is None
    assert judge_new_keywords(["more"], known) is not None
    assert judge_new_keywords(["more"], known[1:]) is None
    assert judge_new_keywords(["\\Flagged"], known) is None


async def test_each_mode_changes_what_it_says(library: Library) -> None:
    await library.add(letter("un"), flags=("\\Seen", "Suivi"))
    opened = await library.open()
    for mode, flags, after in (("+", {"\\Flagged"}, 3), ("-", {"Suivi"}, 2), ("", {"Vu"}, 1)):
        stored = await opened.store_flags([1], mode, frozenset(flags))
        assert isinstance(stored, Stored)
        assert len(stored.changed[0][1].split()) == after
    before = (await library.open()).snapshot.highest_modseq
    # What stands there already is no change.
    same = await opened.store_flags([1], "+", frozenset({"Vu"}))
    assert isinstance(same, Stored)
    assert (await library.open()).snapshot.highest_modseq == before


async def test_only_what_the_rights_allow_is_changed(library: Library) -> None:
    reader = await library.reader()
    assert await reader.create("Commun") is None
    await library.add(letter("un"), name="Commun", flags=("\\Flagged",))
    assert await reader.set_acl("Commun", BRUNO, "", "lrs") is None
    opened = await (await library.reader(BRUNO)).open("Autres boîtes/anne@chu.mssante.fr/Commun", read_only=False)
    assert isinstance(opened, Opened)
    stored = await opened.store_flags([1], "", frozenset({"\\Seen", "\\Deleted", "Vu"}))
    assert isinstance(stored, Stored)
    assert set(stored.changed[0][1].split()) == {"\\Flagged", "\\Seen"}
    assert refused(await opened.expunge()) == "rights-missing"
    assert refused(await opened.transfer([1], "INBOX", move=True)) == "rights-missing"
    seen = await opened.mark_seen([1])
    assert isinstance(seen, Stored)


async def test_a_folder_opened_read_only_stays_as_it_is(library: Library) -> None:
    await library.add(letter("un"))
    opened = await (await library.reader()).open("INBOX", read_only=True)
    assert isinstance(opened, Opened)
    assert refused(await opened.store_flags([1], "+", frozenset({"\\Seen"}))) == "folder-read-only"
    assert refused(await opened.expunge()) == "folder-read-only"
    assert refused(await opened.transfer([1], "Corbeille", move=True)) == "folder-read-only"
    assert await opened.mark_seen([1]) == Stored(())
    assert not refused(await opened.transfer([1], f"Autres boîtes/{ORG}/INBOX", move=False))
