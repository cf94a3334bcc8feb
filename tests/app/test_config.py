from pathlib import Path

import pytest

from mssante.app.config import read_config, read_secret
from mssante.model.errors import ConfigError

GOOD = """
role = "operator"
[operator]
name = "chu"
hostname = "smtp.chu.mssante.fr"
data_dir = "data"
postmaster = "postmaster@chu.mssante.fr"
[tls]
certificate = "c.pem"
key = "k.pem"
anchors = "a.pem"
intermediates = "i.pem"
[trust]
list_url = "https://manager.test/l.xml"
refresh_seconds = 60
[secrets]
credential_key = "c.key"
trace_key = "t.key"
[resolver]
mode = "static"
[resolver.table]
"ch.mssante.fr" = ["smtp.ch.mssante.fr=127.0.0.1:2525"]
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "m.toml"
    path.write_text(text)
    return path


def test_reads_every_section_and_resolves_paths_from_the_file(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, GOOD))
    assert config.operator.data_dir == tmp_path / "data"
    assert config.trust.refresh_seconds == 60.0
    assert config.resolver.table == {"ch.mssante.fr": ("smtp.ch.mssante.fr=127.0.0.1:2525",)}
    assert config.limits.recipients == 500


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("refresh_seconds", "refresh_second"), "peut-être 'refresh_seconds' ?"),
        (("refresh_seconds = 60", 'refresh_seconds = "x"'), "[trust] refresh_seconds doit être un nombre"),
        (("refresh_seconds = 60", "refresh_seconds = -1"), "doit être de 0.001 à"),
        (("refresh_seconds = 60", "refresh_seconds = nan"), "doit être de 0.001 à"),
        (("[secrets]", "[smtp]\nport = 65536\n[secrets]"), "[smtp] port doit être de 0 à 65535"),
        (("[secrets]", "[submission]\nimplicit_port = -2\n[secrets]"), "doit être de -1 à 65535"),
        (("[secrets]", "[queue]\nworkers = 0\n[secrets]"), "[queue] workers doit être de 1 à"),
        (("[operator]", '[operator]\nlanguage = "fr"'), "language n'est pas un réglage"),
        (("refresh_seconds = 60", "crl_required = 1"), "doit être true ou false"),
        (('mode = "static"', 'mode = "magic"'), '"dns", "static"'),
        (('role = "operator"', 'role = "king"'), 'role doit être "operator", "manager" ou "identity"'),
        (("[secrets]", "[secret]"), "peut-être 'secrets' ?"),
        (('name = "chu"', ""), "il manque [operator] name"),
        (("[operator]", "[operator"), "pas du TOML"),
        (('["smtp.ch.mssante.fr=127.0.0.1:2525"]', "3"), "une table de listes de textes"),
        (("https://", "http://"), "list_url doit commencer par https://"),
        (("refresh_seconds = 60", 'signature = "required"'), "signer_names est vide"),
        (("refresh_seconds = 60", "shrink_share = 2"), "entre 0 et 1"),
        (('data_dir = "data"', "data_dir = 3"), "doit être un chemin"),
    ],
)
def test_names_the_bad_setting_and_the_fix(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(write(tmp_path, GOOD.replace(*change)))
    assert said in str(caught.value)


def test_says_that_a_missing_file_can_be_made_by_init(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="mssante init"):
        read_config(tmp_path / "none.toml")


def test_says_which_section_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"il manque la section \[tls\]"):
        read_config(write(tmp_path, GOOD.replace("[tls]", "[smtp]").split("certificate")[0]))


def test_refuses_a_secret_that_others_can_read(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_bytes(b"x" * 32)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_secret(path)
    path.chmod(0o600)
    assert read_secret(path) == b"x" * 32


def test_refuses_a_short_or_missing_secret(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with pytest.raises(ConfigError, match="mssante init"):
        read_secret(path)
    path.write_bytes(b"x")
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="au moins 32"):
        read_secret(path)
