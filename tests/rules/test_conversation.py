"""Who may write to whom when one of them is a citizen: tables of facts."""

import pytest

from mssante.model.address import Address, parse_address
from mssante.model.message import Summary
from mssante.rules.conversation import Exchange, exchange_of, is_end, judge_answer

DOCTOR = parse_address("dr@chu.mssante.fr")
DESK = parse_address("secretariat@chu.mssante.fr")
CITIZEN = Address("279035121518989", "patient.mssante.fr")


@pytest.mark.parametrize(
    ("sender", "summary", "expected"),
    [
        (DOCTOR, Summary(from_addresses=(DOCTOR,)), Exchange((DOCTOR,), ends=False)),
        (DOCTOR, Summary(), Exchange((DOCTOR,), ends=False)),
        (DOCTOR, Summary(from_addresses=(DOCTOR,), reply_to=(DESK,)), Exchange((DESK,), ends=False)),
        (DOCTOR, Summary(reply_to=(CITIZEN, DESK)), Exchange((DESK,), ends=False)),
        (DOCTOR, Summary(national={"x-mss-mes": "FIN"}), Exchange((DOCTOR,), ends=True)),
        (DOCTOR, Summary(subject="[FIN]"), Exchange((DOCTOR,), ends=True)),
        (CITIZEN, Summary(), Exchange((), ends=False)),
        (None, Summary(reply_to=(DESK,)), Exchange((), ends=False)),
    ],
)
def test_what_a_message_to_a_citizen_does(sender: Address | None, summary: Summary, expected: Exchange) -> None:
    assert exchange_of(sender, summary) == expected


@pytest.mark.parametrize("subject", ["[fin]", "Re: [FIN]", "[FIN] ", "FIN"])
def test_only_the_exact_subject_or_field_ends(subject: str) -> None:
    assert not is_end(Summary(subject=subject))
    assert not is_end(Summary(national={"x-mss-mes": "fin"}))


def test_a_citizen_answers_only_where_an_exchange_is_open() -> None:
    assert judge_answer(is_open=True) is None
    refusal = judge_answer(is_open=False)
    assert refusal is not None
    assert (refusal.rule, refusal.is_temporary) == ("conversation", False)
