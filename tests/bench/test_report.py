import json

import pytest

from bench.report import Figure, Row, Series, figure_table, memory_table, merged, ratio, row_table, spliced

FIGURE = Figure("smtp_accepted_4k_c10", 2000.4, "messages/s", "Postfix", 1000.0, 2)
MEMORY = Figure("operator_idle_memory", 80.0, "MB", "Postfix + Dovecot", 40.0, 1, smaller_is_better=True)


def test_a_ratio_above_one_means_that_we_are_better() -> None:
    assert ratio(300, 200) == 1.5
    assert ratio(300, 200, smaller_is_better=True) == 0.67


@pytest.mark.parametrize(("value", "peer_value"), [(0, 1), (1, 0), (-1, 1)])
def test_no_ratio_is_made_of_a_measure_that_failed(value: float, peer_value: float) -> None:
    with pytest.raises(ValueError, match="above zero"):
        ratio(value, peer_value)


def test_each_entry_has_the_promised_keys() -> None:
    entries = json.loads(merged("", [FIGURE, MEMORY], command="script/bench smtp", date="2026-01-02"))
    assert entries["smtp_accepted_4k_c10"] == {
        "value": 2000,
        "unit": "messages/s",
        "peer": "Postfix",
        "peer_value": 1000,
        "ratio": 2.0,
        "command": "script/bench smtp",
        "date": "2026-01-02",
    }
    assert entries["operator_idle_memory"]["ratio"] == 0.5


def test_entries_of_other_benchmarks_are_kept() -> None:
    before = json.dumps({"imap_login": {"value": 1}, "operator_idle_memory": {"value": 2}})
    entries = json.loads(merged(before, [MEMORY], command="c", date="d"))
    assert entries["imap_login"] == {"value": 1}
    assert entries["operator_idle_memory"]["value"] == 80.0


def test_only_the_part_between_its_markers_is_replaced() -> None:
    page = "# Title\n\n<!-- smtp: measured -->\nold\n<!-- smtp: end -->\n\nprose by hand\n"
    assert spliced(page, "smtp", "new") == (
        "# Title\n\n<!-- smtp: measured -->\n\nnew\n\n<!-- smtp: end -->\n\nprose by hand\n"
    )


def test_a_part_that_is_not_there_is_added_and_then_found() -> None:
    page = spliced("# Title\n", "imap", "one")
    assert page == "# Title\n\n<!-- imap: measured -->\n\none\n\n<!-- imap: end -->\n"
    assert spliced(page, "imap", "two") == page.replace("one", "two")


def test_a_marker_without_its_end_is_an_error_and_nothing_is_lost() -> None:
    with pytest.raises(ValueError, match="smtp: end"):
        spliced("<!-- smtp: measured -->\nold", "smtp", "new")


def test_the_table_says_plainly_when_a_target_is_not_reached() -> None:
    first, second = figure_table([FIGURE, MEMORY]).splitlines()[2:]
    assert first.endswith("| **2.0** | 2 | yes |")
    assert second.endswith("| **0.5** | 1 | no |")


def test_a_row_quotes_medians_and_the_spread() -> None:
    row = Row("4 KiB", Series((30.0, 10.0, 20.0), (1.0, 3.0, 2.0), (5.0,), (9.0,)), Series((5.0, 4.0, 6.0)))
    assert row.ratio == 4.0
    line = row_table("size", "Postfix", [row]).splitlines()[-1]
    assert line == "| 4 KiB | 20.0 (10.0 - 30.0) | 5.0 (4.0 - 6.0) | **4.0** | 2.00 | - | 5.0 / 9.0 | - |"


def test_memory_is_given_in_megabytes() -> None:
    assert memory_table({"ours": (1, 2_000_000, 1_500_000)}).splitlines()[-1] == "| ours | 1 | 2.0 MB | 1.5 MB |"
