"""When the boxes that a staff file does not name may be suspended at once."""

import pytest

from mssante.rules.absentees import AbsenceGuard, absence_fault


@pytest.mark.parametrize(
    ("absent", "in_scope", "refused", "share", "said"),
    [
        (0, 100, 0, 0.1, ""),
        (0, 100, 5, 0.1, ""),
        (10, 100, 0, 0.1, ""),
        (11, 100, 0, 0.1, "11 boîtes sur 100 absentes du fichier, soit 11 % (au plus 10 %)"),
        (11, 100, 0, 0.2, ""),
        # one may always go: the practice of three that somebody leaves
        (1, 3, 0, 0.1, ""),
        (2, 3, 0, 0.1, "--absent-max"),
        (1, 100, 1, 0.1, "une ligne est refusée"),
        (1, 100, 2, 1.0, "2 lignes sont refusées"),
    ],
)
def test_no_more_than_a_share_goes_and_none_while_lines_are_unclear(
    absent: int, in_scope: int, refused: int, share: float, said: str
) -> None:
    fault = absence_fault(absent, in_scope, refused, AbsenceGuard(share))
    assert said in fault
    assert bool(fault) is bool(said)
