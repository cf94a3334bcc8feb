"""The demonstration of the cluster: a node, the database's leader and a device are killed, and no letter is lost."""

import json
import subprocess
import sys
from shutil import which

import pytest
from clusters import needs_cluster

pytestmark = [
    pytest.mark.world,
    pytest.mark.slow,
    needs_cluster,
    pytest.mark.skipif(which("swift-proxy-server") is None, reason="swift is not installed (apt-get install swift)"),
]

LONGEST_SECONDS = 240


def test_mail_goes_on_and_nothing_is_lost() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "mssante.app", "demo", "--cluster", "--json"],
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    found = [json.loads(line) for line in said.stdout.splitlines()]
    assert [one["part"] for one in found if one["event"] == "killed"] == ["node", "database", "device"]
    done = found[-1]
    assert (done["event"], done["crossed"], done["lost"], done["twice"], done["damaged"]) == ("done", True, 0, 0, 0)
    assert done["accepted"] > 20
