"""The one line on standard output that says that the doors are open."""

import sys
from typing import Any

import msgspec


def say_ready(facts: dict[str, Any]) -> None:
    """Print the line; whoever started us waits for it."""
    sys.stdout.write(msgspec.json.encode({"event": "ready", **facts}).decode() + "\n")
    sys.stdout.flush()
