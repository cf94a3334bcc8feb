"""Another client library, the one that most Python programs use, goes through a mailbox.

Source: RFC 9051; RFC 6851; RFC 5256; RFC 7162; RFC 9208.
"""

import asyncio
from datetime import UTC, datetime

from imap_talk import imap
from imapclient import SEEN, IMAPClient
from proofs import USER, Stage, one_site
from world import PASSWORD

LETTER = b"From: a@x.fr\r\nTo: b@y.fr\r\nSubject: Compte rendu\r\nMessage-ID: <1@x.fr>\r\n\r\nBonjour\r\n"


def go_through(stage: Stage) -> None:
    context = stage.world.client_context(None)
    with IMAPClient("127.0.0.1", stage.site.ports["imaps"], ssl_context=context, timeout=10) as client:
        client.login(USER, f"{PASSWORD}-{USER}")
        assert client.has_capability("IMAP4rev2")
        personal, others, shared = client.namespace()
        assert personal == (("", "/"),)
        assert others is not None
        assert shared is None
        names = {name for _flags, _separator, name in client.list_folders()}
        assert {"INBOX", "Envoyés", "Brouillons", "Corbeille", "Indésirables"} <= names
        assert client.find_special_folder(b"\\Sent") == "Envoyés"
        client.create_folder("Patients/Été")
        when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        for number in range(3):
            client.append("INBOX", LETTER.replace(b"rendu", b"rendu %d" % number), flags=[b"\\Flagged"], msg_time=when)
        opened = client.select_folder("INBOX")
        assert opened[b"EXISTS"] == 3
        uids = client.search(["FLAGGED", "SUBJECT", "rendu"], charset="UTF-8")
        assert len(uids) == 3
        facts = client.fetch(uids, ["ENVELOPE", "BODYSTRUCTURE", "RFC822.SIZE", "INTERNALDATE", "BODY.PEEK[]"])
        first = facts[uids[0]]
        assert first[b"ENVELOPE"].subject == b"Compte rendu 0"
        assert first[b"BODY[]"].startswith(b"From: a@x.fr\r\n")
        assert first[b"RFC822.SIZE"] == len(first[b"BODY[]"])
        assert client.sort(["REVERSE SUBJECT"]) == uids[::-1]
        assert client.thread("REFERENCES")
        client.add_flags(uids[0], [SEEN])
        assert SEEN in client.get_flags(uids[0])[uids[0]]
        client.copy(uids[0], "Patients/Été")
        client.move(uids[1], "Corbeille")
        client.delete_messages(uids[2])
        client.expunge()
        assert client.search() == [uids[0]]
        assert client.folder_status("Patients/Été", ["MESSAGES"])[b"MESSAGES"] == 1
        assert client.get_quota_root("INBOX")[1][0].resource == "STORAGE"
        client.idle()
        assert client.idle_done()[0] is not None
        client.rename_folder("Patients/Été", "Patients/Hiver")
        client.delete_folder("Patients/Hiver")
        client.logout()


async def test_imapclient_goes_through_a_mailbox(tmp_path, pki) -> None:
    async with one_site(tmp_path, pki) as stage:
        await asyncio.to_thread(go_through, stage)
        async with imap(stage, user=USER) as talk:
            listed = b"".join(await talk.good('LIST "" * RETURN (STATUS (MESSAGES))'))
        assert b'STATUS "INBOX" (MESSAGES 1)' in listed
        assert b'STATUS "Corbeille" (MESSAGES 1)' in listed
        assert b"Patients" not in listed
