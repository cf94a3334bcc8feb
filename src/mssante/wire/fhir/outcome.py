"""OperationOutcome: how it went, for programs (codes) and for those who write them (French, and the exact part).

Source: FHIR R4 operationoutcome; operators.md 4.5 (errors as OperationOutcome), 4.6 (MSG_ codes).
"""

from typing import Final

import msgspec

from mssante.model.errors import TheirProtocolError
from mssante.wire.fhir.resources import CodeableConcept, Coding, Issue, OperationOutcome

MESSAGES: Final = "http://terminology.hl7.org/CodeSystem/operation-outcome"
READ_MAX_BYTES: Final = 64 * 1024
_TEXT_MAX_CHARS: Final = 300


class _ReadCoding(msgspec.Struct):
    code: str = ""


class _ReadDetails(msgspec.Struct):
    coding: list[_ReadCoding] = msgspec.field(default_factory=list)
    text: str = ""


class _ReadIssue(msgspec.Struct):
    code: str = ""
    details: _ReadDetails | None = None
    diagnostics: str = ""


class _ReadOutcome(msgspec.Struct):
    issue: list[_ReadIssue] = msgspec.field(default_factory=list)


_DECODER: Final = msgspec.json.Decoder(_ReadOutcome)


def issue(severity: str, code: str, text: str, *, message: str = "", diagnostics: str = "") -> Issue:
    """Return one issue.

    Args:
        severity: error, warning or information.
        code: of the value set issue-type.
        text: in French.
        message: code of the national interface, ``MSG_NO_EXIST``, or "".
        diagnostics: which part, in the words of the program.
    """
    coding = (Coding(system=MESSAGES, code=message),) if message else ()
    return Issue(severity, code, CodeableConcept(coding, text), diagnostics)


def outcome(*issues: Issue) -> OperationOutcome:
    """Return the resource that says it."""
    return OperationOutcome(tuple(issues))


def read_reason(body: bytes) -> str:
    """Return what another server's OperationOutcome says, in one line without control characters; "" when nothing.

    Raises:
        TheirProtocolError: it is no OperationOutcome.
    """
    said = []
    for one in _read(body).issue[:5]:
        codes = " ".join([coding.code for coding in one.details.coding[:3]]) if one.details else ""
        text = one.details.text if one.details else ""
        said.append(" ".join(f"{codes} {text} {one.diagnostics}".split()))
    line = " ; ".join([one for one in said if one])
    return "".join([char for char in line if char.isprintable()])[:_TEXT_MAX_CHARS]


def read_codes(body: bytes) -> frozenset[str]:
    """Return the codes of the issues of an OperationOutcome; none when it is not one."""
    try:
        return frozenset(one.code for one in _read(body).issue[:5])
    except TheirProtocolError:
        return frozenset()


def _read(body: bytes) -> _ReadOutcome:
    if len(body) > READ_MAX_BYTES:
        msg = f"the answer is longer than {READ_MAX_BYTES} bytes"
        raise TheirProtocolError(msg)
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        msg = "the answer is no OperationOutcome"
        raise TheirProtocolError(msg) from error
