"""The table of replies is whole and of the right class; credentials are read with their bounds."""

import base64
import hashlib

import pytest
from fhir_shelf import Gatekeeper

from mssante.doors.directory.answers import REPLIES, problem, refused
from mssante.doors.directory.credentials import ApiKey, ApiKeys, Basic, Bearer, Credentials, read_credentials
from mssante.model.decision import TEMPORARY, Kind, Refusal
from mssante.model.directory import Caller

ISSUE_TYPES = {
    "invalid", "login", "forbidden", "security", "not-supported", "duplicate", "multiple-matches", "not-found", "too-long", "too-costly",
    "business-rule", "transient", "throttled", "exception",
}  # fmt: skip
OF_THE_DRAFT = {
    Kind.ENTRY_UNKNOWN: (404, "MSG_NO_EXIST"),
    Kind.ENTRY_AMBIGUOUS: (412, "SEARCH_MULTIPLE"),
    Kind.ADDRESS_TAKEN: (422, "MSG_PARAM_NO_REPEAT"),
    Kind.QUERY_UNCLEAR: (400, "MSG_BAD_FORMAT"),
    Kind.SYNTAX: (400, "MSG_BAD_FORMAT"),
    Kind.SIGN_IN_REQUIRED: (401, ""),
    Kind.NOT_YOURS: (403, ""),
    Kind.BUDGET_SPENT: (429, ""),
    Kind.DIRECTORY_UNAVAILABLE: (503, ""),
}


def test_the_table_is_whole() -> None:
    assert set(REPLIES) == set(Kind)
    assert {reply.issue for reply in REPLIES.values()} <= ISSUE_TYPES


@pytest.mark.parametrize("kind", list(Kind))
def test_every_reply_is_of_the_right_class(kind: Kind) -> None:
    reply = REPLIES[kind]
    comes_back = reply.status in {429, 503}
    assert comes_back == (kind in TEMPORARY), kind
    assert comes_back == (reply.retry_seconds > 0)
    assert 400 <= reply.status < 600
    assert reply.french.endswith((".", "?"))
    for answer in (refused(Refusal(kind, "x", "words")), problem(Refusal(kind, "x", "words"))):
        assert answer.status_code == reply.status
        assert ("retry-after" in answer.headers) == comes_back
        assert ("www-authenticate" in answer.headers) == (reply.status == 401)


@pytest.mark.parametrize(("kind", "reply"), OF_THE_DRAFT.items())
def test_what_the_draft_names_is_as_it_names_it(kind: Kind, reply: tuple[int, str]) -> None:
    assert (REPLIES[kind].status, REPLIES[kind].message) == reply


def basic(text: bytes) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(text).decode()}


@pytest.mark.parametrize(
    ("headers", "shown"),
    [
        ({}, None),
        ({"esante-api-key": "k"}, ApiKey("k")),
        ({"esante-api-key": "k", "authorization": "Bearer t"}, ApiKey("k")),
        ({"esante-api-key": "k" * 20_000}, None),
        ({"authorization": "Bearer t"}, Bearer("t")),
        ({"authorization": "Bearer"}, None),
        ({"authorization": "Bearer " + "t" * 20_000}, None),
        ({"authorization": "Digest x"}, None),
        (basic("jean:é:x".encode()), Basic("jean", "é:x")),
        (basic(b"jean"), None),
        (basic(b":x"), None),
        (basic(b"\xff:x"), None),
        ({"authorization": "Basic !!"}, None),
    ],
)
def test_credentials_are_read(headers: dict[str, str], shown: Credentials | None) -> None:
    assert read_credentials(headers) == shown


def test_keys_are_known_by_their_digest_only() -> None:
    keys = ApiKeys({hashlib.sha256(b"a").digest(): Caller("a"), hashlib.sha256(b"b").digest(): Caller("b")})
    assert keys.caller("a") == Caller("a")
    assert keys.caller("b") == Caller("b")
    assert keys.caller("") is keys.caller("\ud800") is keys.caller("c") is None
    assert Gatekeeper().keys.caller("cle-du-chu") is not None
