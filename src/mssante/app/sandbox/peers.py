"""The bad peers of the demonstration, played over real sockets: each must be refused for its own reason.

Each plays one connection against the hospital and reports what it was told; judging that is the caller's.

Source: operators.md 2.5 (rules R1 to R8, audit domains).
"""

import asyncio
import base64
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from mssante.app.sandbox import space
from mssante.app.sandbox.layout import Layout, Pair
from mssante.app.sandbox.letters import DOCTOR, GP, user_context
from mssante.app.sandbox.pki import LOOPBACK
from mssante.app.sandbox.stores import SandboxAccount
from mssante.model.decision import Kind

DIALOGUE_SECONDS: Final = 15.0
DELIST_SECONDS: Final = 5.0
LINE_MAX_BYTES: Final = 4096
HANDSHAKE_REFUSED: Final = "TLS handshake refused"
OUTSIDER: Final = "ami@exemple.com"
_VISITOR: Final = f"essai@{space.VISITOR_DOMAIN}"
_LEAVER: Final = f"essai@{space.LEAVING_DOMAIN}"


@dataclass(frozen=True, slots=True)
class Stage:
    """What the peers play on.

    Attributes:
        doctor: the hospital's account that tries to write outside.
        delist: takes a domain out of the white list and publishes it.
    """

    layout: Layout
    doctor: SandboxAccount
    delist: Callable[[str], Awaitable[None]]

    @property
    def smtp_port(self) -> int:
        """Return the hospital's port for other operators."""
        return self.layout.operator_of(DOCTOR.domain).ports.smtp


@dataclass(frozen=True, slots=True)
class BadPeer:
    """One bad peer.

    Attributes:
        title: what it does, in French.
        kind: why it must be refused.
        rule: which rule must say so.
        play: returns the reply that refused it, or the last one.
    """

    key: str
    title: str
    kind: Kind
    rule: str
    play: Callable[[Stage], Awaitable[str]]


class Dialogue:
    """A connection that says what it is told to say, nothing more."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Keep both ends; use `open_dialogue`."""
        self._reader = reader
        self._writer = writer

    async def read(self) -> str:
        """Return the next reply, its lines joined by a space; "" when the other side has closed."""
        lines: list[str] = []
        while line := await self._reader.readline():
            text = line.decode(errors="replace").rstrip("\r\n")
            if text[3:4] != "-":
                return " ".join([*lines, text])
            lines.append(text)
        return " ".join(lines)

    async def say(self, line: str) -> str:
        """Send one command; return its reply."""
        self._writer.write(f"{line}\r\n".encode())
        await self._writer.drain()
        return await self.read()

    async def start_tls(self, context: ssl.SSLContext, host: str) -> str:
        """Say EHLO and STARTTLS, shake hands, say EHLO again; return its reply, or that the handshake was refused."""
        await self.say("EHLO essai.exemple.fr")
        reply = await self.say("STARTTLS")
        if not reply.startswith("220"):
            return reply
        try:
            await self._writer.start_tls(context, server_hostname=host)
            return await self.say("EHLO essai.exemple.fr")
        except (ssl.SSLError, ConnectionError) as error:
            # asyncio closes before the alert of a failed handshake is written: the peer sees no more than that.
            reason = getattr(error, "reason", None) or str(error) or "connection closed"
            return f"{HANDSHAKE_REFUSED}: {str(reason).lower().replace('_', ' ')}"

    async def close(self) -> None:
        """Close the connection, whatever its state."""
        self._writer.close()
        with suppress(OSError, ssl.SSLError):
            await self._writer.wait_closed()


async def open_dialogue(port: int) -> Dialogue:
    """Return a connection whose greeting was read."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port, limit=LINE_MAX_BYTES)
    dialogue = Dialogue(reader, writer)
    await dialogue.read()
    return dialogue


async def play(peer: BadPeer, stage: Stage) -> str:
    """Play the peer; return the reply that it got, or what went wrong, as text."""
    try:
        async with asyncio.timeout(DIALOGUE_SECONDS):
            return await peer.play(stage)
    except TimeoutError:
        return "no reply in time"
    except OSError as error:
        return f"connection lost: {error}"


def peer_context(layout: Layout, pair: Pair) -> ssl.SSLContext:
    """Return the TLS context of a peer that shows that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(layout.anchors)
    context.load_cert_chain(pair.certificate, pair.key)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def _with_certificate(
    choose: Callable[[Layout], Pair], sender: str, recipient: str = str(DOCTOR)
) -> Callable[[Stage], Awaitable[str]]:
    """Return a play: TLS with that certificate, then the envelope, up to the first refusal."""

    async def run(stage: Stage) -> str:
        host = stage.layout.operator_of(DOCTOR.domain).plan.host
        dialogue = await open_dialogue(stage.smtp_port)
        try:
            reply = await dialogue.start_tls(peer_context(stage.layout, choose(stage.layout)), host)
            if not reply.startswith("250"):
                return reply
            return await _envelope(dialogue, sender, recipient)
        finally:
            await dialogue.close()

    return run


async def _envelope(dialogue: Dialogue, sender: str, recipient: str) -> str:
    reply = await dialogue.say(f"MAIL FROM:<{sender}>")
    if not reply.startswith("250"):
        return reply
    return await dialogue.say(f"RCPT TO:<{recipient}>")


async def _without_tls(stage: Stage) -> str:
    dialogue = await open_dialogue(stage.smtp_port)
    try:
        await dialogue.say("EHLO essai.exemple.fr")
        return await dialogue.say(f"MAIL FROM:<{_VISITOR}>")
    finally:
        await dialogue.close()


async def _outside(stage: Stage) -> str:
    """Sign in as the doctor and write to somebody outside the trust space."""
    laid = stage.layout.operator_of(DOCTOR.domain)
    dialogue = await open_dialogue(laid.ports.submission)
    try:
        await dialogue.start_tls(user_context(stage.layout, stage.doctor), laid.plan.host)
        plain = f"\0{stage.doctor.user}\0{stage.doctor.password}".encode()
        reply = await dialogue.say(f"AUTH PLAIN {_base64(plain)}")
        if not reply.startswith("235"):
            return reply
        return await _envelope(dialogue, str(DOCTOR), OUTSIDER)
    finally:
        await dialogue.close()


async def _delisted(stage: Stage) -> str:
    """Be accepted, be taken out of the list, and try again on the same connection."""
    host = stage.layout.operator_of(DOCTOR.domain).plan.host
    dialogue = await open_dialogue(stage.smtp_port)
    try:
        await dialogue.start_tls(peer_context(stage.layout, stage.layout.visitors["leaving"]), host)
        reply = await _envelope(dialogue, _LEAVER, str(DOCTOR))
        if not reply.startswith("250"):
            return f"refused before it was delisted: {reply}"
        await dialogue.say("RSET")
        await stage.delist(space.LEAVING_DOMAIN)
        async with asyncio.timeout(DELIST_SECONDS):
            while (reply := await dialogue.say(f"MAIL FROM:<{_LEAVER}>")).startswith("250"):
                await dialogue.say("RSET")
                await asyncio.sleep(0.05)
        return reply
    finally:
        await dialogue.close()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bad(name: str) -> Callable[[Layout], Pair]:
    return lambda layout: layout.bad[name]


def _visitor(name: str) -> Callable[[Layout], Pair]:
    return lambda layout: layout.visitors[name]


BAD_PEERS: Final = (
    BadPeer(
        "expired", "certificat expiré", Kind.CERTIFICATE_EXPIRED, "R4", _with_certificate(_bad("expired"), _VISITOR)
    ),
    BadPeer(
        "revoked", "certificat révoqué", Kind.CERTIFICATE_REVOKED, "R4", _with_certificate(_bad("revoked"), _VISITOR)
    ),
    BadPeer(
        "other-authority",
        "certificat d'une autre autorité",
        Kind.CERTIFICATE_UNTRUSTED,
        "R3",
        _with_certificate(_bad("other-authority"), _VISITOR),
    ),
    BadPeer(
        "dn-not-listed",
        "nom de certificat absent de la liste blanche",
        Kind.DN_NOT_LISTED,
        "R5",
        _with_certificate(_visitor("unlisted"), _VISITOR),
    ),
    BadPeer(
        "other-cn",
        "CN différent de celui de la liste",
        Kind.DN_NOT_LISTED,
        "R5",
        _with_certificate(_bad("other-name"), _VISITOR),
    ),
    BadPeer("no-tls", "pas de TLS", Kind.TLS_REQUIRED, "R2", _without_tls),
    BadPeer(
        "sender-of-another",
        "expéditeur du domaine d'un autre opérateur",
        Kind.DN_NOT_LISTED,
        "R5",
        _with_certificate(_visitor("visitor"), str(GP)),
    ),
    BadPeer(
        "outside-recipient",
        "destinataire hors de l'espace de confiance",
        Kind.RECIPIENT_DOMAIN_UNLISTED,
        "R1",
        _outside,
    ),
    BadPeer(
        "relay", "tentative de relais", Kind.RELAY, "R7", _with_certificate(_visitor("visitor"), _VISITOR, str(GP))
    ),
    BadPeer("delisted", "retiré de la liste en cours de connexion", Kind.SENDER_DOMAIN_UNLISTED, "R1", _delisted),
)
