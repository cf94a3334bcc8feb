"""Many idle IMAP connections at once: what they hold in memory, and how soon each hears of its delivery."""

import contextlib
import selectors
import smtplib
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import procs
from bench.credentials import CLIENT_NAME, Credentials
from bench.imap_session import ImapSession
from bench.load import SENDER, mailbox
from bench.peers.dovecot_imap import DovecotImap

if TYPE_CHECKING:
    from bench.imap import ImapPeer

PIECE_RECIPIENTS: Final = 500
INOTIFY: Final = Path("/proc/sys/fs/inotify/max_user_instances")
SETTLE_SECONDS: Final = 2.0
WAKE_SECONDS: Final = 120.0
LETTER: Final = (
    b"From: <" + SENDER.encode() + b">\r\nSubject: Reveil\r\nDate: Mon, 01 Jan 2024 00:00:00 +0000\r\n"
    b"Message-ID: <reveil@bench.test>\r\n\r\n" + b"x" * 74 + b"\r\n"
)


def held_by_connections(peer: "ImapPeer", sessions: Iterable[contextlib.AbstractContextManager[ImapSession]]) -> float:
    """Return the bytes that each of the connections adds to the server's memory (PSS), in IDLE with a folder open."""
    before = _held(peer)
    with contextlib.ExitStack() as stack:
        count = 0
        for one in sessions:
            stack.enter_context(one).idle()
            count += 1
        time.sleep(SETTLE_SECONDS)
        return (_held(peer) - before) / count


def wake_all(count: int, make: Callable[[int], ImapSession], deliver_one_each: Callable[[], None]) -> float:
    """Return the seconds from the first delivery until every idle connection was told of its own.

    Raises:
        TimeoutError: some were not.
    """
    waiting = selectors.DefaultSelector()
    sessions = []
    for number in range(count):
        session = make(number)
        session.idle()
        session.socket.settimeout(0)
        waiting.register(session.socket, selectors.EVENT_READ, session)
        sessions.append(session)
    began = time.perf_counter()
    deliver_one_each()
    left = count
    while left:
        ready = waiting.select(WAKE_SECONDS)
        if not ready:
            msg = f"{left} of {count} connections were not told"
            raise TimeoutError(msg)
        for key, _ in ready:
            with contextlib.suppress(ssl.SSLWantReadError):
                if b"EXISTS" in key.data.socket.recv(4096):
                    waiting.unregister(key.fileobj)
                    left -= 1
    seconds = time.perf_counter() - began
    for session in sessions:
        session.socket.close()
    return seconds


@contextlib.contextmanager
def watchers_for(count: int) -> Iterator[None]:
    """Let an account have so many inotify instances while this lasts.

    Each idle process of Dovecot wants one; Linux gives 128, and who gets none looks every 30 seconds only.
    """
    before = INOTIFY.read_text()
    if int(before) >= count:
        yield
        return
    INOTIFY.write_text(str(count))
    try:
        yield
    finally:
        INOTIFY.write_text(before)


def deliver(peer: "ImapPeer", files: Credentials, count: int) -> None:
    """Hand one letter to each of the first mailboxes: by LMTP to Dovecot, as another operator to us."""
    if isinstance(peer, DovecotImap):
        with smtplib.LMTP(str(peer.lmtp)) as lmtp:
            for first in range(0, count, PIECE_RECIPIENTS):
                numbers = range(first, min(first + PIECE_RECIPIENTS, count))
                _hand_over_lmtp(lmtp, [peer.user(number)[0] + "@bench.test" for number in numbers])
        return
    context = ssl.create_default_context(cafile=str(files.authority))
    context.check_hostname = False
    context.load_cert_chain(files.client, files.client_key)
    with smtplib.SMTP("127.0.0.1", peer.port, local_hostname=CLIENT_NAME) as smtp:
        smtp.starttls(context=context)
        for first in range(0, count, PIECE_RECIPIENTS):
            numbers = range(first, min(first + PIECE_RECIPIENTS, count))
            smtp.sendmail(SENDER, [mailbox(number) for number in numbers], LETTER)


def _hand_over_lmtp(lmtp: smtplib.LMTP, recipients: list[str]) -> None:
    """Hand one letter over; the standard library reads one answer to DATA, LMTP gives one for each recipient."""
    lmtp.ehlo_or_helo_if_needed()
    lmtp.mail(SENDER)
    for recipient in recipients:
        lmtp.rcpt(recipient)
    lmtp.docmd("DATA")
    lmtp.send(LETTER + b".\r\n")
    codes = {lmtp.getreply()[0] for _ in recipients}
    if codes != {250}:
        msg = f"LMTP answered {sorted(codes)}"
        raise OSError(msg)


def _held(peer: "ImapPeer") -> int:
    return sum(procs.memory(root).pss_bytes for root in peer.roots())
