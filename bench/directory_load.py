"""Loading: ours as a process of its own, and how long any loading process takes and how much memory.

Our own process: ``python -m bench.directory_load FOLDER FILE...``, which does what ``mssante directory import`` does.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import procs
from bench.sending import ROOT

if TYPE_CHECKING:
    from mssante.store.directory.engine import DirectoryShelf

LOOK_SECONDS: Final = 0.2
_PROC: Final = Path("/proc")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one loading cost.

    Attributes:
        seconds: from the start of the process until it has ended, all in place.
        peak_bytes: the highest resident sets of its processes, summed, though they need not be at the same time.
        own_bytes: the most that was seen at one time in no file: without pages of mapped databases.
    """

    seconds: float
    peak_bytes: int
    own_bytes: int


def ours(folder: Path, files: Sequence[Path]) -> tuple[str | Path, ...]:
    """Return the command that loads files into our directory."""
    return (sys.executable, "-m", "bench.directory_load", folder, *files)


def measure(command: Sequence[str | Path], log: Path) -> Loaded:
    """Run a loading process to its end.

    Raises:
        RuntimeError: it failed.
    """
    began = time.perf_counter()
    process = procs.start(command, log=log, output=log.with_suffix(".out"), PYTHONPATH=str(ROOT))
    peaks: dict[int, int] = {}
    own = 0
    try:
        while True:
            with suppress(subprocess.TimeoutExpired):
                process.wait(LOOK_SECONDS)
                break
            family = procs.tree(process.pid)
            peaks.update({pid: max(peaks.get(pid, 0), peak_of(pid)) for pid in family})
            own = max(own, sum(own_memory(pid) for pid in family))
        seconds = time.perf_counter() - began
    finally:
        procs.stop(process)
    if process.returncode:
        msg = f"{command[0]} failed: {log.read_text()[-800:]}"
        raise RuntimeError(msg)
    return Loaded(seconds, sum(peaks.values()), own)


def peak_of(pid: int) -> int:
    """Return the highest resident set of a process so far in bytes, 0 when it has ended."""
    return _kilobytes(_PROC / str(pid) / "status", "VmHWM:")


def own_memory(pid: int) -> int:
    """Return the resident bytes of a process that belong to no file: without pages of mapped databases."""
    return _kilobytes(_PROC / str(pid) / "status", "RssAnon:")


def _kilobytes(path: Path, name: str) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 0
    found = next((line for line in lines if line.startswith(name)), "")
    return 1024 * int(found.split()[1]) if found else 0


def fill(shelf: "DirectoryShelf", files: Sequence[Path]) -> None:
    """Import files as ``mssante directory import`` does."""
    # Only a loading process needs these: the measuring one stays small.
    from mssante.app.directory_files import read_elsewhere
    from mssante.flows.directory.loading import Guard, load

    named, pieces = read_elsewhere(files)
    load(shelf, named, pieces, Guard(0.0), datetime.now(UTC), lambda _step, _lines: None)


def _main(folder: Path, files: Sequence[Path]) -> None:
    from mssante.store.directory.file import DirectoryFolder

    fill(DirectoryFolder(folder), files)


if __name__ == "__main__":
    _main(Path(sys.argv[1]), [Path(one) for one in sys.argv[2:]])
