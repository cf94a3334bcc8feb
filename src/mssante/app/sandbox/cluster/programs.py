"""Where Debian puts the programs of the cluster, and as whom they run.

Not for starting them.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mssante.app.sandbox.kept.program import Account
from mssante.model.errors import ConfigError

INSTALL: Final = "apt-get install --no-install-recommends postgresql patroni etcd-server"
POSTGRES: Final = "postgres"
_POSTGRESQL: Final = "usr/lib/postgresql"
_TOOLS: Final = ("postgres", "initdb", "pg_basebackup", "pg_controldata", "pg_isready", "pg_rewind", "psql")


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs of a cluster.

    Attributes:
        postgresql: folder of the server's programs, of the latest version that is installed.
    """

    etcd: Path
    patroni: Path
    postgresql: Path


def find_programs(root: Path = Path("/")) -> Programs:
    """Return the programs.

    Args:
        root: of the file system.

    Raises:
        ConfigError: some are not installed; the text, in French, names the command that installs them.
    """
    etcd, patroni = root / "usr/bin/etcd", root / "usr/bin/patroni"
    servers = sorted((root / _POSTGRESQL).glob("*/bin"), key=_version)
    server = next((one for one in reversed(servers) if all((one / tool).exists() for tool in _TOOLS)), None)
    missing = [program.name for program in (etcd, patroni) if not program.exists()]
    missing += [] if server else ["postgresql"]
    if missing or server is None:
        msg = f"il manque à cette machine {', '.join(missing)} ; installez-les (en tant que root) : {INSTALL}"
        raise ConfigError(msg)
    return Programs(etcd, patroni, server)


def find_account() -> Account | None:
    """Return the account that the programs must run as, or None when they run as ourselves.

    PostgreSQL refuses to run as root.

    Raises:
        ConfigError: we are root, and Debian's account is not there.
    """
    if os.geteuid() != 0:
        return None
    try:
        found = pwd.getpwnam(POSTGRES)
    except KeyError as error:
        msg = f"il n'y a pas d'utilisateur « {POSTGRES} » sur cette machine ; il vient avec : {INSTALL}"
        raise ConfigError(msg) from error
    return Account(found.pw_name, found.pw_uid, found.pw_gid)


def check_reachable(folder: Path, account: Account | None) -> None:
    """See that the account can go into the folder, which lies under folders of ours.

    Raises:
        ConfigError: one of those lets nobody else through.
    """
    if account is None:
        return
    for parent in (folder, *folder.parents):
        if not parent.stat().st_mode & stat.S_IXOTH:
            msg = (
                f"l'utilisateur « {account.name} » ne peut pas entrer dans {parent} : "
                f"choisissez un autre dossier, ou ouvrez celui-ci (chmod o+x {parent})"
            )
            raise ConfigError(msg)


def _version(path: Path) -> tuple[int, ...]:
    parts = path.parent.name.split(".")
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else (0,)
