"""The fuzz targets of SMTP and sign-in, run in small by hypothesis on bytes that look like the protocol."""

import pytest
from fuzzing import target
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

WORDS = [
    b"EHLO x\r\n", b"MAIL FROM:<a@b.fr>", b"RCPT TO:<c@d.fr>", b"DATA\r\n", b"\r\n.\r\n", b"\r\n", b".", b"..", b"\r", b"\n", b"\0",
    b"RSET\r\n", b"STARTTLS\r\n", b"AUTH PLAIN ", b"AGEAYg==\r\n", b"*\r\n", b" SIZE=10", b" SMTPUTF8", b" NOTIFY=NEVER", b" ORCPT=rfc822;a",
    b"QUIT\r\n", b"NOOP\r\n", b"BDAT 5 LAST\r\n", b"250 Ok\r\n", b"250-Ok\r\n", b"354 go\r\n", b"421 bye\r\n", b"2.1.0 ", b"x" * 90,
]  # fmt: skip
INPUT = st.tuples(
    st.binary(min_size=1, max_size=1), st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=8)), max_size=40)
).map(lambda found: found[0] + b"".join(found[1]))


@pytest.mark.parametrize("name", ["fuzz_smtp_server", "fuzz_smtp_client", "fuzz_smtp_data"])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=INPUT)
def test_target_holds_on_bytes_that_look_like_the_protocol(name: str, data: bytes) -> None:
    TARGETS[name](data)


TARGETS = {name: target(name) for name in ("fuzz_smtp_server", "fuzz_smtp_client", "fuzz_smtp_data")}
