"""Access tokens: the good ones, and every bad one of the catalogue.

Source: reliability.md E03; RFC 8725.
"""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from forge import NOW
from joserfc import jws
from provider import ISSUER, RPPS, ECKey, Provider, RSAKey
from standins import KeptLog, SteppingClock

from mssante.links.identity import TokenVerifier
from mssante.model.decision import Kind, Refusal
from mssante.model.settings import IdentitySettings
from mssante.model.token import TokenFacts


def verifier(provider: Provider, clock: SteppingClock, **settings: object) -> TokenVerifier:
    made = IdentitySettings(issuer=ISSUER, **{"audience": ("mssante",), **settings})  # type: ignore[arg-type]
    return TokenVerifier(made, ask=provider.ask, secret="s3cret", clock=clock, log=KeptLog())


@pytest.fixture(scope="module")
def shared() -> Provider:
    return Provider()


@pytest.fixture
def provider(shared: Provider) -> Provider:
    made = Provider.__new__(Provider)
    made.__dict__.update(shared.__dict__, keys=dict(shared.keys), down=False, asked=[], active={}, headers={})
    return made


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


async def test_a_good_token_says_who_it_is(provider: Provider, clock: SteppingClock) -> None:
    found = await verifier(provider, clock).check(provider.token())
    assert found == TokenFacts(ISSUER, "f:1:2", f"8{RPPS}", NOW + timedelta(seconds=240))


def b64(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(provider: Provider) -> str:
    return f"{b64({'alg': 'none', 'kid': 'k1'})}.{b64(provider.claims())}."


def with_public_key_as_secret(provider: Provider) -> str:
    pem = (
        provider.keys["k1"]
        .raw_value.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    # The library refuses such a key, an attacker's does not.
    head, claims = b64({"alg": "HS256", "kid": "k1"}), b64(provider.claims())
    import hashlib
    import hmac

    mac = hmac.new(pem, f"{head}.{claims}".encode(), hashlib.sha256).digest()
    return f"{head}.{claims}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def signed_by_a_stranger(provider: Provider, **header: object) -> str:
    stranger = RSAKey.generate_key(2048, {"kid": "k1"})
    made = {"alg": "RS256", "kid": "k1", **header}
    return jws.serialize_compact(made, json.dumps(provider.claims()), stranger, algorithms=["RS256"])


def cut(token: str, part: int) -> str:
    parts = token.split(".")
    parts[part] = parts[part][:-4] + "AAAA"
    return ".".join(parts)


SECONDS = int(NOW.timestamp())
BAD = {
    "empty": lambda p: "",
    "one word": lambda p: "abc",
    "two parts": lambda p: "a.b",
    "encrypted, five parts": lambda p: "a.b.c.d.e",
    "a megabyte": lambda p: "a" * 1_000_000,
    "alg none": unsigned,
    "alg None with a signature": lambda p: unsigned(p) + "abcd",
    "HS256 with the public key": with_public_key_as_secret,
    "signed by a stranger": signed_by_a_stranger,
    "a stranger's key by jku": lambda p: signed_by_a_stranger(p, jku="https://evil.test/keys"),
    "a stranger's key by x5u": lambda p: signed_by_a_stranger(p, x5u="https://evil.test/cert"),
    "header changed": lambda p: cut(p.token(), 0),
    "claims changed": lambda p: cut(p.token(), 1),
    "signature changed": lambda p: cut(p.token(), 2),
    "kid unknown": lambda p: p.token(header={"kid": "other"}),
    "kid of a path": lambda p: p.token(header={"kid": "../../etc/passwd"}),
    "kid of a query": lambda p: p.token(header={"kid": "x' OR 1=1 --"}),
    "kid a number": lambda p: f"{b64({'alg': 'RS256', 'kid': 7})}.{b64(p.claims())}.abcd",
    "crit header": lambda p: f"{b64({'alg': 'RS256', 'kid': 'k1', 'crit': ['b64']})}.{b64(p.claims())}.abcd",
    "another issuer": lambda p: p.token(iss="https://other.test"),
    "issuer with a slash": lambda p: p.token(iss=ISSUER + "/"),
    "issuer missing": lambda p: p.token(iss=None),
    "another audience": lambda p: p.token(aud="other", azp="third"),
    "audience a list of others": lambda p: p.token(aud=["a", "b"], azp=None),
    "audience an object": lambda p: p.token(aud={"mssante": True}, azp=None),
    "over": lambda p: p.token(exp=SECONDS - 61),
    "exp missing": lambda p: p.token(exp=None),
    "exp a text": lambda p: p.token(exp="2030"),
    "exp true": lambda p: p.token(exp=True),
    "exp without end": lambda p: p.token(exp=1e300),
    "exp in the first year": lambda p: p.token(exp=-62135596800),
    "not before, in the last year": lambda p: p.token(nbf=253402300799),
    "not before, later": lambda p: p.token(nbf=SECONDS + 120),
    "issued in the future": lambda p: p.token(iat=SECONDS + 120),
    "an id token": lambda p: p.token(typ="ID"),
    "a refresh token": lambda p: p.token(typ="Refresh"),
    "no subject": lambda p: p.token(sub=None),
    "subject a number": lambda p: p.token(sub=7),
    "no national number": lambda p: p.token(SubjectNameID=None, preferred_username=None),
    "national number a list": lambda p: p.token(SubjectNameID=["8"], preferred_username=None),
}


@pytest.mark.parametrize("name", BAD)
async def test_refuses(provider: Provider, clock: SteppingClock, name: str) -> None:
    found = await verifier(provider, clock).check(BAD[name](provider))
    assert isinstance(found, Refusal), found
    assert found.kind is Kind.SIGN_IN_FAILED
    assert not any("evil" in url for url in provider.asked)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["other", "mssante"]},
        {"aud": "other", "azp": "mssante"},
        {"exp": SECONDS - 59},
        {"nbf": SECONDS + 59},
        {"exp": 253402300799},
        {"nbf": -62135596800},
        {"iat": -62135596800},
    ],
)
async def test_accepts_what_the_standard_allows(
    provider: Provider, clock: SteppingClock, changes: dict[str, Any]
) -> None:
    assert isinstance(await verifier(provider, clock).check(provider.token(**changes)), TokenFacts)


async def test_a_new_key_is_found_and_looks_are_few(provider: Provider, clock: SteppingClock) -> None:
    checked = verifier(provider, clock)
    assert isinstance(await checked.check(provider.token()), TokenFacts)
    provider.keys["k2"] = ECKey.generate_key("P-256", {"kid": "k2"})
    new = provider.token("k2", {"alg": "ES256"})
    looks = len(provider.asked)
    for _ in range(5):
        assert isinstance(await checked.check(new), Refusal)
    assert len(provider.asked) == looks, "a stranger makes us ask the provider"
    clock.now += timedelta(seconds=31)
    assert isinstance(await checked.check(new), TokenFacts)


async def test_the_last_good_keys_stay_when_the_provider_is_down(provider: Provider, clock: SteppingClock) -> None:
    checked = verifier(provider, clock)
    assert isinstance(await checked.check(provider.token()), TokenFacts)
    provider.down = True
    clock.now += timedelta(seconds=31)
    assert isinstance(await checked.check(provider.token(header={"kid": "k9"})), Refusal)
    assert isinstance(await checked.check(provider.token(sub="other")), TokenFacts)


async def test_without_any_key_the_refusal_is_temporary(provider: Provider, clock: SteppingClock) -> None:
    provider.down = True
    checked = verifier(provider, clock)
    found = await checked.check(provider.token())
    assert isinstance(found, Refusal)
    assert (found.kind, found.is_temporary) == (Kind.IDENTITY_UNAVAILABLE, True)
    provider.down = False
    assert isinstance(await checked.check(provider.token()), TokenFacts)


async def test_a_verified_token_is_remembered_until_it_ends(provider: Provider, clock: SteppingClock) -> None:
    checked = verifier(provider, clock)
    token = provider.token()
    assert isinstance(await checked.check(token), TokenFacts)
    provider.keys.clear()
    assert isinstance(await checked.check(token), TokenFacts)
    clock.now += timedelta(seconds=301)
    assert isinstance(await checked.check(token), Refusal)


async def test_the_provider_is_asked_when_the_settings_say_so(provider: Provider, clock: SteppingClock) -> None:
    checked = verifier(provider, clock, mode="introspection", client_id="nous")
    provider.active["opaque"] = provider.claims(iss=None)
    assert isinstance(await checked.check("opaque"), TokenFacts)
    assert provider.headers["Authorization"] == "Basic " + base64.b64encode(b"nous:s3cret").decode()
    assert provider.asked == [f"{ISSUER}/.well-known/openid-configuration", f"{ISSUER}/introspect"]
    del provider.active["opaque"]
    assert isinstance(await checked.check("opaque"), Refusal)
    provider.active["wrong"] = provider.claims(iss="https://other.test")
    assert isinstance(await checked.check("wrong"), Refusal)


async def test_the_provider_describes_itself_once_an_hour(provider: Provider, clock: SteppingClock) -> None:
    checked = verifier(provider, clock, mode="introspection")
    provider.active["opaque"] = provider.claims(exp=SECONDS + 10_000)

    async def looks() -> int:
        assert isinstance(await checked.check("opaque"), TokenFacts)
        return sum(url.endswith("openid-configuration") for url in provider.asked)

    assert [await looks() for _ in range(3)] == [1, 1, 1]
    clock.now += timedelta(hours=1)
    assert [await looks() for _ in range(2)] == [2, 2]


async def test_a_description_that_lacks_something_is_asked_for_again(
    provider: Provider, clock: SteppingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = verifier(provider, clock, mode="introspection")
    provider.active["opaque"] = provider.claims()
    whole = provider.ask

    async def empty(url: str, **_facts: object) -> bytes:
        return b"{}"

    monkeypatch.setattr(checked, "_ask", empty)
    found = await checked.check("opaque")
    assert isinstance(found, Refusal)
    assert found.is_temporary
    monkeypatch.setattr(checked, "_ask", whole)
    assert isinstance(await checked.check("opaque"), TokenFacts)


async def test_our_name_and_secret_are_form_encoded(provider: Provider, clock: SteppingClock) -> None:
    checked = verifier(provider, clock, mode="introspection", client_id="nous:deux%")
    await checked.check("opaque")
    assert base64.b64decode(provider.headers["Authorization"][6:]) == b"nous%3Adeux%25:s3cret"
