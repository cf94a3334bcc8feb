"""Accidents in the log."""

from mssante.model.log import accident


def _raise(text: bytes) -> None:
    text.decode("ascii")


def test_an_accident_is_told_by_its_kind_and_place_without_the_bytes_it_met() -> None:
    try:
        _raise(b"Sujet : secret \xe9")
    except UnicodeDecodeError as error:
        told = accident(error)
    assert told.startswith(f"UnicodeDecodeError at {__name__}:")
    assert "secret" not in told


def test_an_accident_that_was_never_raised_has_no_place() -> None:
    assert accident(ValueError("secret")) == "ValueError"
