"""What all tests share: where the reference data lie, and the rule that continuous integration skips nothing else."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from mssante.app.sandbox import authority as ca
from mssante.app.sandbox.keys import new_keys
from mssante.app.sandbox.pki import Legal, SandboxPki, bad_certificates, new_pki

ROOT = Path(__file__).resolve().parent.parent
NO_REFERENCE_DATA = "reference data not there"


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


@dataclass(frozen=True, slots=True)
class PkiKit:
    """A PKI made once for all tests: a handful of keys, ready certificates.

    Attributes:
        now: when it was made; certificates are good from one hour before to a year after.
        keys: four spare keys; the first is the one of `operator` and of the bad certificates.
        operator: a SERV SSL certificate of mss.chu-valdore.fr.
        other: one of mss.rivalie.fr, another legal person.
        application: an ORG AUTH_CLI certificate.
        signer: an ORG SIGN certificate.
        bad: expired, not-yet-valid, revoked, other-authority, other-name.
    """

    now: datetime
    pki: SandboxPki
    keys: tuple[RSAPrivateKey, ...]
    operator: ca.Issued
    other: ca.Issued
    application: ca.Issued
    signer: ca.Issued
    bad: dict[str, ca.Issued]


@pytest.fixture(scope="session")
def pki() -> PkiKit:
    """Return the PKI that tests share."""
    now = datetime.now(UTC).replace(microsecond=0)
    keys = tuple(new_keys(4))
    made = new_pki(keys[2], keys[3], now, base_url="https://127.0.0.1:1")
    hospital = Legal("CHU DE VALDORÉ", "1310000108", "Haute-Garonne (31)")
    regional = Legal("GRADES RIVALIE", "1860000108", "Vienne (86)")
    return PkiKit(
        now=now,
        pki=made,
        keys=keys,
        operator=made.server(hospital, "mss.chu-valdore.fr", key=keys[0], now=now),
        other=made.server(regional, "mss.rivalie.fr", key=keys[1], now=now),
        application=made.client(hospital, "DPI VALDORE", key=keys[1], now=now),
        signer=made.signer(hospital, "SIGNATURE LISTE BLANCHE", key=keys[1], now=now),
        bad=bad_certificates(made, hospital, "mss.chu-valdore.fr", keys[0], now),
    )


def _unexpected_skips(reporter: pytest.TerminalReporter) -> list[str]:
    """Return the skipped tests with their reasons, but those marked ``optional`` and those whose data we may not ship."""
    found = []
    for report in reporter.stats.get("skipped", []):
        if "optional" in report.keywords or not isinstance(report.longrepr, tuple):
            continue
        if NO_REFERENCE_DATA not in report.longrepr[2]:
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
