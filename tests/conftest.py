"""What all tests share: where the reference data lie, and the rule that continuous integration skips nothing."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of reference data beside the repository, or skip."""
    folder = ROOT.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip(
            f"reference data not there: {folder} (they are not part of the repository)", allow_module_level=True
        )
    return folder


def _unexpected_skips(reporter: pytest.TerminalReporter) -> list[str]:
    """Return the skipped tests that are not marked ``optional``, each with its reason."""
    found = []
    for report in reporter.stats.get("skipped", []):
        if "optional" in report.keywords or not isinstance(report.longrepr, tuple):
            continue
        found.append(f"{report.nodeid}: {report.longrepr[2]}")
    return found


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run when CI=true and a test was skipped: a check that does not run proves nothing."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") != "true" or reporter is None or session.config.option.collectonly:
        return
    if _unexpected_skips(reporter) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the skipped tests that fail a run of continuous integration."""
    if os.environ.get("CI") != "true":
        return
    for line in _unexpected_skips(terminalreporter):
        terminalreporter.write_line(f"skipped, which fails the run when CI=true: {line}", red=True)
