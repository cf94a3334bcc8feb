import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from forge import DAY, Order, authority_name, issue, server_name

from mssante.app.cli.peer import rule_verdicts
from mssante.app.cli.whitelist import whitelist
from mssante.model.decision import Kind, Permit, Refusal
from mssante.model.dn import parse_dn
from mssante.model.errors import ConfigError, MssError, StoreError
from mssante.model.settings import StoreSettings
from mssante.model.whitelist import Entry
from mssante.store.engine import Store
from mssante.wire.whitelist.write import write_white_list

NOW = datetime(2026, 6, 15, tzinfo=UTC)
A_DN = "CN=mss.a.fr,O=CH A,C=FR"
B_DN = "CN=mss.b.fr,O=CH B,C=FR"


def write(path: Path, *pairs: tuple[str, str], at: datetime = NOW) -> str:
    entries = [Entry(domain, parse_dn(dn), dn, f"Établissement {domain}", "", "", at) for domain, dn in pairs]
    path.write_bytes(write_white_list(at, entries))
    return str(path)


def run(*words: str, catch: bool = False) -> Result:
    return CliRunner().invoke(whitelist, words, catch_exceptions=catch)


def test_check_tells_what_was_left_out_and_exits_1(tmp_path: Path) -> None:
    good = write(tmp_path / "l.xml", ("a.fr", A_DN), ("a.fr", A_DN))
    found = run("check", good)
    assert found.exit_code == 0
    assert "2 entrées, 1 domaine, 1 certificat, 1 doublon" in found.output
    Path(good).write_bytes(Path(good).read_bytes().replace(b"<Nom>a.fr", b"<Nom>a@fr", 1))
    found = run("check", good)
    assert found.exit_code == 1
    assert "a@fr écartée" in found.output
    assert json.loads(run("check", good, "--json").output)["bad"][0]["name"] == "a@fr"


@pytest.mark.parametrize("text", ["", "<a/>", "<!DOCTYPE x><a/>"])
def test_a_file_that_is_no_list_is_one_clear_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "l.xml").write_text(text)
    with pytest.raises(ConfigError, match=r"l\.xml : liste blanche illisible"):
        run("check", str(tmp_path / "l.xml"))


def test_a_missing_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(MssError, match=r"missing\.xml"):
        run("check", str(tmp_path / "missing.xml"))


@pytest.mark.parametrize("words", [("why", "pas un domaine"), ("remove", "a b"), ("admit", "a@b", A_DN)])
def test_a_domain_that_is_none_is_an_error_of_usage(words: tuple[str, ...]) -> None:
    found = run(*words, catch=True)
    assert found.exit_code == 2
    assert "n'est pas un nom de domaine" in found.output


def test_diff_shows_who_came_who_left_who_changed(tmp_path: Path) -> None:
    old = write(tmp_path / "old.xml", ("a.fr", A_DN), ("gone.fr", A_DN), ("same.fr", A_DN))
    new = write(tmp_path / "new.xml", ("a.fr", B_DN), ("come.fr", A_DN), ("same.fr", A_DN), at=NOW + timedelta(days=1))
    found = run("diff", old, new)
    assert found.exit_code == 1
    assert found.output.splitlines()[1:] == ["+ come.fr", "- gone.fr", "~ a.fr", f"    - {A_DN}", f"    + {B_DN}"]
    assert json.loads(run("diff", old, new, "--json").output)["changed"] == ["a.fr"]
    assert run("diff", old, old).exit_code == 0


def test_why_names_the_certificates_of_a_domain(tmp_path: Path) -> None:
    path = write(tmp_path / "l.xml", ("a.fr", A_DN), ("a.fr", B_DN))
    found = run("why", "A.fr.", "--file", path)
    assert found.exit_code == 0
    assert A_DN in found.output
    assert B_DN in found.output
    found = run("why", "gmail.com", "--file", path)
    assert (found.exit_code, "n'est pas dans la liste" in found.output) == (1, True)
    assert json.loads(run("why", "gmail.com", "--file", path, "--json").output)["listed"] is False


CONFIG = """
role = "{role}"
[operator]
name = "essai"
hostname = "localhost"
data_dir = "data"
postmaster = "postmaster@exemple.fr"
[tls]
certificate = "c.pem"
key = "k.pem"
anchors = "a.pem"
intermediates = "a.pem"
[trust]
list_url = "https://localhost:1/l.xml"
[secrets]
credential_key = "s.key"
trace_key = "s.key"
"""


def _config(folder: Path, role: str) -> list[str]:
    now = datetime.now(UTC)
    dates = {"not_before": now - DAY, "not_after": now + DAY}
    anchor = issue(Order(subject=authority_name("AC"), authority=True, key_name="root", **dates))
    own = issue(Order(subject=server_name("localhost"), **dates), anchor)
    for name, data in (("c.pem", own.pem), ("k.pem", own.key_pem), ("a.pem", anchor.pem), ("s.key", b"k" * 32)):
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o600)
    (folder / "m.toml").write_text(CONFIG.format(role=role))
    return ["--config", str(folder / "m.toml")]


async def _make_store(folder: Path) -> None:
    store = await Store.open(folder, StoreSettings())
    await store.close()


def _all_ok(runs: Sequence[Result]) -> list[str]:
    assert [found.exit_code for found in runs] == [0] * len(runs)
    return [found.output for found in runs]


def test_the_manager_admits_publishes_and_removes(tmp_path: Path) -> None:
    config = _config(tmp_path, "manager")
    outputs = _all_ok([run("admit", "a.fr", A_DN, *config), run("publish", *config), run("remove", "a.fr", *config)])
    assert "est admis" in outputs[0]
    assert "Liste publiée" in outputs[1]
    assert run("remove", "a.fr", *config).exit_code == 1


@pytest.mark.parametrize("words", [("show",), ("why", "a.fr"), ("fetch",)])
def test_a_manager_has_no_list_in_force(tmp_path: Path, words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="configuration d'un gestionnaire"):
        run(*words, *_config(tmp_path, "manager"))


def test_an_operator_has_nothing_to_publish(tmp_path: Path) -> None:
    with pytest.raises(MssError, match="manager"):
        run("publish", *_config(tmp_path, "operator"))


def test_fetch_says_which_source_is_away_and_show_that_all_is_stopped(tmp_path: Path) -> None:
    config = _config(tmp_path, "operator")
    with pytest.raises(StoreError, match="n'existe pas"):
        run("fetch", *config)
    asyncio.run(_make_store(tmp_path / "data"))
    found = run("fetch", *config)
    assert found.exit_code == 1
    assert "https://localhost:1/l.xml" in found.output
    found = run("show", *config)
    assert found.exit_code == 1
    assert "ARRÊT" in found.output
    assert json.loads(run("show", "--json", *config).output)["stopped"] is True
    assert run("why", "a.fr", *config).exit_code == 1


def test_the_rules_before_the_refusal_are_kept_and_those_after_it_not_judged() -> None:
    verdicts = rule_verdicts(Refusal(Kind.CERTIFICATE_REVOKED, "R4", "revoked"))
    assert list(verdicts.values()) == ["ok", "ok", "ok", "refused", "not-judged", "not-judged"]
    assert set(rule_verdicts(Permit("R6")).values()) == {"ok"}
    assert set(rule_verdicts(Refusal(Kind.HOST_UNREACHABLE, "connect", "x")).values()) == {"not-judged"}
