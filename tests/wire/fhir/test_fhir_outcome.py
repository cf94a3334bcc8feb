"""What other servers say went wrong: one line, bounded, whatever they send."""

import pytest
from fuzzing import target
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mssante.model.errors import TheirProtocolError
from mssante.wire.fhir.outcome import issue, outcome, read_codes, read_reason
from mssante.wire.fhir.resources import encode


def test_our_own_words_are_read() -> None:
    raw = encode(outcome(issue("error", "duplicate", "Déjà connue", message="MSG_PARAM_NO_REPEAT", diagnostics="a@b")))
    assert read_reason(raw) == "MSG_PARAM_NO_REPEAT Déjà connue a@b"
    assert read_codes(raw) == {"duplicate"}


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"x"}]}', ""),
        (b'{"issue":[{"details":{"text":"a\\nb\\u0000c"},"expression":["x"]},{"diagnostics":"d"}]}', "a bc ; d"),
        (b'{"issue":[{"details":{"text":"' + b"x" * 1000 + b'"}}]}', "x" * 300),
        (b"{}", ""),
    ],
)
def test_reasons_are_one_short_line(raw: bytes, said: str) -> None:
    assert read_reason(raw) == said


@pytest.mark.parametrize("raw", [b"", b"<html>", b"[]", b'{"issue":1}', b"\xff", b'{"issue":[' * 50_000, b" " * 70_000])
def test_what_is_no_outcome_is_said_to_be_none(raw: bytes) -> None:
    with pytest.raises(TheirProtocolError):
        read_reason(raw)
    assert read_codes(raw) == frozenset()


WORDS = [
    b'{"resourceType":"Parameters","parameter":[', b'{"name":"operation","part":[', b'{"name":"type","valueCode":"replace"},', b'"delete"', b'"insert"',
    b'{"name":"path","valueString":"Organization.telecom', b".where(value = '", b"a@b.mssante.fr')", b'.rank"}', b'"}', b",", b'{"name":"value","valueContactPoint":{',
    b'"system":"email"', b'"extension":[{"url":"type"', b"]}", b"]", b"}", b"identifier=", b"&name:contains=", b"%40", b"\\", b"|", b"_lastUpdated=ge2026", b"'", b"\0", b"\xff",
]  # fmt: skip
FHIR = target("fuzz_fhir")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=6)), max_size=30).map(b"".join))
def test_the_readers_hold_on_bytes_that_look_like_patches_and_searches(data: bytes) -> None:
    FHIR(data)
