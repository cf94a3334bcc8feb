"""The README leads only to what exists."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text()


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert links
    assert not [link for link in links if not (ROOT / link).exists()]


def test_every_script_that_it_names_is_there() -> None:
    named = set(re.findall(r"script/[a-z]+", TEXT))
    assert {"script/demo", "script/test"} <= named
    assert not [name for name in named if not (ROOT / name).is_file()]
