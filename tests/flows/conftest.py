"""The office of the flows' tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from standins import Office


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """Open one operator without doors."""
    made = await Office(tmp_path / "data").open()
    yield made
    await made.close()
