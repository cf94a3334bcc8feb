"""What a mail program does every day, over real sockets: sign in, list, open, read, mark, look for, file, wait.

Source: RFC 9051 section 6.
"""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from imap_talk import USER, imap, put
from proofs import Stage, one_site

LETTER = (
    b"From: Paul <a@x.fr>\r\nTo: b@y.fr\r\nSubject: Compte rendu\r\nDate: Mon, 1 Jun 2026 10:00:00 +0200\r\n"
    b"Message-ID: <1@x.fr>\r\n\r\nBonjour le monde\r\n"
)


@pytest.fixture
async def stage(tmp_path, pki) -> AsyncIterator[Stage]:
    async with one_site(tmp_path, pki) as made:
        yield made


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "byte by byte"])
async def test_a_day_of_a_mail_program(stage: Stage, bytewise: bool) -> None:
    async with imap(stage, user=USER) as talk:
        listed = await talk.good('LIST "" *', bytewise=bytewise)
        assert any(b'"Envoy&AOk-s"' in line and b"\\Sent" in line for line in listed), listed
        answer = await put(talk, "INBOX", LETTER, "\\Flagged")
        assert b"[APPENDUID " in answer[-1]
        opened = await talk.good("SELECT INBOX", bytewise=bytewise)
        assert b"* 1 EXISTS\r\n" in opened
        assert opened[-1].startswith(b"OK [READ-WRITE]")
        fetched = await talk.good("FETCH 1 (UID FLAGS RFC822.SIZE ENVELOPE BODYSTRUCTURE)", bytewise=bytewise)
        assert b'"Compte rendu"' in fetched[0], fetched
        assert b"FLAGS (\\Flagged)" in fetched[0], fetched
        assert b"RFC822.SIZE %d" % len(LETTER) in fetched[0]
        whole = await talk.good("FETCH 1 BODY[]", bytewise=bytewise)
        assert LETTER in b"".join(whole)
        assert b"\\Seen" in b"".join(whole)
        text = await talk.good("FETCH 1 (BODY.PEEK[TEXT]<3.4> BODY.PEEK[HEADER.FIELDS (SUBJECT)])", bytewise=bytewise)
        assert b"BODY[TEXT]<3> {4}\r\njour" in text[0], text
        assert b"Subject: Compte rendu\r\n\r\n" in text[0], text
        stored = await talk.good("STORE 1 +FLAGS (\\Answered perso)", bytewise=bytewise)
        assert b"\\Answered" in stored[0]
        assert b"perso" in stored[0]
        assert (await talk.good("SEARCH ANSWERED TEXT monde", bytewise=bytewise))[0] == b"* SEARCH 1\r\n"
        assert (await talk.good("UID SEARCH RETURN (COUNT) UNSEEN", bytewise=bytewise))[0].endswith(b"COUNT 0\r\n")
        assert (await talk.good("SORT (SUBJECT) UTF-8 ALL", bytewise=bytewise))[0] == b"* SORT 1\r\n"
        assert (await talk.good("THREAD REFERENCES UTF-8 ALL", bytewise=bytewise))[0] == b"* THREAD (1)\r\n"
        copied = await talk.good("COPY 1 Corbeille", bytewise=bytewise)
        assert b"[COPYUID " in copied[-1]
        moved = await talk.good("MOVE 1 Brouillons", bytewise=bytewise)
        assert b"* 1 EXPUNGE\r\n" in moved
        assert (await talk.good("STATUS Brouillons (MESSAGES UNSEEN)"))[0].endswith(b"(MESSAGES 1 UNSEEN 0)\r\n")


async def test_a_session_that_waits_hears_of_a_flag_within_100_ms(stage: Stage) -> None:
    async with imap(stage, user=USER) as one, imap(stage, door="imaps", user=USER) as two:
        await put(one, "INBOX", LETTER)
        await one.good("SELECT INBOX")
        await two.good("SELECT INBOX")
        await two.raw(b"i IDLE\r\n")
        await two.until(b"+ ")
        start = time.perf_counter()
        changed = asyncio.create_task(two.line())
        await one.good("STORE 1 +FLAGS (\\Seen)")
        line = await changed
        assert b"FLAGS (\\Seen)" in line
        assert time.perf_counter() - start < 0.1
        await put(one, "INBOX", LETTER)
        assert (await two.line()) == b"* 2 EXISTS\r\n"
        await two.raw(b"DONE\r\n")
        assert (await two.until(b"i "))[-1].startswith(b"i OK")
