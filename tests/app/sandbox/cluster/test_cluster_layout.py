import os
import stat
from pathlib import Path

from mssante.app.sandbox.cluster.layout import PASSFILE, Plan, lay_out_cluster
from mssante.app.sandbox.cluster.programs import Programs
from mssante.app.sandbox.kept.program import Account
from mssante.app.sandbox.ports import free_ports

PROGRAMS = Programs(Path("/usr/bin/etcd"), Path("/usr/bin/patroni"), Path("/usr/lib/postgresql/15/bin"))


def test_ports_are_different_and_no_client_is_given_one_of_them() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = free_ports(40)
    assert len(set(ports)) == 40
    assert max(ports) < first


def test_the_address_names_every_node_and_no_password(tmp_path: Path) -> None:
    laid = lay_out_cluster(tmp_path, Plan(), PROGRAMS, None)
    ports = [node.port for node in laid.nodes.values()]
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    assert laid.dsn() == (
        f"postgresql://mssante@{hosts}/mssante?sslmode=disable&passfile={tmp_path}/passfile"
        "&target_session_attrs=read-write"
    )
    assert (
        laid.dsn("n2")
        == f"postgresql://mssante@127.0.0.1:{ports[1]}/mssante?sslmode=disable&passfile={tmp_path}/passfile"
    )


def test_what_holds_passwords_is_closed_to_others(tmp_path: Path) -> None:
    account = Account("nobody", 65534, 65534) if os.geteuid() == 0 else None
    laid = lay_out_cluster(tmp_path, Plan(etcd_members=3), PROGRAMS, account)
    assert set(laid.orders) == {"n1", "n2", "n3", "e1", "e2", "e3"}
    owners = {}
    for path in tmp_path.rglob("*"):
        status = path.stat()
        assert stat.S_IMODE(status.st_mode) & 0o077 == 0, path
        owners[path.relative_to(tmp_path).as_posix()] = status.st_uid
    theirs = account.uid if account else os.geteuid()
    assert {name for name, uid in owners.items() if uid == os.geteuid()} >= {PASSFILE, "logs"}
    assert all(uid == theirs for name, uid in owners.items() if name not in {PASSFILE, "logs"})
