from pathlib import Path

import pytest

from mssante.app.sandbox.cluster.programs import Account, check_reachable, find_programs
from mssante.model.errors import ConfigError

TOOLS = ("postgres", "initdb", "pg_basebackup", "pg_controldata", "pg_isready", "pg_rewind", "psql")


def install(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def server(version: str) -> list[str]:
    return [f"usr/lib/postgresql/{version}/bin/{tool}" for tool in TOOLS]


def test_takes_the_latest_server_that_is_whole(tmp_path: Path) -> None:
    half = server("17")[1:]
    install(tmp_path, "usr/bin/etcd", "usr/bin/patroni", *server("9.6"), *server("15"), *half)
    assert find_programs(tmp_path).postgresql == tmp_path / "usr/lib/postgresql/15/bin"


@pytest.mark.parametrize(
    ("there", "missing"),
    [
        ([], "etcd, patroni, postgresql"),
        (["usr/bin/etcd", *server("15")], "patroni"),
        (["usr/bin/etcd", "usr/bin/patroni", *server("15")[:-1]], "postgresql"),
    ],
)
def test_says_in_french_what_is_missing_and_how_to_install_it(tmp_path: Path, there, missing) -> None:
    install(tmp_path, *there)
    with pytest.raises(ConfigError) as raised:
        find_programs(tmp_path)
    assert str(raised.value) == (
        f"il manque à cette machine {missing} ; installez-les (en tant que root) : "
        "apt-get install --no-install-recommends postgresql patroni etcd-server"
    )


def test_names_the_folder_that_lets_nobody_through(tmp_path: Path) -> None:
    shut = tmp_path / "fermé"
    (shut / "dedans").mkdir(parents=True)
    (shut / "dedans").chmod(0o711)
    shut.chmod(0o700)
    with pytest.raises(ConfigError, match=rf"ne peut pas entrer dans {shut} : .*chmod o\+x {shut}"):
        check_reachable(shut / "dedans", Account("postgres", 101, 104))


def test_our_own_folders_are_always_reachable(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    check_reachable(tmp_path, None)
