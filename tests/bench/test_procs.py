import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import procs

# A parent that starts a child, which leaves the process group as servers do, and says so.
FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def family(tmp_path: Path) -> tuple[subprocess.Popen[bytes], int]:
    process = procs.start((sys.executable, "-c", FAMILY), log=tmp_path / "log")
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_the_tree_holds_the_descendants_and_what_they_cost(family: tuple[subprocess.Popen[bytes], int]) -> None:
    process, child = family
    try:
        assert procs.tree(process.pid) == [process.pid, child]
        held = procs.memory(process.pid)
        assert held.processes == 2
        assert 0 < held.pss_bytes <= held.rss_bytes
        assert procs.cpu_seconds(process.pid) >= 0
    finally:
        procs.stop(process)


def test_stop_ends_the_descendants_too(family: tuple[subprocess.Popen[bytes], int]) -> None:
    process, child = family
    procs.stop(process)
    assert process.returncode is not None
    assert procs.tree(process.pid) == []
    assert child not in procs.tree(os.getpid())
    assert procs.tree(child) == []


def test_output_goes_to_a_file_when_one_is_given(tmp_path: Path) -> None:
    process = procs.start((sys.executable, "-c", "print('said')"), log=tmp_path / "log", output=tmp_path / "out")
    process.wait(20)
    procs.stop(process)
    assert (tmp_path / "out").read_text() == "said\n"
