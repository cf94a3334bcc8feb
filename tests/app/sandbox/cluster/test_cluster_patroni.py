import json
from pathlib import Path

import pytest

from mssante.app.sandbox.cluster.etcd import EtcdMember
from mssante.app.sandbox.cluster.patroni import (
    FAST,
    USUAL,
    Node,
    Replication,
    Secrets,
    Standing,
    Timing,
    patroni_config,
    read_standing,
)
from mssante.app.sandbox.cluster.programs import Programs
from mssante.model.errors import ConfigError

PROGRAMS = Programs(Path("/usr/bin/etcd"), Path("/usr/bin/patroni"), Path("/usr/lib/postgresql/15/bin"))
NODE = Node("n1", 20001, 20002, Path("/srv/groupe/n1"))
FOLLOWED = [
    {"application_name": "n2", "state": "streaming", "sync_state": "sync"},
    {"application_name": "n3", "state": "backup"},
]


@pytest.mark.parametrize(
    ("ttl", "loop_wait", "retry_timeout", "text"),
    [
        (6, 1, 3, "au moins loop_wait + 2 x retry_timeout = 7 s"),
        (20, 10, 6, "= 22 s"),
        (30, 0, 3, "loop_wait d'au moins 1 s"),
        (30, 1, 2, "retry_timeout d'au moins 3 s"),
    ],
)
def test_refuses_times_in_which_a_living_leader_could_lose_its_lock(ttl, loop_wait, retry_timeout, text) -> None:
    with pytest.raises(ConfigError, match=text.replace("+", r"\+")):
        Timing(ttl, loop_wait, retry_timeout)


def test_the_fast_times_are_the_shortest_that_the_rule_allows() -> None:
    with pytest.raises(ConfigError):
        Timing(FAST.ttl_seconds - 1, FAST.loop_wait_seconds, FAST.retry_timeout_seconds)
    assert USUAL.ttl_seconds == 20


@pytest.mark.parametrize(
    ("status", "said", "standing"),
    [
        (
            200,
            {"state": "running", "role": "master", "replication": FOLLOWED},
            Standing(is_leader=True, is_running=True, followers=frozenset({"n2"})),
        ),
        (200, {"state": "running", "role": "replica", "sync_standby": True}, Standing(False, True, True)),
        (503, {"state": "running", "role": "master"}, Standing(is_running=True)),
        (503, {"state": "running", "role": "replica", "sync_standby": True}, Standing(False, True, True)),
        (503, {"state": "starting", "role": "replica"}, Standing()),
    ],
)
def test_reads_what_a_node_says_of_itself(status, said, standing) -> None:
    assert read_standing(status, said) == standing


@pytest.mark.parametrize(("synchronous", "strict"), [(True, False), (True, True), (False, False)])
def test_tells_patroni_how_many_copies_an_acknowledgement_is_worth(synchronous, strict) -> None:
    members = (EtcdMember("e1", 20003, 20004), EtcdMember("e2", 20005, 20006))
    config = json.loads(patroni_config(NODE, PROGRAMS, members, Secrets(), FAST, Replication(synchronous, strict)))
    shared = config["bootstrap"]["dcs"]
    assert (shared["synchronous_mode"], shared["synchronous_mode_strict"]) == (synchronous, strict)
    assert (shared["ttl"], shared["loop_wait"], shared["retry_timeout"]) == (7, 1, 3)
    assert config["etcd"]["hosts"] == ["127.0.0.1:20003", "127.0.0.1:20005"]
    assert all("scram-sha-256" in line for line in config["postgresql"]["pg_hba"])


def test_passwords_are_new_each_time_and_not_shown() -> None:
    one, other = Secrets(), Secrets()
    assert len({one.user, one.superuser, one.replicator, other.user}) == 4
    assert one.user not in repr(one)
