"""Each command group over a real socket: the answers of the standards, and what is refused.

Source: RFC 9051 section 6 and the extensions that the door advertises.
"""

from collections.abc import AsyncIterator

import pytest
from imap_talk import USER, ImapTalk, imap, put
from proofs import HERE, Stage, one_site
from world import new_world

from mssante.doors.imap.refusals import CODES, refused
from mssante.model.decision import Kind, Refusal

LETTER = b"From: a@x.fr\r\nSubject: Un\r\n\r\nBonjour\r\n"
MIXED = (
    b"From: a@x.fr\r\nSubject: Deux\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nVoici\r\n--b\r\nContent-Type: application/pdf\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b--\r\n"
)


@pytest.fixture
async def stage(tmp_path, pki) -> AsyncIterator[Stage]:
    async with one_site(tmp_path, pki) as made:
        yield made


@pytest.fixture
async def talk(stage: Stage) -> AsyncIterator[ImapTalk]:
    async with imap(stage, user=USER) as made:
        yield made


async def test_folders_are_made_renamed_subscribed_and_removed(talk: ImapTalk) -> None:
    made = await talk.good("CREATE Patients/2026/")
    assert made[-1].startswith(b"OK [MAILBOXID (F")
    assert (await talk.say("CREATE Patients/2026"))[-1].startswith(b"NO [ALREADYEXISTS]")
    listed = (await talk.good('LIST "" Patients*'))[:-1]
    assert sorted(listed) == [
        b'* LIST (\\HasNoChildren) "/" "Patients/2026"\r\n',
        b'* LIST (\\Noselect \\HasChildren) "/" "Patients"\r\n',
    ]
    await talk.good("RENAME Patients/2026 Dossiers")
    await talk.good("SUBSCRIBE Dossiers")
    assert (await talk.good('LSUB "" Dos*'))[0] == b'* LSUB (\\HasNoChildren) "/" "Dossiers"\r\n'
    assert b"\\Subscribed" in (await talk.good('LIST (SUBSCRIBED) "" Dos*'))[0]
    await talk.good("UNSUBSCRIBE Dossiers")
    assert len(await talk.good('LSUB "" Dos*')) == 1
    await talk.good("DELETE Dossiers")
    assert (await talk.say("DELETE Dossiers"))[-1].startswith(b"NO [NONEXISTENT]")
    assert (await talk.say("SELECT Dossiers"))[-1].startswith(b"NO [NONEXISTENT]")


async def test_a_subscription_outlives_its_folder(talk: ImapTalk) -> None:
    for name in ("Patients/2026", "Dossiers"):
        await talk.good(f"CREATE {name}")
        await talk.good(f"SUBSCRIBE {name}")
        await talk.good(f"DELETE {name}")
    gone = [b'* LIST (\\NonExistent \\HasNoChildren \\Subscribed) "/" "Dossiers"\r\n']
    assert (await talk.good('LIST (SUBSCRIBED) "" D*'))[:-1] == gone
    assert (await talk.good('LSUB "" D*'))[:-1] == [b'* LSUB (\\HasNoChildren) "/" "Dossiers"\r\n']
    assert (await talk.good('LIST "" D* RETURN (SUBSCRIBED)'))[:-1] == []
    above = [b'* LIST (\\NonExistent \\HasNoChildren) "/" "Patients" ("CHILDINFO" ("SUBSCRIBED"))\r\n']
    assert (await talk.good('LIST (SUBSCRIBED RECURSIVEMATCH) "" P%'))[:-1] == above
    assert (await talk.good('LSUB "" P%'))[:-1] == [b'* LSUB (\\Noselect \\HasNoChildren) "/" "Patients"\r\n']
    await talk.good("UNSUBSCRIBE Dossiers")
    assert (await talk.good('LIST (SUBSCRIBED) "" D*'))[:-1] == []


# The names of RFC 5258, section 5, example 9.
TREE = ("foo2", "foo2/bar1", "foo2/bar2", "baz2", "baz2/bar2", "baz2/bar22", "baz2/bar222", "eps2", "eps2/mamba", "qux2/bar2")  # fmt: skip


async def test_what_is_below_is_told_when_it_does_not_stand_in_the_list_itself(talk: ImapTalk) -> None:
    for name in TREE:
        await talk.good(f"CREATE {name}")
        if name not in {"foo2", "baz2"}:
            await talk.good(f"SUBSCRIBE {name}")
    found = (await talk.good('LIST (RECURSIVEMATCH SUBSCRIBED) "" *2'))[:-1]
    told = [(b"\\Subscribed" in line, line.split(b'"')[3].decode(), b"CHILDINFO" in line) for line in sorted(found)]
    assert sorted(told) == [
        (False, "foo2", True),
        (True, "baz2/bar2", False),
        (True, "baz2/bar22", False),
        (True, "baz2/bar222", False),
        (True, "eps2", True),
        (True, "foo2/bar2", False),
        (True, "qux2/bar2", False),
    ]


async def test_what_an_expunge_would_give_back_is_told_in_bytes(talk: ImapTalk) -> None:
    for size in (100, 1000):
        await put(talk, "INBOX", b"x" * size)
    await talk.good("SELECT INBOX")
    await talk.good("STORE 2 +FLAGS (\\Deleted)")
    found = await talk.good("STATUS INBOX (DELETED DELETED-STORAGE SIZE)")
    assert found[0] == b'* STATUS "INBOX" (DELETED 1 DELETED-STORAGE 1000 SIZE 1100)\r\n'


async def test_the_list_gives_status_rights_and_special_uses_in_one_go(talk: ImapTalk) -> None:
    found = await talk.good('LIST (SPECIAL-USE) "" * RETURN (STATUS (MESSAGES) MYRIGHTS)')
    assert any(line.startswith(b"* LIST") and b"\\Trash" in line for line in found)
    assert sum(line.startswith(b"* STATUS") for line in found) == 4
    assert sum(line.startswith(b"* MYRIGHTS") for line in found) == 4
    assert (await talk.good('LIST "" ""'))[0] == b'* LIST (\\Noselect) "/" ""\r\n'
    assert (await talk.good("NAMESPACE"))[0] == b'* NAMESPACE (("" "/")) (("Autres bo&AO4-tes/" "/")) NIL\r\n'


async def test_a_program_makes_its_archive_once_and_may_remove_it(talk: ImapTalk) -> None:
    await talk.good("CREATE Archives (USE (\\archive))")
    assert (await talk.good('LIST (SPECIAL-USE) "" A*'))[:-1] == [
        b'* LIST (\\HasNoChildren \\Archive) "/" "Archives"\r\n'
    ]
    for taken in ("Archive", "Trash"):
        assert (await talk.say(f"CREATE Autres (USE (\\{taken}))"))[-1].startswith(b"NO [USEATTR]")
    await talk.good("RENAME Archives Anciens")
    await talk.good("DELETE Anciens")
    await talk.good("CREATE Archives (USE (\\Archive))")


async def test_names_are_utf_8_once_the_client_says_that_it_reads_them(talk: ImapTalk) -> None:
    assert (await talk.good("ENABLE UTF8=ACCEPT"))[0] == b"* ENABLED UTF8=ACCEPT\r\n"
    assert any("Envoyés".encode() in line for line in await talk.good('LIST "" *'))
    assert (await talk.good('SELECT "Envoyés"'))[-1].startswith(b"OK [READ-WRITE]")


async def test_parts_are_read_decoded_and_measured(talk: ImapTalk) -> None:
    await put(talk, "INBOX", MIXED)
    await talk.good("SELECT INBOX")
    found = await talk.good("FETCH 1 (BODY.PEEK[1] BODY.PEEK[2.MIME] BINARY.PEEK[2] BINARY.SIZE[2] BODY.PEEK[3])")
    line = found[0]
    assert b"BODY[1] {5}\r\nVoici" in line
    assert b"BINARY[2] ~{3}\r\n\x00\x01\x02" in line
    assert b"BINARY.SIZE[2] 3" in line
    assert b"application/pdf" in line
    assert line.endswith(b"BODY[3] NIL)\r\n")


async def test_a_number_that_is_not_there_is_bad_a_uid_is_nothing(talk: ImapTalk) -> None:
    await talk.good("SELECT INBOX")
    assert (await talk.say("FETCH 1 FLAGS"))[-1].startswith(b"BAD")
    assert await talk.good("UID FETCH 1 FLAGS") == [b"OK Done\r\n"]


async def test_several_messages_are_added_all_or_none(talk: ImapTalk) -> None:
    size = len(LETTER)
    two = b"APPEND INBOX {%d+}\r\n%b (\\Seen) {%d+}\r\n%b" % (size, LETTER, size, LETTER)
    assert b" 1:2] Added" in (await talk.good(two))[-1]
    await talk.good("SELECT INBOX")
    refused_ = await talk.say(b"APPEND INBOX {%d+}\r\n%b (\\Faux) {%d+}\r\n%b" % (size, LETTER, size, LETTER))
    assert refused_[-1].startswith(b"NO")
    assert (await talk.good("STATUS INBOX (MESSAGES)"))[0].endswith(b"(MESSAGES 2)\r\n")


async def test_a_synchronising_literal_is_asked_for(talk: ImapTalk) -> None:
    await talk.raw(b"a APPEND INBOX {%d}\r\n" % len(LETTER))
    assert (await talk.line()).startswith(b"+ ")
    await talk.raw(LETTER + b"\r\n")
    assert (await talk.until(b"a "))[-1].startswith(b"a OK [APPENDUID ")


async def test_a_message_is_replaced_in_one_step(talk: ImapTalk) -> None:
    await put(talk, "INBOX", LETTER)
    await talk.good("SELECT INBOX")
    done = await talk.good(b"UID REPLACE 1 INBOX {%d+}\r\n%b" % (len(MIXED), MIXED))
    assert b"[APPENDUID " in done[-1]
    assert b"* 1 EXPUNGE\r\n" in done
    assert (await talk.good("UID SEARCH ALL"))[0] == b"* SEARCH 2\r\n"


async def test_silent_changes_are_told_to_the_others_only(stage: Stage, talk: ImapTalk) -> None:
    await put(talk, "INBOX", LETTER)
    await talk.good("SELECT INBOX")
    async with imap(stage, user=USER) as other:
        await other.good("SELECT INBOX")
        assert len(await talk.good("STORE 1 +FLAGS.SILENT (\\Flagged)")) == 1
        assert b"FLAGS (\\Flagged)" in (await other.good("NOOP"))[0]


async def test_what_is_expunged_elsewhere_is_told_when_numbers_may_move(stage: Stage, talk: ImapTalk) -> None:
    await put(talk, "INBOX", LETTER)
    await put(talk, "INBOX", LETTER)
    await talk.good("SELECT INBOX")
    async with imap(stage, user=USER) as other:
        await other.good("SELECT INBOX")
        await other.good("STORE 1 +FLAGS.SILENT (\\Deleted)")
        assert b"* 1 EXPUNGE\r\n" in await other.good("EXPUNGE")
    assert b"* 1 EXPUNGE\r\n" not in await talk.good("FETCH 2 FLAGS")
    assert b"* 1 EXPUNGE\r\n" in await talk.good("NOOP")


async def test_changes_are_made_only_if_nothing_changed_since(talk: ImapTalk) -> None:
    await put(talk, "INBOX", LETTER)
    await talk.good("SELECT INBOX (CONDSTORE)")
    await talk.good("STORE 1 +FLAGS (\\Seen)")
    failed = await talk.good("STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Flagged)")
    assert failed[-1].startswith(b"OK [MODIFIED 1]")
    assert b"MODSEQ (" in (await talk.good("FETCH 1 (FLAGS) (CHANGEDSINCE 1)"))[0]


async def test_a_client_that_comes_back_hears_what_it_missed(talk: ImapTalk) -> None:
    for _ in range(3):
        await put(talk, "INBOX", LETTER)
    await talk.good("ENABLE QRESYNC")
    opened = await talk.good("SELECT INBOX")
    facts = b"".join(opened)
    validity = facts.split(b"UIDVALIDITY ")[1].split(b"]")[0]
    modseq = facts.split(b"HIGHESTMODSEQ ")[1].split(b"]")[0]
    await talk.good("STORE 2 +FLAGS (\\Deleted)")
    assert b"* VANISHED 2\r\n" in await talk.good("EXPUNGE")
    await talk.good("STORE 1 +FLAGS (\\Answered)")
    missed = await talk.good(b"SELECT INBOX (QRESYNC (%b %b))" % (validity, modseq))
    assert b"* VANISHED (EARLIER) 2\r\n" in missed
    assert any(b"UID 1 FLAGS (\\Answered)" in line for line in missed)
    assert any(b"[CLOSED]" in line for line in missed)


async def test_results_are_saved_for_the_next_command(talk: ImapTalk) -> None:
    await put(talk, "INBOX", LETTER)
    await put(talk, "INBOX", LETTER, "\\Seen")
    await talk.good("SELECT INBOX")
    assert await talk.good("SEARCH RETURN (SAVE) SEEN") == [b"OK Done\r\n"]
    assert (await talk.good("UID FETCH $ FLAGS"))[0].startswith(b"* 2 FETCH (UID 2")
    found = await talk.good("SEARCH RETURN (MIN MAX COUNT ALL) ALL")
    assert found[0].endswith(b"MIN 1 MAX 2 ALL 1:2 COUNT 2\r\n")


async def test_rights_quota_and_notes(talk: ImapTalk) -> None:
    assert b"lrswipkxtea" in (await talk.good("MYRIGHTS INBOX"))[0]
    assert (await talk.good("GETACL INBOX"))[0].startswith(b"* ACL ")
    assert (await talk.good(f"LISTRIGHTS INBOX {USER}"))[0].startswith(b"* LISTRIGHTS ")
    await talk.good("CREATE Commun")
    await talk.good(f"SETACL Commun {USER} lrd")
    # Older programs look for the letters c and d, which stand for several.
    assert (await talk.good("MYRIGHTS Commun"))[0] == b'* MYRIGHTS "Commun" "lrswipkxteacd"\r\n'
    assert (await talk.good("GETACL Commun"))[0].endswith(f" {USER} lrted\r\n".encode())
    may = (await talk.good(f"LISTRIGHTS Commun dr.autre@{HERE}"))[0]
    assert may.endswith(b' "" l r s w i p k x t e a c d\r\n')
    always = (await talk.good(f"LISTRIGHTS Commun {USER}"))[0]
    assert always.endswith(b' "lrswipkxteacd"\r\n')
    assert (await talk.say(f"SETACL Commun {USER} lrq"))[-1].startswith(b"BAD")
    assert b"STORAGE" in b"".join(await talk.good("GETQUOTAROOT INBOX"))
    assert (await talk.say(f"SETQUOTA {USER} (STORAGE 1)"))[-1].startswith(b"NO [NOPERM]")
    await talk.good('SETMETADATA "" (/private/vendor/essai "oui")')
    noted = await talk.good('GETMETADATA "" /private/vendor/essai')
    assert noted[0] == b'* METADATA "" (/private/vendor/essai "oui")\r\n', noted


OTHER = f"dr.autre@{HERE}"
ELSEWHERE = f"Autres bo&AO4-tes/{OTHER}/INBOX"
VERBS = [
    "SELECT {0}",
    "EXAMINE {0}",
    "STATUS {0} (MESSAGES)",
    "DELETE {0}",
    "RENAME {0} x",
    "SUBSCRIBE {0}",
    "MYRIGHTS {0}",
    "GETACL {0}",
    "SETACL {0} x lr",
    "LISTRIGHTS {0} x",
    "GETQUOTAROOT {0}",
    "COPY 1 {0}",
    "MOVE 1 {0}",
    "APPEND {0} {{3+}}\r\nabc",
]


async def test_somebody_else_s_box_answers_as_one_that_does_not_exist(tmp_path, pki) -> None:
    world = new_world(tmp_path, pki.pki, pki.keys, pki.now)
    world.bind(HERE, pki.operator)
    async with world.site("chu", pki.operator, (HERE,), (USER, OTHER)) as site:
        stage = Stage(world, site, world.client_context(None), pki.operator)
        async with imap(stage, user=OTHER) as owner, imap(stage, user=USER) as talk:
            await put(owner, "INBOX", LETTER)
            await put(talk, "INBOX", LETTER)
            await talk.good("SELECT INBOX")
            assert not [line for line in await talk.good('LIST "" *') if b"dr.autre" in line]
            assert (await talk.say(f"GETQUOTA {OTHER}"))[-1].startswith(b"NO [NONEXISTENT]")
            for verb in VERBS:
                there = await talk.say(verb.format(f'"{ELSEWHERE}"'))
                nowhere = await talk.say(verb.format(f'"{ELSEWHERE.replace("autre@", "personne@")}"'))
                assert there[-1].startswith(b"NO ["), (verb, there)
                assert there == nowhere, verb
                if verb.startswith(("SELECT", "EXAMINE")):
                    await talk.good("SELECT INBOX")
            assert (await owner.good("STATUS INBOX (MESSAGES)"))[0].endswith(b"(MESSAGES 1)\r\n")


async def test_what_is_advertised_is_known(talk: ImapTalk) -> None:
    words = (await talk.good("CAPABILITY"))[0].split()
    assert b"NOTIFY" in words
    assert (await talk.say("NOTIFY NONE"))[-1].startswith(b"OK")
    assert {b"IMAP4rev1", b"IMAP4rev2", b"COMPRESS=DEFLATE", b"CREATE-SPECIAL-USE"} <= set(words)
    assert (await talk.say("CREATE Archives (USE (\\Inconnu))"))[-1].startswith(b"NO [USEATTR]")


@pytest.mark.parametrize("kind", list(Kind))
def test_every_reason_has_its_code(kind: Kind) -> None:
    assert kind in CODES
    answer = refused(Refusal(kind, "r", "Said"))
    assert (answer.status, answer.text) == ("NO", "Said")
    assert answer.code


async def test_messages_that_go_while_they_are_read_are_left_out_and_the_others_come(
    stage: Stage, talk: ImapTalk
) -> None:
    for _ in range(3):
        await put(talk, "INBOX", LETTER)
    await talk.good("SELECT INBOX")
    async with imap(stage, user=USER) as other:
        await other.good("SELECT INBOX")
        await other.good("STORE 2 +FLAGS.SILENT (\\Deleted)")
        await other.good("EXPUNGE")
    found = await talk.good("FETCH 1:3 (UID BODY.PEEK[])")
    assert [line[:20] for line in found if b"BODY[]" in line] == [b"* 1 FETCH (UID 1 BOD", b"* 3 FETCH (UID 3 BOD"]
    assert b"* 2 EXPUNGE\r\n" in await talk.good("NOOP")
