"""Background work waits for a database that is away; any other accident ends it."""

from types import SimpleNamespace

import pytest
from standins import KeptLog

from mssante.app import serve
from mssante.model.errors import StoreAwayError, StoreError


async def test_work_begins_again_when_the_store_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "AWAY_SECONDS", 0.0)
    log, tries = KeptLog(), 0

    async def work() -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            msg = "la base ne répond pas"
            raise StoreAwayError(msg)

    await serve.kept_going(SimpleNamespace(log=log), "index", work)  # type: ignore[arg-type]
    assert tries == 3
    assert [event for _level, event, _facts in log.lines] == ["task-waits"] * 2


async def test_another_fault_of_the_store_ends_it() -> None:
    async def work() -> None:
        msg = "abîmé"
        raise StoreError(msg)

    with pytest.raises(StoreError, match="abîmé"):
        await serve.kept_going(SimpleNamespace(log=KeptLog()), "index", work)  # type: ignore[arg-type]
