"""The server side of TLS in memory, against a client in memory."""

import contextlib
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from mssante.doors.net.tls import TlsLayer


class Client:
    """The other side."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")

    def step(self, data: bytes) -> bytes:
        self.incoming.write(data)
        with contextlib.suppress(ssl.SSLWantReadError):
            self.session.do_handshake()
        return self.outgoing.read()


@pytest.fixture(scope="module")
def files(pki, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    for name, issued in (("server", pki.operator), ("expired", pki.bad["expired"])):
        (folder / f"{name}.pem").write_bytes(pki.pki.chain_pem(issued))
        (folder / f"{name}.key").write_bytes(issued.key_pem)
    (folder / "root.pem").write_bytes(
        ssl.DER_cert_to_PEM_cert(pki.pki.root.certificate.public_bytes(Encoding.DER)).encode()
    )
    return folder


def server_context(files: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / "server.pem", files / "server.key")
    context.load_verify_locations(files / "root.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def client_context(files: Path, name: str | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.load_verify_locations(files / "root.pem")
    if name:
        context.load_cert_chain(files / f"{name}.pem", files / f"{name}.key")
    return context


def shake(layer: TlsLayer, client: Client) -> None:
    data = client.step(b"")
    while data:
        assert layer.receive(data) == b""
        data = client.step(layer.output())
    assert layer.ready


@pytest.mark.parametrize("name", [None, "server"])
def test_shakes_hands_and_carries_text_both_ways_in_any_pieces(files: Path, name: str | None) -> None:
    layer, client = TlsLayer(server_context(files)), Client(client_context(files, name))
    shake(layer, client)
    assert bool(layer.session.getpeercert(binary_form=True)) is bool(name)
    client.session.write(b"EHLO peer\r\n")
    wire = client.outgoing.read()
    assert b"".join(layer.receive(wire[at : at + 1]) for at in range(len(wire))) == b"EHLO peer\r\n"
    client.incoming.write(layer.send(b"250 ok\r\n"))
    assert client.session.read() == b"250 ok\r\n"


def test_tells_the_peer_why_its_certificate_is_refused(files: Path) -> None:
    layer, client = TlsLayer(server_context(files)), Client(client_context(files, "expired"))
    assert layer.receive(client.step(b"")) == b""
    refused = client.step(layer.output())
    with pytest.raises(ssl.SSLCertVerificationError):
        layer.receive(refused)
    alert = layer.output()
    with pytest.raises(ssl.SSLError, match=r"(?i)expired"):
        client.step(alert)


def test_says_its_end_and_hears_the_peers(files: Path) -> None:
    layer, client = TlsLayer(server_context(files)), Client(client_context(files, None))
    shake(layer, client)
    with pytest.raises(ssl.SSLWantReadError):
        client.session.unwrap()
    assert layer.receive(client.outgoing.read()) == b""
    assert layer.ended
    client.incoming.write(layer.close())
    client.session.unwrap()


def test_bytes_that_are_no_tls_are_refused(files: Path) -> None:
    layer = TlsLayer(server_context(files))
    with pytest.raises(ssl.SSLError):
        layer.receive(b"EHLO in.clear\r\n")
