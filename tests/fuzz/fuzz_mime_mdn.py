"""Fuzz target: receipts of any bytes; runs under atheris or hypothesis."""

from mssante.wire.mime.mdn import asks_for_receipt
from mssante.wire.mime.mdn_read import answered_ids, read_error_subject, read_mdn

_PART = b"Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\n"


def one_input(data: bytes) -> None:
    for whole in (data, _PART + data):
        found = read_mdn(whole)
        if found is not None:
            assert len(found.label) <= 200
            assert len(found.code) <= 8
            assert "\n" not in found.label + found.code + found.reporting_ua + found.original_message_id
            assert not found.code or found.code.isdigit()
    assert len(answered_ids(data)) <= 4
    read_error_subject(data.decode("utf-8", "replace"))
    asks_for_receipt(data, None)
