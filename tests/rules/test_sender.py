"""Rights of those who submit: facts and decisions."""

import pytest

from mssante.model.address import Address
from mssante.model.decision import Decision, Kind, Permit, Refusal
from mssante.model.mailbox import AccountId, Identity, Method
from mssante.rules.sender import (
    SubmissionRecipientFacts,
    SubmissionSenderFacts,
    judge_submission_recipient,
    judge_submission_sender,
)

JEAN = Address("jean", "chu-valdore.mssante.fr")
OTHERS = [Address(name, "chu-valdore.mssante.fr") for name in ("cardiologie", "urgences", "accueil")]


def _identity(*addresses: Address) -> Identity:
    return Identity(AccountId(1), "jean", Method.PLAIN, {address.key: address for address in addresses}, frozenset())


@pytest.mark.parametrize(
    ("identity", "sender", "allowed"),
    [
        (_identity(JEAN), JEAN, True),
        (_identity(JEAN), Address("JEAN", "chu-valdore.mssante.fr"), True),
        (_identity(JEAN), None, True),
        (_identity(), None, False),
        (_identity(), JEAN, False),
        (_identity(JEAN), Address("jean", "medecin.mssante.fr"), False),
        (_identity(JEAN), OTHERS[0], False),
        (_identity(JEAN, *OTHERS), OTHERS[0], True),
    ],
)
def test_sender_is_one_that_the_identity_may_use(identity: Identity, sender: Address | None, allowed: bool) -> None:
    decision = judge_submission_sender(SubmissionSenderFacts(identity, sender))
    assert isinstance(decision, Permit) is allowed
    assert decision.rule == "rights"
    if isinstance(decision, Refusal):
        assert decision.kind is Kind.SENDER_NOT_ALLOWED


def test_the_french_text_names_the_addresses_that_may_be_used() -> None:
    decision = judge_submission_sender(SubmissionSenderFacts(_identity(JEAN, *OTHERS), Address("x", "y.fr")))
    assert isinstance(decision, Refusal)
    assert str(JEAN) in decision.french
    assert "accueil" not in decision.french
    assert "une autre de vos boîtes" in decision.french


def _decide(*, ours: bool = False, listed: bool = False, usable: bool = True) -> Decision:
    return judge_submission_recipient(
        SubmissionRecipientFacts(
            Address("secret", "exemple.com"),
            is_our_domain=ours,
            is_listed=listed,
            list_version="V1",
            list_usable=usable,
        )
    )


@pytest.mark.parametrize(
    ("ours", "listed", "usable", "kind"),
    [
        (True, False, False, None),
        (True, True, True, None),
        (False, True, True, None),
        (False, False, True, Kind.RECIPIENT_DOMAIN_UNLISTED),
        (False, True, False, Kind.LIST_UNAVAILABLE),
        (False, False, False, Kind.LIST_UNAVAILABLE),
    ],
)
def test_nothing_leaves_for_a_domain_that_is_neither_ours_nor_listed(
    ours: bool, listed: bool, usable: bool, kind: Kind | None
) -> None:
    decision = _decide(ours=ours, listed=listed, usable=usable)
    assert decision.rule == "R1"
    assert (decision.kind if isinstance(decision, Refusal) else None) is kind


def test_an_unlisted_domain_is_refused_with_the_fix_in_both_languages() -> None:
    decision = _decide()
    assert isinstance(decision, Refusal)
    assert decision.public.isascii()
    assert "exemple.com" in decision.public
    assert decision.french == (
        "Le domaine exemple.com n'est pas dans l'espace de confiance MSSanté : demandez une adresse MSSanté à votre "
        "correspondant, ou cherchez-la dans l'annuaire."
    )
    assert "secret" not in decision.public + decision.detail + decision.french
