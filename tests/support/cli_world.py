"""An operator on disk for tests of the command line: made by `mssante init`, with certificates of the shared PKI."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mssante.app.cli.main import run
from mssante.app.sandbox.pki import write_issued, write_pki

DOMAIN = "chu-valdore.mssante.fr"
CLAIRE = f"claire.martin@{DOMAIN}"
CARDIO = f"cardiologie@{DOMAIN}"


@dataclass
class Answer:
    """What one command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the command says
        """Return the output as one JSON value."""
        return json.loads(self.out)


@dataclass
class Shell:
    """Runs commands on one operator."""

    config: Path
    capture: pytest.CaptureFixture[str]

    def bare(self, *arguments: str) -> Answer:
        """Run a command as it is."""
        self.capture.readouterr()
        code = run(arguments)
        said = self.capture.readouterr()
        return Answer(code, said.out, said.err)

    def __call__(self, *arguments: str) -> Answer:
        """Run a command on the operator."""
        return self.bare(*arguments, "--config", str(self.config))

    def good(self, *arguments: str) -> Answer:
        """Run a command that must succeed."""
        answer = self(*arguments)
        assert answer.code == 0, answer.err or answer.out
        return answer


def new_shell(
    folder: Path,
    pki: Any,  # noqa: ANN401 - the kit of conftest.py, which cannot be imported
    capture: pytest.CaptureFixture[str],
    *more: str,
) -> Shell:
    """Return a shell on a new operator with one domain, made with more options when they are given."""
    write_pki(pki.pki, folder / "pki", pki.now)
    certificate, key = write_issued(pki.pki, pki.operator, folder, "server")
    shell = Shell(folder / "op" / "mssante.toml", capture)
    answer = shell.bare(
        *("init", str(folder / "op"), "--name", "CHU de Valdoré", "--hostname", "mss.chu-valdore.fr"),
        *("--domain", DOMAIN, "--certificate", str(certificate), "--key", str(key)),
        *("--anchors", str(folder / "pki" / "anchors.pem")),
        *("--intermediates", str(folder / "pki" / "intermediates.pem")),
        *("--list-url", "https://127.0.0.1:1/liste.xml"),
        *more,
    )
    assert answer.code == 0, answer.err
    return shell
