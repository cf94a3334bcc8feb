"""Write what a benchmark found into the documents."""

from collections.abc import Sequence
from pathlib import Path

from bench.report import Figure, merged, spliced


def publish(docs: Path | None, part: str, text: str, figures: Sequence[Figure], *, command: str, date: str) -> None:
    """Print a part of the page; write it and its figures too, unless there is no folder for them."""
    print(text)
    if docs is None:
        return
    page, data = docs / "performance.md", docs / "performance.json"
    page.write_text(spliced(page.read_text() if page.exists() else "", part, text))
    data.write_text(merged(data.read_text() if data.exists() else "", figures, command=command, date=date))
    print(f"\nwritten: {page}, {data}")
