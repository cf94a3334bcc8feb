"""A renewed certificate serves at once; a bad one leaves the old one in force (H20)."""

import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from mssante.app.contexts import Contexts
from mssante.app.sandbox.pki import write_issued, write_pki
from mssante.model.errors import ConfigError
from mssante.model.settings import TlsSettings


@dataclass
class Bench:
    folder: Path
    settings: TlsSettings
    now: datetime
    lines: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def error(self, event: str, **facts: object) -> None:
        self.lines.append((event, facts))

    debug = info = warning = error

    def open(self) -> Contexts:
        return Contexts(self.settings, clock=lambda: self.now, log=self)

    def later(self) -> None:
        """Make the files look newer than they were."""
        for path in (self.settings.certificate, self.settings.key):
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime + 10))

    def events(self) -> list[str]:
        return [event for event, _facts in self.lines]


@pytest.fixture
def bench(tmp_path: Path, pki) -> Bench:
    write_pki(pki.pki, tmp_path, pki.now)
    certificate, key = write_issued(pki.pki, pki.operator, tmp_path, "server")
    return Bench(
        tmp_path,
        TlsSettings(certificate, key, tmp_path / "anchors.pem", tmp_path / "intermediates.pem"),
        pki.now,
    )


def test_the_start_stops_without_a_good_certificate(bench: Bench) -> None:
    bench.now += timedelta(days=400)
    with pytest.raises(ConfigError, match="a expiré"):
        bench.open()


def test_files_that_did_not_change_are_not_read_again(bench: Bench) -> None:
    contexts = bench.open()
    before = contexts.operator_server(), contexts.operator_client(), contexts.user_server()
    assert contexts.look() is False
    assert (contexts.operator_server(), contexts.operator_client(), contexts.user_server()) == before
    assert bench.lines == []


def test_a_new_certificate_is_in_force_after_the_next_look(bench: Bench, pki) -> None:
    contexts = bench.open()
    before = contexts.operator_server(), contexts.operator_client(), contexts.user_server()
    write_issued(pki.pki, pki.other, bench.folder, "server")
    bench.later()
    assert contexts.look() is True
    after = contexts.operator_server(), contexts.operator_client(), contexts.user_server()
    assert all(old is not new for old, new in zip(before, after, strict=True))
    assert contexts.material.own.subject.first("CN") == "mss.rivalie.fr"
    assert bench.events() == ["certificate-loaded"]


@pytest.mark.parametrize("bad", ["half", "expired", "missing"])
def test_a_bad_new_certificate_leaves_the_old_one_in_force_with_an_alarm(bench: Bench, pki, bad: str) -> None:
    contexts = bench.open()
    server, material = contexts.operator_server(), contexts.material
    if bad == "half":
        bench.settings.certificate.write_bytes(pki.pki.chain_pem(pki.other))
    elif bad == "expired":
        write_issued(pki.pki, pki.bad["expired"], bench.folder, "server")
    else:
        bench.settings.certificate.unlink()
    if bad != "missing":
        bench.later()
    assert contexts.look() is False
    assert contexts.operator_server() is server
    assert contexts.material is material
    assert bench.events() == ["certificate-not-loaded"]
    assert bench.lines[0][1]["kept"] == material.own.fingerprint
    contexts.look()
    assert len(bench.lines) == 1, "said once"
    write_issued(pki.pki, pki.operator, bench.folder, "server")
    bench.later()
    bench.later()
    assert contexts.look() is True


def test_the_end_of_a_certificate_is_told_at_each_mark_once(bench: Bench) -> None:
    contexts = bench.open()
    start = bench.now
    told = []
    for day in range(366):
        bench.now = start + timedelta(days=day)
        contexts.look()
        contexts.look()
        if len(bench.lines) > len(told):
            told.append(bench.lines[-1][1]["days_left"])
    assert told == [29, 13, 6, 0]
    assert set(bench.events()) == {"certificate-expires"}
