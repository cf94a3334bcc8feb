"""What machine this is, for the page: figures mean nothing without it."""

import os
import platform
import subprocess
from pathlib import Path


def describe(folder: Path) -> str:
    """Return one sentence: processors, memory, system, versions, file system under the stores."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    kernel = platform.release().partition("-")[0]
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB, {_system()}, Linux {kernel}, "
        f"Python {platform.python_version()}, Postfix {_said('postconf', '-dh', 'mail_version')}, "
        f"Dovecot {_said('dovecot', '--version').split()[0]}, stores on {file_system(folder)}"
    )


def file_system(folder: Path) -> str:
    """Return the type of the file system that holds the folder, as ``ext2/ext3`` or ``tmpfs``."""
    return _said("stat", "-f", "-c", "%T", str(folder))


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"
