"""Run one fuzz target under atheris: ``python tests/fuzz/run.py fuzz_dn -max_total_time=60`` (see script/fuzz)."""

import importlib
import sys
from pathlib import Path

import atheris

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    name = sys.argv.pop(1)
    with atheris.instrument_imports(include=["mssante"]):
        target = importlib.import_module(name)
    atheris.Setup(sys.argv, target.one_input)
    atheris.Fuzz()
