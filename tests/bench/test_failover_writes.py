import pytest

from bench.failover_writes import Writes


def test_the_outage_is_the_longest_silence_that_reaches_past_the_death() -> None:
    writes = Writes({1: 10.0, 2: 10.25, 4: 17.5, 5: 17.75, 6: 18.5})
    assert writes.outage(10.5) == 7.25


def test_a_silence_after_the_first_new_acknowledgement_counts_too() -> None:
    assert Writes({1: 10.0, 2: 11.0, 3: 15.0}).outage(10.5) == 4.0


@pytest.mark.parametrize("since", [0.5, 2.5])
def test_there_is_no_outage_to_tell_with_one_side_only(since) -> None:
    with pytest.raises(ValueError, match="one side"):
        Writes({1: 1.0, 2: 2.0}).outage(since)
