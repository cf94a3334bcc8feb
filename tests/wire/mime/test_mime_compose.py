"""Messages written by us, read back with the standard library."""

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.address import Address
from mssante.wire.mime.compose import compose
from mssante.wire.mime.encode import boundary_of, crlf
from mssante.wire.mime.headers import summarize

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
JEAN = Address("jean", "chu-valdore.mssante.fr")
ADELE = Address("adele", "medecin.mssante.fr")


def _compose(
    subject: str = "Lettre", text: str = "Bonjour", files: tuple[tuple[str, str, bytes], ...] = (), **more: object
) -> bytes:
    return compose(
        sender=JEAN,
        to=[ADELE],
        subject=subject,
        text=text,
        attachments=files,
        message_id="id-1@chu-valdore.mssante.fr",
        now=NOW,
        **more,  # type: ignore[arg-type]
    )


def _read(data: bytes) -> EmailMessage:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def test_a_letter_with_a_document_is_read_as_it_was_written() -> None:
    pdf = bytes(range(256)) * 100
    data = _compose(
        "Compte rendu d'hospitalisation été",
        "Bonjour,\nVoici la lettre.\n.\nFrom moi\n",
        (("Lettre de sortie.pdf", "application/pdf", pdf), ("été.txt", "text/plain", b"x")),
        in_reply_to="a@b",
        references=["z@b", "a@b"],
        headers={"X-MSS-NIL": "MSS-1"},
    )
    message = _read(data)
    assert message["Subject"] == "Compte rendu d'hospitalisation été"
    assert message["References"] == "<z@b> <a@b>"
    assert message["X-MSS-NIL"] == "MSS-1"
    body, first, second = message.iter_parts()
    assert isinstance(body, EmailMessage)
    assert body.get_content() == "Bonjour,\r\nVoici la lettre.\r\n.\r\nFrom moi\r\n"
    assert first.get_filename() == "Lettre de sortie.pdf"
    assert first.get_content_type() == "application/pdf"
    assert first.get_payload(decode=True) == pdf
    assert second.get_filename() == "été.txt"
    summary = summarize(data)
    assert summary.from_addresses == (JEAN,)
    assert summary.message_id == "id-1@chu-valdore.mssante.fr"
    assert {"from", "date", "message-id"} <= summary.present


def test_a_message_without_files_is_one_text() -> None:
    message = _read(_compose())
    assert message.get_content_type() == "text/plain"
    assert message.get_content() == "Bonjour\r\n"


def test_the_same_input_gives_the_same_bytes() -> None:
    files = (("a.pdf", "application/pdf", b"%PDF"),)
    assert _compose(files=files) == _compose(files=files)


@given(
    st.text(max_size=200), st.text(max_size=500), st.text(max_size=80), st.text(max_size=30), st.binary(max_size=300)
)
def test_no_input_breaks_the_lines_or_adds_a_field(
    subject: str, text: str, name: str, media_type: str, data: bytes
) -> None:
    message = _compose(subject, text, ((name, media_type, data),))
    assert message.replace(b"\r\n", b"").find(b"\n") == message.replace(b"\r\n", b"").find(b"\r") == -1
    assert max(len(line) for line in message.split(b"\r\n")) <= 998
    assert message.isascii()
    read = email.message_from_bytes(message, policy=email.policy.compat32)
    assert read.keys() == ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"]
    parts = read.get_payload()
    assert isinstance(parts, list)
    assert len(parts) == 2
    assert isinstance(parts[1], email.message.Message)
    assert parts[1].get_payload(decode=True) == data
    assert isinstance(parts[0], email.message.Message)
    payload = parts[0].get_payload(decode=True)
    assert isinstance(payload, bytes)
    wanted = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n") + "\n"
    assert payload.replace(b"\r\n", b"\n").decode() == wanted


@pytest.mark.parametrize("name", ["Subject", "from", "X Y", "X:Y", "", "X\r\nY", "Été"])
def test_fields_of_our_own_and_bad_names_are_not_allowed(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be set"):
        _compose(headers={name: "x"})


def test_somebody_must_receive_it() -> None:
    with pytest.raises(ValueError, match="recipient"):
        compose(sender=JEAN, to=[], subject="", text="", message_id="x", now=NOW)


@pytest.mark.parametrize("media_type", ["", "pdf", "a/b/c", "text/plain; x=y", "multipart/mixed", "message/rfc822"])
def test_a_strange_media_type_becomes_bytes(media_type: str) -> None:
    message = _read(_compose(files=(("x", media_type, b"x"),)))
    assert [part.get_content_type() for part in message.iter_parts()][1] == "application/octet-stream"


def test_file_names_lose_their_folders() -> None:
    message = _read(_compose(files=(("C:\\a\\b.pdf", "application/pdf", b""), ("/", "application/pdf", b""))))
    assert [part.get_filename() for part in message.iter_attachments()] == ["b.pdf", "document"]


def test_line_ends_become_crlf() -> None:
    assert crlf(b"a\nb\rc\r\nd\r\r\n") == b"a\r\nb\r\nc\r\nd\r\n\r\n"


def test_boundaries_depend_on_where_contents_end() -> None:
    assert boundary_of(b"ab", b"c") != boundary_of(b"a", b"bc")
