"""The load client: one process that hands messages over by SMTP with mutual TLS 1.2 and prints one line of JSON.

It speaks as an operator does: EHLO, STARTTLS with a client certificate, then MAIL, RCPT, DATA, each answered before the
next. Started by the campaign as ``python -m bench.load``; takes a core to itself above about 4,000 messages a second.
"""

import asyncio
import collections
import json
import resource
import ssl
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, Self

import uvloop

from bench.credentials import CLIENT_NAME

DOMAIN: Final = "bench.mssante.fr"
SENDER: Final = f"expediteur@{CLIENT_NAME}"
GRACE_SECONDS: Final = 30
_LINE: Final = b"x" * 74 + b"\r\n"


class LoadError(Exception):
    """The server answered something else than was expected, or closed."""


@dataclass(frozen=True, slots=True)
class Load:
    """What to send.

    Attributes:
        port: on 127.0.0.1.
        authority: PEM file.
        certificate: PEM file.
        key: PEM file.
        size_bytes: of one message, headers included.
        connections: open at the same time.
        per_message: a new connection, with its handshake, for each message.
        messages: how many in all; 0: as many as `seconds` allow.
        seconds: length of the measured window.
        warm_seconds: sending before the window, not counted.
        mailboxes: the recipients take turns over that many.
        first: number of the first message, so that no two loads share a Message-ID.
    """

    port: int
    authority: str
    certificate: str
    key: str
    size_bytes: int
    connections: int
    per_message: bool = False
    messages: int = 0
    seconds: float = 0
    warm_seconds: float = 0
    mailboxes: int = 100
    first: int = 0


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What came out.

    Attributes:
        total: messages accepted in all.
        counted: those of the window.
        seconds: length of the window.
        started_at: clock of `time.monotonic`, which all processes of the machine share, at the first MAIL FROM.
        cpu_seconds: what the client itself used.
        p50_ms: median time from MAIL FROM (or connection) to the acceptance.
        p99_ms: the same, 99 of 100.
        errors: text -> how often.
    """

    total: int
    counted: int
    seconds: float
    started_at: float
    cpu_seconds: float
    p50_ms: float
    p99_ms: float
    errors: dict[str, int] = field(default_factory=dict)


def mailbox(number: int) -> str:
    """Return the address of a recipient mailbox."""
    return f"bal{number:03}@{DOMAIN}"


class Connection:
    """One SMTP connection after its handshake."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int, context: ssl.SSLContext) -> Self:
        """Connect, start TLS, say EHLO."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 16)
        this = cls(reader, writer)
        hello = b"EHLO %s\r\n" % CLIENT_NAME.encode()
        await this._expect(b"220")
        writer.write(hello)
        await this._expect(b"250")
        writer.write(b"STARTTLS\r\n")
        await this._expect(b"220")
        await writer.start_tls(context, server_hostname="localhost")
        writer.write(hello)
        await this._expect(b"250")
        return this

    async def send(self, recipient: bytes, head: bytes, body: bytes) -> None:
        """Hand one message over; return when it is accepted."""
        write = self._writer.write
        write(b"MAIL FROM:<%s>\r\n" % SENDER.encode())
        await self._expect(b"250")
        write(b"RCPT TO:<%s>\r\n" % recipient)
        await self._expect(b"250")
        write(b"DATA\r\n")
        await self._expect(b"354")
        self._writer.writelines((head, body))
        await self._writer.drain()
        await self._expect(b"250")

    async def quit(self) -> None:
        """Say QUIT, wait for the answer, close."""
        self._writer.write(b"QUIT\r\n")
        await self._expect(b"221")
        self._writer.close()

    def abort(self) -> None:
        """Close without a word."""
        self._writer.close()

    async def _expect(self, code: bytes) -> None:
        while True:
            line = await self._reader.readline()
            if line[:3] != code:
                raise LoadError(line.decode("latin-1").strip() or "connection closed")
            if line[3:4] != b"-":
                return


class Run:
    """One load in progress: the counters that its workers share."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._context = _context(load)
        self._sent = 0
        self._times: list[tuple[float, float]] = []
        self._errors: collections.Counter[str] = collections.Counter()
        self._ready = 0
        self._go = asyncio.Event()
        self._started_at = 0.0
        self._end = float("inf")
        self._body = _body(load.size_bytes)

    async def whole(self) -> LoadResult:
        """Run all workers to the end and return the figures."""
        load = self._load
        tasks = [asyncio.create_task(self._worker()) for _ in range(load.connections)]
        span = load.warm_seconds + load.seconds + GRACE_SECONDS if load.seconds else 600
        _, late = await asyncio.wait(tasks, timeout=span)
        for task in late:
            task.cancel()
            self._errors["no answer in time"] += 1
        return self._result()

    async def _worker(self) -> None:
        load = self._load
        connection = None if load.per_message else await self._open()
        await self._all_ready()
        while (not load.messages or self._sent < load.messages) and time.monotonic() < self._end:
            number = load.first + self._sent
            self._sent += 1
            begun = time.monotonic()
            try:
                connection = connection or await Connection.open(load.port, self._context)
                recipient = mailbox(number % load.mailboxes).encode()
                await connection.send(recipient, _head(number, recipient), self._body)
                self._times.append((begun, time.monotonic()))
                if load.per_message:
                    await connection.quit()
                    connection = None
            except (LoadError, OSError, asyncio.IncompleteReadError) as error:
                self._errors[str(error)[:120]] += 1
                if connection is not None:
                    connection.abort()
                connection = None
        if connection is not None:
            connection.abort()

    async def _open(self) -> Connection | None:
        try:
            return await Connection.open(self._load.port, self._context)
        except (LoadError, OSError) as error:
            self._errors[str(error)[:120]] += 1
            return None

    async def _all_ready(self) -> None:
        self._ready += 1
        if self._ready == self._load.connections:
            self._started_at = time.monotonic()
            if self._load.seconds:
                self._end = self._started_at + self._load.warm_seconds + self._load.seconds
            self._go.set()
        await self._go.wait()

    def _result(self) -> LoadResult:
        load = self._load
        last = max((end for _, end in self._times), default=self._started_at)
        first = self._started_at + load.warm_seconds
        until = self._end if load.seconds else last
        spans = sorted(end - begun for begun, end in self._times if first < end <= until)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return LoadResult(
            total=len(self._times),
            counted=len(spans),
            seconds=until - first,
            started_at=self._started_at,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            p50_ms=_share(spans, 0.5),
            p99_ms=_share(spans, 0.99),
            errors=dict(self._errors.most_common(5)),
        )


def _share(spans: list[float], share: float) -> float:
    return round(1000 * spans[min(len(spans) - 1, int(share * len(spans)))], 2) if spans else 0.0


def _context(load: Load) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=load.authority)
    context.load_cert_chain(load.certificate, load.key)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def _head(number: int, recipient: bytes) -> bytes:
    return (
        b"From: %s\r\nTo: %s\r\nSubject: Banc de mesure\r\nDate: Mon, 05 Jan 2026 08:00:00 +0100\r\n"
        b"Message-ID: <%024d@%s>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n"
    ) % (SENDER.encode(), recipient, number, CLIENT_NAME.encode())


def _body(size_bytes: int) -> bytes:
    room = max(size_bytes - len(_head(0, mailbox(0).encode())), 2)
    lines, rest = divmod(room - 2, len(_LINE))
    return _LINE * lines + b"y" * rest + b"\r\n.\r\n"


def main() -> None:
    """Read the load as JSON from the first argument, run it, print the result."""
    load = Load(**json.loads(sys.argv[1]))
    if not Path(load.key).is_file():
        sys.exit(f"load client: no key {load.key}")

    async def run() -> LoadResult:
        return await Run(load).whole()

    result = uvloop.run(run())
    print(json.dumps(asdict(result)), flush=True)


if __name__ == "__main__":
    main()
