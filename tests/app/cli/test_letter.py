"""Messages as a terminal shows them: any bytes come in, nothing is fatal."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from mssante.app.cli.letter import PARTS_MAX, read_letter
from mssante.model.address import parse_address
from mssante.wire.mime.compose import compose

SENDER, TO = parse_address("a@chu.mssante.fr"), parse_address("b@medecin.mssante.fr")
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def test_reads_back_what_we_compose() -> None:
    data = compose(
        sender=SENDER,
        to=[TO],
        subject="Compte rendu – Éléonore",
        text="Bonjour,\nà bientôt",
        attachments=[("lettre d'été.pdf", "application/pdf", b"%PDF" * 100)],
        message_id="x@chu",
        now=NOW,
    )
    letter = read_letter(data)
    assert dict(letter.headers)["Subject"] == "Compte rendu – Éléonore"
    assert letter.text.rstrip("\n") == "Bonjour,\nà bientôt"
    assert [(one.name, one.media_type, one.size_bytes) for one in letter.attachments] == [
        ("lettre d'été.pdf", "application/pdf", 400)
    ]


def test_reads_old_charsets_and_unknown_ones() -> None:
    assert read_letter(b"Content-Type: text/plain; charset=iso-8859-1\r\n\r\n\xe9t\xe9").text == "été"
    assert read_letter(b"Content-Type: text/plain; charset=zlib_codec\r\n\r\nabc").text == "abc"
    assert "\ufffd" in read_letter(b"\r\n\xff").text


def test_shows_html_as_an_attachment_never_as_text() -> None:
    letter = read_letter(b"Content-Type: text/html\r\n\r\n<b>x</b>")
    assert letter.text == "(pas de texte simple)"
    assert [one.media_type for one in letter.attachments] == ["text/html"]


def test_shows_the_parts_of_a_notice_as_they_are() -> None:
    report = b"""Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\nVotre message\r\n\
--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; a\r\n\r\nAction: failed\r\n\
--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ntexte\r\n--b--\r\n"""
    letter = read_letter(report)
    assert letter.text.strip() == "Votre message"
    assert [one.media_type for one in letter.attachments] == ["message/delivery-status", "message/rfc822"]
    assert all(one.size_bytes > 10 for one in letter.attachments)


def test_survives_a_message_of_boundaries() -> None:
    deep = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (depth, depth) for depth in range(3000)
    )
    assert "structure illisible" in read_letter(deep).text


def test_looks_at_a_bounded_number_of_parts() -> None:
    data = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 5000
    assert len(read_letter(data).attachments) < PARTS_MAX


@settings(max_examples=60)
@given(
    st.binary(max_size=300), st.sampled_from([b"", b"Content-Type: ", b"Subject: =?", b"MIME-Version: 1.0\r\nFrom: "])
)
def test_never_fails_on_what_strangers_write(data: bytes, start: bytes) -> None:
    letter = read_letter(start + data)
    assert all("\n" not in value for _name, value in letter.headers)
