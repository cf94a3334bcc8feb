"""Sign-in mechanisms."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.errors import OurProtocolError, TheirProtocolError
from mssante.wire.sasl.exchange import Challenge, ExternalClaim, PlainCredentials, start


def test_without_initial_response_an_empty_challenge_comes_first() -> None:
    exchange = start("PLAIN")
    assert exchange.step(None) == Challenge(b"")
    assert exchange.step(b"\0u\0p") == PlainCredentials("", "u", "p")


def test_plain_takes_an_identity_to_act_for_and_utf8() -> None:
    assert start("PLAIN").step("z\0é\0mot de passe".encode()) == PlainCredentials("z", "é", "mot de passe")


def test_external_takes_a_name_or_nothing() -> None:
    assert start("EXTERNAL").step(b"") == ExternalClaim("")
    assert start("EXTERNAL").step(b"dpi@chu.mssante.fr") == ExternalClaim("dpi@chu.mssante.fr")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"u\0p",
        b"\0\0p",
        b"\0u\0",
        b"\0u\0p\0",
        b"\0\xff\0p",
        b"\0" + b"u" * 256 + b"\0p",
        b"\0u\0" + b"p" * 1025,
        b"x" * 9217,
    ],
)
def test_malformed_plain_is_refused(data: bytes) -> None:
    with pytest.raises(TheirProtocolError):
        start("PLAIN").step(data)


@pytest.mark.parametrize("data", [b"a\0b", b"\xff", b"x" * 256])
def test_malformed_external_is_refused(data: bytes) -> None:
    with pytest.raises(TheirProtocolError):
        start("EXTERNAL").step(data)


def test_an_unknown_mechanism_is_our_bug() -> None:
    with pytest.raises(OurProtocolError):
        start("CRAM-MD5")


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(start("PLAIN").step(b"\0u\0secret"))


@given(st.sampled_from(["PLAIN", "EXTERNAL"]), st.binary(max_size=60))
def test_any_bytes_are_a_claim_or_their_error(mechanism: str, data: bytes) -> None:
    with contextlib.suppress(TheirProtocolError):
        assert isinstance(start(mechanism).step(data), PlainCredentials | ExternalClaim)
