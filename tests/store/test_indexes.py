"""The index of words: every engine finds the same, within one mailbox, and forgets what went."""

import asyncio
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_world import ALICE, BOB, NOW, mailbox, message

from mssante.model.address import parse_address
from mssante.model.mailbox import MailboxId, Role
from mssante.model.message import MessageId
from mssante.store import folders, indexes, mailboxes, messages
from mssante.store.engine import Store
from mssante.store.postgres.words import fold
from mssante.store.tx import Tx

INDEX = {
    "envelope": b"e",
    "bodystructure": b"s",
    "body": b"b",
    "parts": b"p",
    "sent_at": None,
    "sent_day": 739_000,
    "base_subject": "",
    "is_answer": 0,
    "from_key": "",
    "to_key": "",
    "cc_key": "",
    "internet_id": "",
    "answers": "",
    "cached_header": None,
    "preview": "",
}
NUMBERS = count()


async def _letter(tx: Tx, boxes: list[MailboxId], header: str, text: str) -> MessageId:
    kept = await message(tx, f"r{next(NUMBERS)}")
    for box in boxes:
        await messages.file_message(tx, message=kept, mailbox_id=box, role=Role.INBOX, prefix=b"", now=NOW)
    await indexes.add_index(tx, kept, INDEX, header, text)
    return kept


async def test_finds_words_begun_or_whole_without_case_and_accents_in_one_mailbox_only(store: Store) -> None:
    async def work(tx: Tx) -> None:
        ours, theirs = (await mailbox(tx)).mailbox_id, (await mailbox(tx, BOB)).mailbox_id
        first = await _letter(tx, [ours], "Hospitalisation de l'été", "Cardiologie : œdème, déjà vu ; n°12_b")
        second = await _letter(tx, [ours, theirs], "Compte rendu", "le patient est vu en cardiologie pédiatrique")
        await _letter(tx, [theirs], "Cardiologie", "cardiologie")

        async def found(text: str, *, body_only: bool = False) -> set[int]:
            return set(await indexes.search_text(tx, ours, text, body_only=body_only))

        assert await found("CARDIO") == {first, second}
        assert await found("ete") == await found("ÉTÉ") == {first}
        assert await found("ete", body_only=True) == set()
        assert await found("cardiologie ped") == {second}
        assert await found("pediatrique cardiologie") == set()
        assert await found("ardiologie") == set()
        assert await found("12 b") == {first}
        assert await found("n° (12)") == {first}
        assert await found("rendu le") == set()
        assert await found("deja vu") == {first}
        for nothing in ("", " ", '"', "*", "' & '", "\0", "x:*"):
            assert await found(nothing) == set(), nothing

    await store.write(work)


async def test_forgets_the_words_with_the_last_place_of_the_message_in_the_mailbox(store: Store) -> None:
    async def work(tx: Tx) -> None:
        ours, theirs = (await mailbox(tx)).mailbox_id, (await mailbox(tx, BOB)).mailbox_id
        kept = await _letter(tx, [ours, ours, theirs], "Objet", "mot")
        inbox = await mailboxes.folder_by_role(tx, ours, Role.INBOX)
        for uid, left in ((1, {kept}), (2, set())):
            await folders.remove_many(tx, inbox.folder_id, [uid])
            assert set(await indexes.search_text(tx, ours, "mot", body_only=True)) == left
        assert set(await indexes.search_text(tx, theirs, "mot", body_only=True)) == {kept}
        away = await mailboxes.folder_by_role(tx, theirs, Role.INBOX)
        await folders.remove_many(tx, away.folder_id, [1])
        assert await indexes.search_text(tx, theirs, "mot", body_only=False) == frozenset()
        assert await indexes.unindexed_anywhere(tx, after=0, limit=9) == []

    await store.write(work)


WORDS = st.sampled_from(
    ["le", "LE", "l'été", "ete", "cœur", "vu-e", "x", "ab", "abc", "12", "-", "é", "Ça", "a_b", "mg"]
)
TEXTS = st.lists(WORDS, max_size=7).map(" ".join)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=TEXTS, text=TEXTS, wanted=st.one_of(TEXTS, st.text(max_size=4)), body_only=st.booleans())
async def test_finds_what_stands_in_the_folded_text(
    store: Store, header: str, text: str, wanted: str, *, body_only: bool
) -> None:
    address = parse_address(f"box{next(NUMBERS)}@chu.mssante.fr")

    async def work(tx: Tx) -> tuple[MessageId, frozenset[int]]:
        box = (await mailbox(tx, address)).mailbox_id
        kept = await _letter(tx, [box], header, text)
        return kept, await indexes.search_text(tx, box, wanted, body_only=body_only)

    kept, found = await store.write(work)
    piece = fold(wanted).rstrip()
    places = [fold(text)] if body_only else [fold(text), fold(header)]
    assert found == ({kept} if piece and any(piece in place for place in places) else frozenset())


async def test_a_long_text_with_words_of_any_length_is_found_to_its_end(store: Store) -> None:
    many = " ".join(f"mot{number} de la" for number in range(20_000))
    long = "z" * 5000

    async def work(tx: Tx) -> None:
        box = (await mailbox(tx, ALICE)).mailbox_id
        kept = await _letter(tx, [box], "", f"{many} {long}a fin {many}")
        for text in ("mot19999 de la", f"{long}a fin", f"{long}", "de la mot19"):
            assert await indexes.search_text(tx, box, text, body_only=True) == {kept}, text[:20]
        assert await indexes.search_text(tx, box, f"{long}b", body_only=True) == frozenset()

    await asyncio.wait_for(store.write(work), 30)
