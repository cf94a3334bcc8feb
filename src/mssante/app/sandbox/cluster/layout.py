"""The folder of a cluster: who lives where on which ports, with which configuration. Nothing runs yet."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from mssante.app.sandbox.cluster.etcd import EtcdMember, etcd_command
from mssante.app.sandbox.cluster.patroni import (
    CONFIG,
    DATABASE,
    FAST,
    FIRST_SQL,
    SYNCHRONOUS,
    USER,
    Node,
    Replication,
    Secrets,
    Timing,
    first_sql,
    patroni_config,
)
from mssante.app.sandbox.cluster.programs import Programs
from mssante.app.sandbox.kept.program import Account, Order
from mssante.app.sandbox.pki import LOOPBACK
from mssante.app.sandbox.ports import free_ports

LOGS: Final = "logs"
PASSFILE: Final = "passfile"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start.

    Attributes:
        nodes: of PostgreSQL; 2 or more.
        etcd_members: 1, or 3 so that one of them can be lost.
    """

    nodes: int = 3
    etcd_members: int = 1
    replication: Replication = SYNCHRONOUS
    timing: Timing = FAST


@dataclass(frozen=True, slots=True)
class Laid:
    """A cluster that was laid out.

    Attributes:
        nodes: by name, n1...
        members: of etcd by name, e1...
        orders: how each of both is run.
    """

    folder: Path
    plan: Plan
    account: Account | None
    nodes: Mapping[str, Node]
    members: Mapping[str, EtcdMember]
    orders: Mapping[str, Order]

    def dsn(self, *names: str, with_tls_mode: bool = True) -> str:
        """Return the address of the database (see `Cluster.dsn`)."""
        hosts = ",".join(f"{LOOPBACK}:{self.nodes[name].port}" for name in names or self.nodes)
        wanted = "" if names else "&target_session_attrs=read-write"
        passfile = quote(str(self.folder / PASSFILE))
        mode = "sslmode=disable&" if with_tls_mode else ""
        return f"postgresql://{USER}@{hosts}/{DATABASE}?{mode}passfile={passfile}{wanted}"


def lay_out_cluster(folder: Path, plan: Plan, programs: Programs, account: Account | None) -> Laid:
    """Write the configuration of a new cluster into the folder, which is there and ours.

    Each program gets a folder of its own, which it owns; configuration and logs of the others are closed to it.
    """
    ports = iter(free_ports(2 * (plan.nodes + plan.etcd_members)))
    names = [f"e{number}" for number in range(1, plan.etcd_members + 1)]
    members = {name: EtcdMember(name, next(ports), next(ports)) for name in names}
    names = [f"n{number}" for number in range(1, plan.nodes + 1)]
    nodes = {name: Node(name, next(ports), next(ports), folder / name) for name in names}
    passwords = Secrets()
    logs = folder / LOGS
    logs.mkdir(mode=0o700)
    _write(folder / PASSFILE, f"{LOOPBACK}:*:*:{USER}:{passwords.user}\n", None)
    orders = {}
    for member in members.values():
        home = _own_folder(folder / member.name, account)
        command = etcd_command(programs.etcd, home, member, tuple(members.values()))
        orders[member.name] = Order(member.name, command, home, logs / f"{member.name}.log")
    for node in nodes.values():
        home = _own_folder(node.folder, account)
        config = patroni_config(node, programs, tuple(members.values()), passwords, plan.timing, plan.replication)
        _write(home / FIRST_SQL, first_sql(passwords), account)
        _write(home / CONFIG, config, account)
        command = (str(programs.patroni), str(home / CONFIG))
        orders[node.name] = Order(node.name, command, home, logs / f"{node.name}.log")
    return Laid(folder, plan, account, nodes, members, orders)


def _own_folder(path: Path, account: Account | None) -> Path:
    path.mkdir(mode=0o700)
    _give(path, account)
    return path


def _write(path: Path, text: str, account: Account | None) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    _give(path, account)


def _give(path: Path, account: Account | None) -> None:
    if account is not None:
        os.chown(path, account.uid, account.gid)
