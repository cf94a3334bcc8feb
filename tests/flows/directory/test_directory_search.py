"""The search box: what people type, what comes first, and why.

Source: issue of the directory (search).
"""

from collections.abc import AsyncIterator, Callable, Mapping

import pytest
from directory_files import (
    BAC,
    CHU,
    DUPONT,
    DUPONT_PARIS,
    LE_GOFF,
    MARTIN,
    NOW,
    activities,
    extraction,
    loaded,
    opened,
    rpps,
)

from mssante.flows.directory.reading import Directory
from mssante.model.decision import Kind, Refusal
from mssante.model.directory import Caller, ChangeMailbox, Health, Holder, Place, Target
from mssante.model.directory_search import Filters, Past, Ranked
from mssante.store.directory.engine import DirectoryShelf

CALLER = Caller("dr", operator="chu", near="44000")
FAR = Caller("dr", near="75")
CHU_BOX, PARIS_BOX = "jean.dupont@chu-nantes.mssante.fr", "jean.dupont@medecin.mssante.fr"
SERVICE, GENERAL = "secretariat.cardiologie@chu-nantes.mssante.fr", "contact@chu-nantes.mssante.fr"


@pytest.fixture(scope="module")
def shelf(new_shelf: Callable[[], DirectoryShelf]) -> DirectoryShelf:
    made = new_shelf()
    known = [(DUPONT, CHU), (DUPONT_PARIS, BAC), (LE_GOFF, CHU), (MARTIN, CHU)]
    loaded(made, extraction=extraction(), activities=activities(known))
    return made


@pytest.fixture
async def directory(shelf: DirectoryShelf) -> AsyncIterator[Directory]:
    made, store = opened(shelf)
    yield made
    await store.close()


async def found(directory: Directory, words: str, caller: Caller = CALLER, **filters: str) -> list[str]:
    answer = await directory.search(caller, words, Filters(**filters))
    assert isinstance(answer, Ranked)
    return [one.entry.address or one.entry.name for one in answer.entries]


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("dupont cardio nantes", CHU_BOX),
        ("jean dupont 44", CHU_BOX),
        ("dupont jean 75", PARIS_BOX),
        ("DUPONT Jean 75007", PARIS_BOX),
        ("dr dupont cardiologue", CHU_BOX),
        ("helene le goff", "helene.legoff@infirmier.mssante.fr"),
        ("Hélène LEGOFF", "helene.legoff@infirmier.mssante.fr"),
        ("anne lise dupont moretti", "annelise.dupont-moretti@medecin.mssante.fr"),
        ("annelise", "annelise.dupont-moretti@medecin.mssante.fr"),
        ("service cardiologie chu", SERVICE),
        ("secretariat cardio nantes", SERVICE),
        ("infirmiere reze", "helene.legoff@infirmier.mssante.fr"),
        ("dupnot cardiologie", CHU_BOX),
        (rpps(1)[1:], CHU_BOX),
        (rpps(1), CHU_BOX),
        ("secretariat.cardiologie@chu", SERVICE),
        (PARIS_BOX.upper(), PARIS_BOX),
        ("martin paul", "Paul MARTIN"),
    ],
)
async def test_people_find_whom_they_mean(directory: Directory, words: str, first: str) -> None:
    assert (await found(directory, words))[0] == first


async def test_a_finess_number_gives_the_boxes_of_its_structure(directory: Directory) -> None:
    assert set(await found(directory, "440000289")) >= {SERVICE, GENERAL}


async def test_homonyms_are_ordered_by_who_is_near_and_told_apart(directory: Directory) -> None:
    for caller, first in ((CALLER, CHU_BOX), (FAR, PARIS_BOX)):
        answer = await directory.search(caller, "jean dupont")
        assert answer.entries[0].entry.address == first
        assert "2 réponses portent ce nom" in answer.entries[0].warning
        assert any("même département" in one or "même code postal" in one for one in answer.entries[0].reasons)


async def test_reasons_say_why_in_french(directory: Directory) -> None:
    answer = await directory.search(CALLER, "jean dupont cardio nantes")
    assert answer.entries[0].reasons[0] == "nom et prénom exacts"
    assert "profession ou spécialité demandée" in answer.entries[0].reasons
    assert "au lieu demandé" in answer.entries[0].reasons


async def test_a_catch_all_box_is_shown_as_such_and_after_the_department_s(directory: Directory) -> None:
    answer = await directory.search(CALLER, "chu nantes", Filters(kind="ORG"))
    assert [one.entry.address for one in answer.entries] == [SERVICE, GENERAL]
    assert "boîte générale" in answer.entries[1].warning


async def test_somebody_who_left_the_structure_is_told(directory: Directory) -> None:
    answer = await directory.search(CALLER, "le goff")
    assert "n'exerce plus dans cette structure" in answer.entries[0].warning


async def test_who_has_no_mailbox_is_told_so(directory: Directory) -> None:
    answer = await directory.search(CALLER, "paul martin")
    assert answer.entries[0].warning == "aucune adresse MSSanté publiée"


async def test_a_slip_is_corrected_and_said(directory: Directory) -> None:
    answer = await directory.search(CALLER, "cardilogie dupont")
    assert answer.interpreted == "« cardilogie » lu « cardiologie »"


async def test_a_word_that_nothing_has_is_left_out_and_said(directory: Directory) -> None:
    answer = await directory.search(CALLER, "dupont zanzibar")
    assert "sans « zanzibar »" in answer.interpreted
    assert answer.entries


async def test_filters_narrow(directory: Directory) -> None:
    assert await found(directory, "", name="dupont", town="paris") == [PARIS_BOX]
    assert await found(directory, "dupont", postcode="44") == [CHU_BOX, "annelise.dupont-moretti@medecin.mssante.fr"]
    assert await found(directory, "dupont", street="bac") == [PARIS_BOX]
    assert await found(directory, "", structure="chu nantes", kind="ORG") == [SERVICE, GENERAL]
    assert await found(directory, "dupont", speciality="cardiologie") == [CHU_BOX]


@pytest.mark.parametrize(
    "words", ["", "   ", "@@", '"', "*)(uid=*", "NEAR(a b)", "a OR b", "x" * 5000, "\x00", "dep44"]
)
async def test_odd_words_are_answered_not_executed(directory: Directory, words: str) -> None:
    answer = await directory.search(CALLER, words)
    assert isinstance(answer, Ranked) or answer.kind is Kind.QUERY_UNCLEAR


async def test_words_go_on_after_two_letters(directory: Directory) -> None:
    assert await directory.complete(CALLER, "jean du") == ("jean dupont",)
    assert await directory.complete(CALLER, "d") == ()


class Known:
    def __init__(self, past: Mapping[str, Past]) -> None:
        self._past = past

    async def past(self, caller: Caller) -> Mapping[str, Past]:
        return self._past


@pytest.mark.parametrize(
    ("past", "first"),
    [
        ({PARIS_BOX: Past(delivered_at=NOW)}, PARIS_BOX),
        ({CHU_BOX: Past(health=Health.DEAD)}, PARIS_BOX),
        ({CHU_BOX: Past(health=Health.BOUNCING)}, PARIS_BOX),
        ({}, CHU_BOX),
    ],
)
async def test_what_deliveries_told_counts(shelf: DirectoryShelf, past: Mapping[str, Past], first: str) -> None:
    store = shelf.store()
    directory = Directory(store, lambda: NOW, daily_entries=0, history=Known(past))
    answer = await directory.search(CALLER, "jean dupont")
    assert answer.entries[0].entry.address == first
    await store.close()


async def test_the_red_list_is_never_found(new_shelf: Callable[[], DirectoryShelf]) -> None:
    shelf = new_shelf()
    loaded(shelf, extraction=extraction())
    directory, store = opened(shelf)
    hide = (ChangeMailbox(SERVICE, is_red=True),)
    changed = await directory.change(CALLER, Target(Holder.PLACE, CHU.identifier), hide)
    assert isinstance(changed, Place)
    assert SERVICE not in await found(directory, "cardiologie chu")
    assert await found(directory, SERVICE) == []
    seen = await directory.one(CALLER, Target(Holder.PLACE, CHU.identifier))
    assert [one.address for one in seen.mailboxes] == [GENERAL]
    await store.close()


async def test_a_script_gets_no_more_than_its_budget(shelf: DirectoryShelf) -> None:
    directory, store = opened(shelf, daily_entries=5)
    got = 0
    for words in ("dupont", "nantes", "medecin", "chu", "jean"):
        answer = await directory.search(CALLER, words)
        if isinstance(answer, Refusal):
            assert answer.kind is Kind.BUDGET_SPENT
            break
        got += len(answer.entries)
    assert got <= 5
    assert isinstance(await directory.search(CALLER, "dupont"), Refusal)
    for _ in range(15):
        assert isinstance(await directory.complete(CALLER, "du"), tuple)
    assert isinstance(await directory.complete(CALLER, "du"), Refusal)
    assert isinstance(await directory.search(Caller("other"), "dupont"), Ranked)
    await store.close()


async def test_a_directory_that_is_not_there_is_said(new_shelf: Callable[[], DirectoryShelf]) -> None:
    directory, store = opened(new_shelf())
    answer = await directory.search(CALLER, "dupont")
    assert isinstance(answer, Refusal)
    assert answer.kind is Kind.DIRECTORY_UNAVAILABLE
    await store.close()
