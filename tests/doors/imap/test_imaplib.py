"""A client that is not ours: Python's imaplib does with the door what its users do.

Source: RFC 3501, as imaplib speaks it.
"""

import asyncio
import imaplib
from collections.abc import Callable

from imap_talk import USER, imap
from proofs import Stage, one_site
from world import PASSWORD


def _session(stage: Stage, work: Callable[[imaplib.IMAP4], None]) -> None:
    client = imaplib.IMAP4("127.0.0.1", stage.site.ports["imap"], timeout=10)
    try:
        client.starttls(stage.world.client_context(None))
        client.authenticate("PLAIN", lambda _challenge: f"\0{USER}\0{PASSWORD}-{USER}".encode())
        work(client)
    finally:
        client.logout()


def _everyday(client: imaplib.IMAP4) -> None:
    letter = b"From: a@x.fr\r\nSubject: Un\r\n\r\nBonjour\r\n"
    assert client.append("INBOX", "\\Seen", imaplib.Time2Internaldate(1_780_000_000), letter)[0] == "OK"
    assert client.enable("CONDSTORE")[0] == "OK"
    assert client.select("INBOX") == ("OK", [b"1"])
    _status, found = client.uid("FETCH", "1", "(FLAGS INTERNALDATE BODY.PEEK[])")
    assert found[0][1] == letter
    assert imaplib.Internaldate2tuple(found[0][0]) is not None
    assert client.uid("SEARCH", "CHARSET", "UTF-8", "SEEN", "SINCE", "1-Jan-2020") == ("OK", [b"1"])
    assert client.copy("1", "Corbeille")[0] == "OK"
    assert client.store("1", "+FLAGS", "\\Deleted")[0] == "OK"
    assert client.expunge() == ("OK", [b"1"])
    assert client.getquotaroot("INBOX")[0] == "OK"
    assert client.namespace()[0] == "OK"
    assert client.close()[0] == "OK"


async def test_imaplib_appends_reads_searches_and_expunges(tmp_path, pki) -> None:
    async with one_site(tmp_path, pki) as stage:
        await asyncio.to_thread(_session, stage, _everyday)
        async with imap(stage, user=USER) as talk:
            listed = b"".join(await talk.good('LIST "" * RETURN (STATUS (MESSAGES))'))
        assert b'STATUS "INBOX" (MESSAGES 0)' in listed
        assert b'STATUS "Corbeille" (MESSAGES 1)' in listed
