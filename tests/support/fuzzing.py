"""The fuzz targets, loaded from their files: they stand outside any package, as atheris runs them."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "fuzz"


def target(name: str) -> Callable[[bytes], None]:
    """Return what a target does with one input."""
    spec = importlib.util.spec_from_file_location(f"tests_fuzz_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[[bytes], None] = module.one_input
    return found
