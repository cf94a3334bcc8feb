"""Forks operators: imports the program once, then one process per order on standard input, so that a start is cheap.

An order is one line of JSON; the answer is one line. What is still alive when the orders end is killed.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import httpx2  # noqa: F401 - imported once for all
import uvloop  # noqa: F401 - the same

import mssante.app.serve  # noqa: F401 - the same
from mssante.app.config import read_config
from mssante.app.process import serve


def main() -> None:
    children: set[int] = set()
    for line in sys.stdin:
        order = json.loads(line)
        if "start" in order:
            pid = os.fork()
            if pid == 0:
                _become(order)
            children.add(pid)
            answer = pid
        else:
            pid, status = os.waitpid(order["poll"], os.WNOHANG)
            answer = None if pid == 0 else os.waitstatus_to_exitcode(status)
            children.discard(pid)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _become(order: dict[str, Any]) -> None:
    """Be the operator from here on; never returns."""
    code = 70
    try:
        for number, name in ((1, "out"), (2, "err")):
            file = os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(file, number)
            os.close(file)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.update(order["environment"])
        serve(read_config(Path(order["start"])))
        code = 0
    except BaseException as error:  # noqa: BLE001 - whatever it is, it must not become the parent
        os.write(2, repr(error).encode())
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
