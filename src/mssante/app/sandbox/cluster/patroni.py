"""What Patroni is told about a node, and what it tells.

Not for starting it.

Source: Patroni's documentation, "YAML Configuration Settings", "Dynamic Configuration Settings", "Replication modes".
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mssante.app.sandbox.cluster.etcd import EtcdMember
from mssante.app.sandbox.cluster.programs import Programs
from mssante.app.sandbox.pki import LOOPBACK
from mssante.model.errors import ConfigError

DATABASE: Final = "mssante"
USER: Final = "mssante"
SCOPE: Final = "mssante"
FIRST_SQL: Final = "first.sql"
CONFIG: Final = "patroni.json"
_SUPERUSER: Final = "postgres"
_REPLICATOR: Final = "replicator"
_LEADING: Final = ("master", "primary")
_STREAMING: Final = "streaming"


@dataclass(frozen=True, slots=True)
class Timing:
    """How fast a dead leader is replaced.

    Attributes:
        ttl_seconds: how long the leader's lock lasts without being renewed: about the outage.
        loop_wait_seconds: between two looks at the state.
        retry_timeout_seconds: a hitch of etcd or PostgreSQL shorter than this does not cost the leader its lock.

    Raises:
        ConfigError: a living leader could lose its lock.

    Source: Patroni's documentation, "Dynamic Configuration Settings" (the rule, and the least values 1 and 3; its
    versions from 3.1 on also refuse a lock of less than 20 seconds).
    """

    ttl_seconds: int = 7
    loop_wait_seconds: int = 1
    retry_timeout_seconds: int = 3

    def __post_init__(self) -> None:
        """Hold to the rule."""
        if self.loop_wait_seconds < 1 or self.retry_timeout_seconds < 3:
            msg = "Patroni veut loop_wait d'au moins 1 s et retry_timeout d'au moins 3 s"
            raise ConfigError(msg)
        least = self.loop_wait_seconds + 2 * self.retry_timeout_seconds
        if self.ttl_seconds < least:
            msg = f"ttl de {self.ttl_seconds} s trop court : il faut au moins loop_wait + 2 x retry_timeout = {least} s"
            raise ConfigError(msg)


FAST: Final = Timing()
"""The shortest that keeps Patroni's rule."""

USUAL: Final = Timing(20, 5, 5)
"""The shortest lock that later versions of Patroni accept."""


@dataclass(frozen=True, slots=True)
class Replication:
    """What an acknowledged transaction is worth.

    Attributes:
        synchronous: it is on two nodes, as long as two are there.
        strict: with one node alone nothing is acknowledged.
    """

    synchronous: bool = True
    strict: bool = False


SYNCHRONOUS: Final = Replication()


@dataclass(frozen=True, slots=True)
class Secrets:
    """Passwords of a cluster, invented for it."""

    user: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    superuser: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    replicator: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)


@dataclass(frozen=True, slots=True)
class Node:
    """One node.

    Attributes:
        port: of PostgreSQL.
        api_port: of Patroni.
        folder: its own.
    """

    name: str
    port: int
    api_port: int
    folder: Path

    @property
    def api(self) -> str:
        """Return where its Patroni answers."""
        return f"http://{LOOPBACK}:{self.api_port}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a node says of itself.

    Attributes:
        is_leader: it holds the lock and takes writes.
        is_running: its PostgreSQL answers.
        is_synchronous: it holds all that was acknowledged, and may become leader.
        followers: for a leader, the nodes that receive what it writes.
    """

    is_leader: bool = False
    is_running: bool = False
    is_synchronous: bool = False
    followers: frozenset[str] = frozenset()


def read_standing(status: int, said: Mapping[str, Any]) -> Standing:
    """Return what Patroni's answer to ``GET /primary`` says.

    Args:
        status: 200 for the leader only.
        said: body of the answer.
    """
    following = said.get("replication") or ()
    return Standing(
        # While it is promoted, the new leader has the lock already but takes no writes yet.
        is_leader=status == 200 and said.get("role") in _LEADING,
        is_running=said.get("state") == "running",
        is_synchronous=bool(said.get("sync_standby")),
        followers=frozenset(str(one["application_name"]) for one in following if one.get("state") == _STREAMING),
    )


def first_sql(passwords: Secrets) -> str:
    """Return the statements that make the database and its owner, run once."""
    return (
        f"CREATE ROLE {USER} LOGIN PASSWORD '{passwords.user}';\n"
        # Who follows, and how far behind.
        f"GRANT pg_monitor TO {USER};\n"
        f"CREATE DATABASE {DATABASE} OWNER {USER};\n"
    )


def patroni_config(
    node: Node,
    programs: Programs,
    members: Sequence[EtcdMember],
    passwords: Secrets,
    timing: Timing,
    replication: Replication,
) -> str:
    """Return the configuration file of a node: JSON, which YAML reads."""
    config = {
        "scope": SCOPE,
        "name": node.name,
        "restapi": _listening(node.api_port),
        # Not etcd3: over version 3 of the interface, Patroni up to 3.0.2 (Debian 12) lets a leader that hung past its
        # lock write the lock anew over its successor's, whose acknowledged transactions are then lost
        # (github.com/patroni/patroni/pull/2689). Over version 2 it compares first.
        "etcd": {"hosts": [f"{LOOPBACK}:{one.port}" for one in members]},
        "bootstrap": {
            "dcs": _shared_settings(timing, replication),
            "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"],
            "post_bootstrap": f"'{programs.postgresql / 'psql'}' -qX -v ON_ERROR_STOP=1 -f '{node.folder / FIRST_SQL}'",
        },
        "postgresql": {
            **_listening(node.port),
            "data_dir": str(node.folder / "data"),
            "bin_dir": str(programs.postgresql),
            "pgpass": str(node.folder / "pgpass"),
            "authentication": {
                "superuser": {"username": _SUPERUSER, "password": passwords.superuser},
                "replication": {"username": _REPLICATOR, "password": passwords.replicator},
            },
            "pg_hba": [
                f"host replication {_REPLICATOR} {LOOPBACK}/32 scram-sha-256",
                f"host all all {LOOPBACK}/32 scram-sha-256",
            ],
            # No socket files: their paths must be short, and folders of tests are not.
            "parameters": {"unix_socket_directories": "", "password_encryption": "scram-sha-256"},
            # A replica is copied at once, not when the next checkpoint has come by itself.
            "basebackup": [{"checkpoint": "fast"}],
            # A leader that died may hold what nobody else has: it goes back, or is made again.
            "use_pg_rewind": True,
            "remove_data_directory_on_rewind_failure": True,
            "remove_data_directory_on_diverged_timelines": True,
        },
        "watchdog": {"mode": "off"},
    }
    return json.dumps(config, indent=1)


def _listening(port: int) -> dict[str, str]:
    place = f"{LOOPBACK}:{port}"
    return {"listen": place, "connect_address": place}


def _shared_settings(timing: Timing, replication: Replication) -> dict[str, Any]:
    return {
        "ttl": timing.ttl_seconds,
        "loop_wait": timing.loop_wait_seconds,
        "retry_timeout": timing.retry_timeout_seconds,
        "synchronous_mode": replication.synchronous,
        "synchronous_mode_strict": replication.strict,
        "postgresql": {
            "use_pg_rewind": True,
            "parameters": {
                "max_connections": 100,
                "shared_buffers": "64MB",
                "wal_keep_size": "256MB",
                # A replica looks for the new leader at once.
                "wal_retrieve_retry_interval": "500ms",
            },
        },
    }
