"""Messages added to a folder: together or not at all, within the bounds, with the rights."""

from dataclasses import replace
from datetime import UTC, datetime

from library import ORG, Library, refused
from standins import ANNE, letter

from mssante.flows.folders.append import MESSAGES_MAX, Appending
from mssante.flows.folders.content import Content
from mssante.flows.folders.values import Appended
from mssante.model.folder import FolderStatus
from mssante.store import mailboxes

DATE = datetime(2020, 2, 29, 12, 0, tzinfo=UTC)


async def begin(library: Library, name: str = "INBOX") -> Appending:
    found = await (await library.reader()).begin_append(name)
    assert isinstance(found, Appending)
    return found


async def put(appending: Appending, data: bytes, *flags: str) -> str:
    refusal = appending.start(flags, DATE, len(data))
    if refusal is None:
        for place in range(0, len(data), 7):
            waiting = appending.data(data[place : place + 7])
            if waiting is not None:
                await waiting
        refusal = await appending.end()
    return refused(refusal)


async def count(library: Library, name: str = "INBOX") -> int:
    status = await (await library.reader()).status(name)
    assert isinstance(status, FolderStatus)
    return status.messages


async def test_keeps_every_byte_the_flags_and_the_date(library: Library) -> None:
    appending = await begin(library)
    data = b"Subject: x\r\n\r\n\0bin\xff" + b"z" * 300_000
    assert await put(appending, data, "\\seen", "\\Recent", "Suivi") == ""
    assert await appending.commit() == Appended((await library.open()).snapshot.uid_validity, (1,))
    opened = await library.open()
    assert set(opened.flags_of(1).split()) == {"\\Seen", "Suivi"}
    content = await opened.content(1)
    assert isinstance(content, Content)
    assert await content.whole() == data
    rows = [row async for batch in opened.rows([1], whole=False) for row in batch]
    assert rows[0].internal_at == DATE.timestamp() * 1e6


async def test_nothing_is_there_before_the_commit_and_everything_after(library: Library) -> None:
    appending = await begin(library)
    assert await put(appending, letter("un")) == ""
    assert await put(appending, letter("deux")) == ""
    assert await count(library) == 0
    done = await appending.commit()
    assert isinstance(done, Appended)
    assert done.uids == (1, 2)
    assert await count(library) == 2


async def test_given_up_it_leaves_nothing(library: Library) -> None:
    appending = await begin(library)
    assert await put(appending, letter("un")) == ""
    assert appending.start((), None, 10) is None
    appending.abort()
    assert await count(library) == 0


async def test_when_one_does_not_fit_none_is_kept(library: Library) -> None:
    box = await library.office.mailbox(ANNE)
    appending = await begin(library)
    assert await put(appending, letter("un" * 200)) == ""
    assert await put(appending, letter("deux" * 100)) == ""
    await library.office.store.write(lambda tx: mailboxes.set_quota(tx, box.mailbox_id, 500))
    assert refused(await appending.commit()) == "mailbox-full"
    assert await count(library) == 0
    assert await put(await begin(library), b"x" * 501) == "mailbox-full"


async def test_refuses_what_is_too_big_too_many_or_not_a_flag(library: Library) -> None:
    appending = await begin(library)
    assert refused(appending.start((), None, 26 * 1024 * 1024)) == "message-too-big"
    assert refused(appending.start(("\\Nouveau",), None, 10)) == "parameter-unknown"
    assert refused(appending.start(("a b",), None, 10)) == "parameter-unknown"
    assert refused(appending.start(("x" * 51,), None, 10)) == "parameter-unknown"
    for _ in range(MESSAGES_MAX):
        assert await put(appending, b"Subject: x\r\n\r\n") == ""
    assert await put(appending, b"x") == "too-many-folders"


async def test_a_full_disk_refuses_before_any_byte(library: Library) -> None:
    library.office.room._free = 0
    library.office.room._settings = replace(library.office.storing, free_bytes=10**6)
    assert refused((await begin(library)).start((), None, 10)) == "store-full"


async def test_replace_is_one_step(library: Library) -> None:
    await library.add(letter("un"))
    opened = await library.open()
    reader = await library.reader()
    appending = await reader.begin_append("Brouillons", replaces=(opened, 1))
    assert isinstance(appending, Appending)
    assert await put(appending, letter("mieux")) == ""
    assert isinstance(await appending.commit(), Appended)
    assert (await count(library), await count(library, "Brouillons")) == (0, 1)
    again = await reader.begin_append("Brouillons", replaces=(opened, 1))
    assert isinstance(again, Appending)
    assert await put(again, letter("perdu")) == ""
    assert refused(await again.commit()) == "sequence"
    assert await count(library, "Brouillons") == 1


async def test_a_shared_box_keeps_a_trace_of_who_added(library: Library) -> None:
    await library.add(letter("secret"), name=f"Autres boîtes/{ORG}/INBOX")
    events = await library.office.events("message.added")
    assert [(event.actor, event.subject, event.facts["messages"]) for event in events] == [(ANNE, ORG, 1)]
