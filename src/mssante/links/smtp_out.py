"""Hands messages over to other operators: connection, mutual TLS, one transaction per parcel.

Not for trust: whom to talk to is decided by the flow, from the `PeerFacts` given here, before anything is sent.
Whatever a peer does becomes an answer; nothing it does raises.
"""

import ssl
from collections.abc import Awaitable, Callable
from typing import Final

from mssante.links.smtp_channel import SmtpChannel
from mssante.links.smtp_stream import SmtpStream
from mssante.model.decision import Kind, Refusal
from mssante.model.errors import LinkError, TheirProtocolError
from mssante.model.message import Deferred
from mssante.model.outside import Host
from mssante.model.peer import Certificate, PeerFacts, TlsFacts
from mssante.model.settings import QueueSettings
from mssante.wire.smtp.client import ClientMachine
from mssante.wire.smtp.replies import Reply, plain_text
from mssante.wire.x509.handshake import refused_because
from mssante.wire.x509.read import read_certificate

DETAIL_MAX_CHARS: Final = 300


class SmtpCourier:
    """Opens connections to other operators.

    Args of the constructor: returns the client context in force, which demands and checks the server's certificate and
    shows ours; our name for EHLO; the time-outs.
    """

    def __init__(self, context: Callable[[], ssl.SSLContext], ehlo_name: str, settings: QueueSettings) -> None:
        self._context = context
        self._ehlo_name = ehlo_name
        self._settings = settings

    async def open(self, host: Host) -> SmtpChannel | Deferred:
        """Return the channel after mutual TLS and EHLO, or why there is none.

        Source: operators.md 2.5 R2, R3, R4 (STARTTLS or nothing, never clear text); RFC 3207; reliability.md A05, A06.
        """
        seconds = self._settings.connect_seconds
        try:
            stream = await SmtpStream.connect(host.address, host.port, seconds=seconds)
        except (OSError, TimeoutError) as error:
            return _deferred(host, Kind.HOST_UNREACHABLE, "connect", f"cannot connect: {_say(error)}")
        opened: SmtpChannel | Deferred | None = None
        try:
            opened = await self._shake(stream, host)
        except ssl.SSLCertVerificationError as error:
            kind, rule = refused_because(error.verify_code)
            opened = _deferred(host, kind, rule, f"certificate refused: {error.verify_message}")
        except ssl.SSLError as error:
            opened = _deferred(host, Kind.TLS_UNAVAILABLE, "R2", f"TLS handshake failed: {_say(error)}")
        except TimeoutError:
            opened = _deferred(host, Kind.HOST_UNREACHABLE, "connect", f"no answer within {seconds:g} s")
        except TheirProtocolError as error:
            opened = _deferred(host, Kind.PEER_PROTOCOL, "dialogue", str(error))
        except (LinkError, OSError) as error:
            opened = _deferred(host, Kind.HOST_UNREACHABLE, "connect", _say(error))
        finally:
            # Also when cancelled: no half-open connection is left behind.
            if not isinstance(opened, SmtpChannel):
                stream.abort()
        return opened

    async def _shake(self, stream: SmtpStream, host: Host) -> SmtpChannel | Deferred:
        machine = ClientMachine(self._ehlo_name)
        say = _speaker(stream, machine, self._settings)
        greeting = await say(b"")
        if greeting.code != 220:
            return _refused(host, greeting, "greeting")
        hello = await say(machine.hello())
        if hello.code != 250:
            return _refused(host, hello, "EHLO")
        if "STARTTLS" not in machine.extensions:
            return _deferred(host, Kind.TLS_REQUIRED, "R2", "STARTTLS is not offered; nothing is sent in clear")
        ready = await say(machine.starttls())
        if ready.code != 220:
            return _deferred(host, Kind.TLS_UNAVAILABLE, "R2", "STARTTLS was refused", str(ready))
        await stream.start_tls(self._context(), host.name, seconds=self._settings.connect_seconds)
        machine.tls_started()
        peer = _peer_facts(stream)
        if peer.certificate is None:
            return _deferred(host, Kind.CERTIFICATE_MISSING, "R3", "the server showed no certificate")
        hello = await say(machine.hello())
        if hello.code != 250:
            return _refused(host, hello, "EHLO inside TLS")
        return SmtpChannel(stream, machine, peer, self._settings)


def _speaker(
    stream: SmtpStream, machine: ClientMachine, settings: QueueSettings
) -> Callable[[bytes], Awaitable[Reply]]:
    async def say(command: bytes) -> Reply:
        if command:
            await stream.write(command, seconds=settings.connect_seconds)
        while True:
            replies = machine.receive(await stream.read(seconds=settings.connect_seconds))
            if replies:
                return replies[0]

    return say


def _peer_facts(stream: SmtpStream) -> PeerFacts:
    ip, port = stream.remote
    tls = stream.tls
    if tls is None:
        return PeerFacts(ip, port)
    der = tls.getpeercert(binary_form=True)
    certificate: Certificate | None = read_certificate(der) if der else None
    cipher = tls.cipher()
    return PeerFacts(ip, port, TlsFacts(tls.version() or "", cipher[0] if cipher else ""), certificate)


def _deferred(host: Host, kind: Kind, rule: str, detail: str, reply: str = "") -> Deferred:
    where = f"{host.name} ({host.address}:{host.port})"
    text = f"{where}: {detail}"[:DETAIL_MAX_CHARS]
    return Deferred(Refusal(kind, rule, plain_text(text), text), reply, where)


def _refused(host: Host, reply: Reply, step: str) -> Deferred:
    # Even a 5xx before the envelope says nothing about this message: another host or another day may do.
    return _deferred(host, Kind.PEER_DEFERRED, "peer", f"refused at {step}", str(reply)[:DETAIL_MAX_CHARS])


def _say(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:DETAIL_MAX_CHARS]
