"""A fresh operator for each test of the command line."""

from pathlib import Path

import pytest
from cli_world import Shell, new_shell


@pytest.fixture
def shell(tmp_path: Path, pki, capsys) -> Shell:
    """Return a shell on a new operator."""
    return new_shell(tmp_path, pki, capsys)
