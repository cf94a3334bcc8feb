"""``mssante scale``: every assumption is an option, the figures are those that were measured."""

import dataclasses
import json
from pathlib import Path

import pytest

from mssante.app.cli.main import OK, USAGE, run
from mssante.model.scale import Figures, House, Load

PERFORMANCE = Path(__file__).parents[3] / "docs" / "performance.json"


def test_four_sizes_are_shown_with_a_chart(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scale"]) == OK
    said = capsys.readouterr().out
    for word in ("hôpital", "nation", "1\u202f200\u202f000", "oui, et une de secours", "█", "Euros par boîte"):
        assert word in said


def test_each_assumption_changes_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    def answer(*options: str) -> dict[str, object]:
        assert run(["scale", "--mailboxes", "300000", *options, "--json"]) == OK
        return dict(json.loads(capsys.readouterr().out)[0])

    usual = answer()
    for kind in (Load, Figures, House):
        for field in dataclasses.fields(kind):
            if field.name == "mailboxes":
                continue
            name = f"--{field.name.replace('_', '-').removesuffix('-bytes')}"
            value = field.default * 50 if field.default else 1
            # What is bounded by something else changes by a large factor one way or the other.
            others = [answer(name, f"{one:.0f}" if isinstance(field.default, int) else str(one))
                      for one in (value, max(1, field.default // 50) if isinstance(field.default, int)
                                  else field.default / 50)]  # fmt: skip
            assert any(other != usual for other in others), name


def test_what_cannot_be_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scale", "--burst", "0"]) == USAGE
    assert "plus de 0" in capsys.readouterr().err


def test_the_figures_are_those_of_the_page() -> None:
    measured = json.loads(PERFORMANCE.read_text())
    figures = Figures()
    assert figures.small_seconds == pytest.approx(1 / measured["smtp_visible_4k_c10"]["value"], rel=0.01)
    assert figures.mebibyte_seconds == pytest.approx(1 / measured["smtp_accepted_1m_c10"]["value"], rel=0.01)
    assert figures.shared_share == pytest.approx(measured["cluster_visible_4k_1node"]["ratio"], rel=0.05)
    assert figures.connection_bytes == pytest.approx(measured["imap_idle_connection_memory"]["value"] * 1024, rel=0.01)


def test_the_page_shows_what_the_command_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scale"]) == OK
    assert capsys.readouterr().out.rstrip() in (PERFORMANCE.parent / "scale.md").read_text()
