"""NOTIFY: what is told, of which folders, without asking; and what is not.

Source: RFC 5465 sections 3 to 6.
"""

from collections.abc import AsyncIterator

import pytest
from imap_talk import USER, ImapTalk, imap, put
from proofs import Stage, one_site

LETTER = b"From: a@x.fr\r\nSubject: Un\r\n\r\nBonjour\r\n"


@pytest.fixture
async def stage(tmp_path, pki) -> AsyncIterator[Stage]:
    async with one_site(tmp_path, pki) as made:
        yield made


@pytest.fixture
async def talk(stage: Stage) -> AsyncIterator[ImapTalk]:
    async with imap(stage, user=USER) as made:
        yield made


@pytest.fixture
async def other(stage: Stage) -> AsyncIterator[ImapTalk]:
    async with imap(stage, user=USER) as made:
        yield made


async def test_it_is_advertised_and_knows_its_events(talk: ImapTalk) -> None:
    assert b"NOTIFY" in (await talk.good("CAPABILITY"))[0].split()
    events = b"MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange ServerMetadataChange"
    for event in ("MailboxMetadataChange", "Inconnu"):
        refused = await talk.say(f"NOTIFY SET (PERSONAL ({event}))")
        assert refused[-1].startswith(b"NO [BADEVENT (%b)]" % events)
    assert (await talk.say("NOTIFY SET (PERSONAL (FlagChange))"))[-1].startswith(b"BAD")


async def test_a_new_message_of_the_open_folder_comes_with_what_was_asked_of_it(
    talk: ImapTalk, other: ImapTalk
) -> None:
    await talk.good("SELECT INBOX")
    await talk.good("NOTIFY SET (SELECTED (MessageNew (UID BODY[HEADER.FIELDS (SUBJECT)]) MessageExpunge FlagChange))")
    await put(other, "INBOX", LETTER)
    assert (await talk.line()) == b"* 1 EXISTS\r\n"
    assert (await talk.line()) == b"* 0 RECENT\r\n"
    subject = b"BODY[HEADER.FIELDS (SUBJECT)] {15}\r\nSubject: Un\r\n\r\n"
    assert (await talk.line()) == b"* 1 FETCH (UID 1 %b)\r\n" % subject
    await other.good("SELECT INBOX")
    # It was fetched without being read.
    assert b"\\Seen" not in (await other.good("FETCH 1 FLAGS"))[0]
    await other.good("STORE 1 +FLAGS (\\Flagged)")
    assert (await talk.line()) == b"* 1 FETCH (FLAGS (\\Flagged))\r\n"
    await other.good("STORE 1 +FLAGS (\\Deleted)")
    assert b"\\Deleted" in (await talk.line())
    await other.good("EXPUNGE")
    assert (await talk.line()) == b"* 1 EXPUNGE\r\n"


async def test_what_the_session_adds_itself_is_not_fetched(talk: ImapTalk) -> None:
    await talk.good("SELECT INBOX")
    await talk.good("NOTIFY SET (SELECTED (MessageNew (UID) MessageExpunge))")
    lines = await put(talk, "INBOX", LETTER)
    assert [line for line in lines if b"FETCH" in line] == []
    assert b"* 1 EXISTS\r\n" in lines
    copied = await talk.good("COPY 1 INBOX")
    assert b"* 2 EXISTS\r\n" in copied
    assert [line for line in copied if b"FETCH" in line] == []


async def test_delayed_holds_back_what_went_and_nothing_else(talk: ImapTalk, other: ImapTalk) -> None:
    for _ in range(2):
        await put(talk, "INBOX", LETTER)
    await talk.good("SELECT INBOX")
    await talk.good("NOTIFY SET (SELECTED-DELAYED (MessageNew MessageExpunge FlagChange))")
    await other.good("SELECT INBOX")
    await other.good("STORE 1 +FLAGS (\\Deleted)")
    assert b"* 1 FETCH" in (await talk.line())
    await other.good("EXPUNGE")
    await put(other, "INBOX", LETTER)
    # The message that went keeps its number until a command lets it go.
    assert (await talk.line()) == b"* 3 EXISTS\r\n"
    assert (await talk.line()) == b"* 0 RECENT\r\n"
    assert (await talk.good("FETCH 3 UID"))[0] == b"* 3 FETCH (UID 3)\r\n"
    assert (await talk.good("NOOP"))[0] == b"* 1 EXPUNGE\r\n"


@pytest.mark.parametrize(
    "command", ["NOTIFY NONE", "NOTIFY SET (SELECTED NONE)", "NOTIFY SET (PERSONAL (MailboxName))"]
)
async def test_a_client_that_wants_nothing_of_its_folder_keeps_its_picture(
    talk: ImapTalk, other: ImapTalk, command: str
) -> None:
    for _ in range(2):
        await put(talk, "INBOX", LETTER)
    await talk.good("SELECT INBOX")
    await talk.good(command)
    await put(other, "INBOX", LETTER)
    await other.good("SELECT INBOX")
    await other.good("STORE 1 +FLAGS (\\Flagged)")
    assert (await talk.good("NOOP"))[:-1] == []
    # What it does itself it is told of, all the same.
    assert b"\\Deleted" in (await talk.good("STORE 2 +FLAGS (\\Deleted)"))[-2]
    assert b"* 2 EXPUNGE\r\n" in await talk.good("EXPUNGE")


async def test_flags_of_others_are_told_to_who_asked_only(talk: ImapTalk, other: ImapTalk) -> None:
    await put(talk, "INBOX", LETTER)
    await talk.good("SELECT INBOX")
    await talk.good("NOTIFY SET (SELECTED (MessageNew MessageExpunge))")
    await other.good("SELECT INBOX")
    await other.good("STORE 1 +FLAGS (\\Flagged)")
    await put(other, "INBOX", LETTER)
    assert (await talk.line()) == b"* 2 EXISTS\r\n"


async def test_other_folders_are_told_by_their_counters(talk: ImapTalk, other: ImapTalk) -> None:
    await talk.good("CREATE Patients")
    await talk.good("CREATE Patients/2026")
    first = await talk.good(
        "NOTIFY SET STATUS (SUBTREE Patients (MessageNew MessageExpunge FlagChange)) (INBOXES (MessageNew MessageExpunge))"
    )
    told = sorted(line.split(b" (")[0] for line in first[:-1])
    assert told == [b'* STATUS "INBOX"', b'* STATUS "Patients"', b'* STATUS "Patients/2026"']
    patients = next(line for line in first if b'"Patients"' in line)
    assert b"(MESSAGES 0 UIDNEXT 1 UNSEEN 0 UIDVALIDITY " in patients
    assert b"HIGHESTMODSEQ" in patients
    await put(other, "Patients/2026", LETTER)
    assert (await talk.line()) == b'* STATUS "Patients/2026" (MESSAGES 1 UIDNEXT 2 UNSEEN 1)\r\n'
    await other.good("SELECT Patients/2026")
    await other.good("STORE 1 +FLAGS (\\Seen)")
    assert (await talk.line()) == b'* STATUS "Patients/2026" (UNSEEN 0)\r\n'
    # Nobody asked for the wastebasket.
    await put(other, "Corbeille", LETTER)
    await put(other, "INBOX", LETTER)
    assert (await talk.line()) == b'* STATUS "INBOX" (MESSAGES 1 UIDNEXT 2)\r\n'


async def test_with_modification_numbers_the_counters_hold_them(talk: ImapTalk, other: ImapTalk) -> None:
    await talk.good("ENABLE QRESYNC")
    await talk.good("NOTIFY SET (PERSONAL (MessageNew MessageExpunge FlagChange))")
    await put(other, "INBOX", LETTER)
    line = await talk.line()
    assert line.startswith(b'* STATUS "INBOX" (MESSAGES 1 UIDNEXT 2 UNSEEN 1 UIDVALIDITY ')
    assert b" HIGHESTMODSEQ " in line


async def test_the_open_folder_is_told_as_such_only(talk: ImapTalk, other: ImapTalk) -> None:
    await talk.good("SELECT INBOX")
    await talk.good(
        "NOTIFY SET (SELECTED (MessageNew MessageExpunge)) (PERSONAL (MessageNew MessageExpunge MailboxName))"
    )
    await put(other, "INBOX", LETTER)
    assert (await talk.line()) == b"* 1 EXISTS\r\n"
    assert (await talk.line()) == b"* 0 RECENT\r\n"
    await other.good("CREATE Ensuite")
    assert (await talk.line()) == b'* LIST (\\HasNoChildren) "/" "Ensuite"\r\n'


async def test_names_are_told_when_they_come_go_and_change(talk: ImapTalk, other: ImapTalk) -> None:
    await talk.good("NOTIFY SET (PERSONAL (MailboxName))")
    await other.good("CREATE Patients/2026")
    assert (await talk.line()) == b'* LIST (\\NonExistent \\HasChildren) "/" "Patients"\r\n'
    assert (await talk.line()) == b'* LIST (\\HasNoChildren) "/" "Patients/2026"\r\n'
    await other.good("CREATE Patients")
    assert (await talk.line()) == b'* LIST (\\HasChildren) "/" "Patients"\r\n'
    # Those below go along and are not told.
    await other.good("RENAME Patients Dossiers")
    assert (await talk.line()) == b'* LIST (\\HasChildren) "/" "Dossiers" ("OLDNAME" ("Patients"))\r\n'
    await other.good("DELETE Dossiers/2026")
    assert (await talk.line()) == b'* LIST (\\HasNoChildren) "/" "Dossiers"\r\n'
    assert (await talk.line()) == b'* LIST (\\NonExistent \\HasNoChildren) "/" "Dossiers/2026"\r\n'


async def test_who_changes_a_name_is_not_told_of_it(talk: ImapTalk) -> None:
    await talk.good("NOTIFY SET (PERSONAL (MailboxName SubscriptionChange))")
    for command in (
        "CREATE Patients/2026",
        "SUBSCRIBE Patients/2026",
        "RENAME Patients/2026 Dossiers/2026",
        "UNSUBSCRIBE Patients/2026",
        "DELETE Dossiers/2026",
        "NOOP",
        "IDLE",
    ):
        if command == "IDLE":
            await talk.raw(b"i IDLE\r\n")
            assert (await talk.line()).startswith(b"+ ")
            await talk.raw(b"DONE\r\n")
            assert (await talk.line()).startswith(b"i OK")
        else:
            assert [line for line in await talk.good(command) if line.startswith(b"* LIST")] == []


async def test_subscriptions_are_told(talk: ImapTalk, other: ImapTalk) -> None:
    await talk.good("CREATE Patients")
    await talk.good("NOTIFY SET (MAILBOXES Patients (SubscriptionChange))")
    await other.good("SUBSCRIBE Patients")
    assert (await talk.line()) == b'* LIST (\\HasNoChildren \\Subscribed) "/" "Patients"\r\n'
    await other.good("UNSUBSCRIBE Patients")
    assert (await talk.line()) == b'* LIST (\\HasNoChildren) "/" "Patients"\r\n'


async def test_notes_on_the_server_are_told_by_their_entries(talk: ImapTalk, other: ImapTalk) -> None:
    await talk.good("NOTIFY SET (PERSONAL (ServerMetadataChange))")
    await talk.good('SETMETADATA "" (/private/mienne "oui")')
    await other.good('SETMETADATA "" (/private/comment "oui")')
    assert (await talk.line()) == b'* METADATA "" /private/comment\r\n'
    await other.good('SETMETADATA "" (/private/comment NIL)')
    assert (await talk.line()) == b'* METADATA "" /private/comment\r\n'


async def test_idle_tells_the_same(talk: ImapTalk, other: ImapTalk) -> None:
    await talk.good("SELECT INBOX")
    await talk.good("NOTIFY SET (SELECTED-DELAYED (MessageNew MessageExpunge)) (PERSONAL (MailboxName))")
    await talk.raw(b"i IDLE\r\n")
    await talk.until(b"+ ")
    await put(other, "INBOX", LETTER)
    assert (await talk.line()) == b"* 1 EXISTS\r\n"
    assert (await talk.line()) == b"* 0 RECENT\r\n"
    await other.good("CREATE Ensuite")
    assert b'"Ensuite"' in (await talk.line())
    await talk.raw(b"DONE\r\n")
    assert (await talk.line()).startswith(b"i OK")
    await other.good("DELETE Ensuite")
    assert (await talk.line()) == b'* LIST (\\NonExistent \\HasNoChildren) "/" "Ensuite"\r\n'


async def test_what_a_command_holds_back_is_told_behind_it(talk: ImapTalk, other: ImapTalk) -> None:
    for _ in range(2):
        await put(talk, "INBOX", LETTER)
    await talk.good("SELECT INBOX")
    await talk.good("NOTIFY SET (SELECTED (MessageNew MessageExpunge))")
    await other.good("SELECT INBOX")
    await other.good("STORE 1 +FLAGS (\\Deleted)")
    await other.good("EXPUNGE")
    assert (await talk.line()) == b"* 1 EXPUNGE\r\n"
    assert (await talk.good("FETCH 1 UID"))[0] == b"* 1 FETCH (UID 2)\r\n"


async def test_unauthenticate_ends_it(talk: ImapTalk, other: ImapTalk) -> None:
    await talk.good("NOTIFY SET (PERSONAL (MailboxName))")
    await talk.good("UNAUTHENTICATE")
    await other.good("CREATE Patients")
    assert (await talk.good("NOOP"))[:-1] == []
