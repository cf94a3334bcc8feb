"""XOAUTH2 and OAUTHBEARER: what is read, what is refused, what a refused token is told.

Source: clients.md 1.1; RFC 7628 sections 3.1 and 3.2.
"""

import json

import pytest

from mssante.model.errors import TheirProtocolError
from mssante.wire.sasl.bearer import BearerClaim, failure_challenge, read_oauthbearer, read_xoauth2
from mssante.wire.sasl.exchange import Challenge, start


def test_reads_the_national_form() -> None:
    found = start("XOAUTH2").step(b"user=anne@chu.mssante.fr\x01auth=Bearer ab.cd.ef\x01\x01")
    assert found == BearerClaim("XOAUTH2", "anne@chu.mssante.fr", "ab.cd.ef")
    assert "ab.cd" not in repr(found)
    assert isinstance(start("XOAUTH2").step(None), Challenge)


@pytest.mark.parametrize(
    ("data", "user"),
    [
        (b"n,a=anne@chu.mssante.fr,\x01host=x\x01port=143\x01auth=Bearer ab.cd\x01\x01", "anne@chu.mssante.fr"),
        (b"y,a=a=2Cb=3Dc,\x01auth=bearer ab.cd\x01\x01", "a,b=c"),
        (b"n,,\x01auth=Bearer ab.cd\x01\x01", ""),
    ],
)
def test_reads_the_standard_form(data: bytes, user: str) -> None:
    assert read_oauthbearer(data) == BearerClaim("OAUTHBEARER", user, "ab.cd")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"user=a",
        b"user=\x01auth=Bearer x\x01\x01",
        b"user=a\x01auth=Basic x\x01\x01",
        b"user=a\x01auth=Bearer x\x01",
        b"user=a\x01auth=Bearer x y\x01\x01",
        b"user=a\x01auth=Bearer \x01\x01",
        b"user=a\x01auth=Bearer x\x01more=1\x01\x01",
        b"user=a\r\nb\x01auth=Bearer x\x01\x01",
        b"user=" + b"a" * 256 + b"\x01auth=Bearer x\x01\x01",
        b"user=a\x01auth=Bearer " + b"x" * 16385 + b"\x01\x01",
        b"user=\xff\x01auth=Bearer x\x01\x01",
    ],
)
def test_refuses_another_form_of_xoauth2(data: bytes) -> None:
    with pytest.raises(TheirProtocolError):
        read_xoauth2(data)


@pytest.mark.parametrize(
    "data",
    [
        b"n,a=u,",
        b"p=tls-unique,a=u,\x01auth=Bearer x\x01\x01",
        b"n,u,\x01auth=Bearer x\x01\x01",
        b"n,a=u\x01auth=Bearer x\x01\x01",
        b"n,a=u,\x01auth=Bearer x\x01",
        b"n,a=u,\x01host=x\x01\x01",
        b"n,a=u,\x01auth=Bearer x\x01auth=Bearer y\x01\x01",
    ],
)
def test_refuses_another_form_of_oauthbearer(data: bytes) -> None:
    with pytest.raises(TheirProtocolError):
        read_oauthbearer(data)


def test_a_refused_token_is_told_why() -> None:
    assert json.loads(failure_challenge("XOAUTH2", "")) == {
        "status": "401",
        "schemes": "bearer",
        "scope": "openid scope_all",
    }
    said = json.loads(failure_challenge("OAUTHBEARER", "https://psc.test/d"))
    assert said["status"] == "invalid_token"
    assert said["openid-configuration"] == "https://psc.test/d"
