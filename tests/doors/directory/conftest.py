"""The examples of the national draft, read from the reference data, and the structural oracle of FHIR R4B."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def draft(shared: Path) -> Any:  # noqa: ANN401 - a YAML document
    """Return the national draft of the write interface, or skip."""
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    found = shared / "data" / "fhir" / "openapi-balmss.yaml"
    if not found.is_file():
        pytest.skip(f"reference data not there: {found}")
    return yaml.safe_load(found.read_text())
