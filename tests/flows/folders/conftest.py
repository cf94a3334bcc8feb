"""The library of the tests about folders."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from library import Library, open_library


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    """Open one operator with readers."""
    made = await open_library(tmp_path / "data")
    yield made
    await made.office.close()
