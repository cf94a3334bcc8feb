"""Fuzz target: delivery notices of any bytes; runs under atheris or hypothesis."""

from mssante.wire.mime.dsn_read import RECIPIENTS_MAX, read_notice


def one_input(data: bytes) -> None:
    found = read_notice(data)
    if found is None:
        return
    assert len(found.told) <= RECIPIENTS_MAX
    for one in found.told:
        assert not one.status or one.status[0] in "245"
        assert "\n" not in one.reply + one.action + found.envelope_id
