"""How much of the directory each caller got today: one person, one operator has one budget, and a restart keeps it.

What was given is counted in memory, at once, and written a second later in the background: no answer waits for the
disk. A crash forgets what was given in its last second; an orderly stop forgets nothing. A caller whose questions come
at the same time cannot get more than the sum: what a question may give is held until it has ended.

Source: reliability.md D09, S15. The second is ours.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from typing import Final, TypeVar

from mssante.flows.ports import Clock
from mssante.model.address import parse_address
from mssante.model.decision import Refusal
from mssante.model.directory import Caller
from mssante.model.errors import StoreError, TheirProtocolError
from mssante.model.log import Log, accident
from mssante.rules.directory_budget import Spent, add, judge_budget
from mssante.store import budgets
from mssante.store.engine import Store
from mssante.store.tx import Tx

T = TypeVar("T")
Key = tuple[str, str]

ENTRIES: Final = "entries"
COMPLETIONS: Final = "completions"
WRITE_SECONDS: Final = 1.0
WRITTEN_AT_ONCE: Final = 500
CALLERS_MAX: Final = 100_000


@dataclass(slots=True)
class _Account:
    """What a caller got of a thing.

    Attributes:
        questions: under way or waiting.
        held: what those under way may still give.
        unwritten: what the store does not know yet, of the day of `spent`.
        waiting: questions that wait for others of the same caller to end.
    """

    spent: Spent
    questions: int = 0
    held: int = 0
    unwritten: int = 0
    waiting: list[asyncio.Future[None]] = field(default_factory=list)


class Budgets:
    """Guards what each caller got today."""

    def __init__(
        self,
        clock: Clock,
        store: Store | None = None,
        *,
        log: Log | None = None,
        write_after: timedelta = timedelta(seconds=WRITE_SECONDS),
    ) -> None:
        """Start with what the store knows, which is asked when a caller comes for the first time.

        Args:
            store: None: a restart begins anew, and accounts of one person are not known to be his.
            log: where it is said that nothing could be written.
            write_after: how long what was given may stand in memory only.
        """
        self._clock = clock
        self._store = store
        self._log = log
        self._write_after = write_after
        self._accounts: dict[Key, _Account] = {}
        self._unwritten: set[Key] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[bool] | None = None
        self._forgotten = date.min
        self._problem = ""

    async def spend(
        self,
        caller: Caller,
        what: str,
        most: int,
        wanted: int,
        work: Callable[[int], Awaitable[T | Refusal]],
        count: Callable[[T], int],
    ) -> T | Refusal:
        """Do a work within the budget of the caller, and count what it gave.

        Args:
            what: is counted.
            most: of a day; 0 bounds nothing.
            wanted: most that the work would give.
            work: is told the most that it may give.

        Raises:
            StoreError: what the caller got before cannot be read.
        """
        if most == 0:
            return await work(wanted)
        key = (await self._payer(caller), what)
        account = await self._account(key)
        account.questions += 1
        try:
            granted = await self._granted(account, most, wanted)
            if isinstance(granted, Refusal):
                return granted
            return await self._within(key, account, granted, work, count)
        finally:
            account.questions -= 1

    async def _within(
        self,
        key: Key,
        account: _Account,
        granted: int,
        work: Callable[[int], Awaitable[T | Refusal]],
        count: Callable[[T], int],
    ) -> T | Refusal:
        """Do the work while what it may give is held; count what it gave; let those that wait look again."""
        account.held += granted
        given = 0
        try:
            result = await work(granted)
            given = 0 if isinstance(result, Refusal) else count(result)
            return result
        finally:
            account.held -= granted
            self._count(key, account, given)
            for one in account.waiting:
                if not one.done():
                    one.set_result(None)
            account.waiting.clear()

    async def _payer(self, caller: Caller) -> str:
        """Return whose budget it is: an operator's, else a person's by national number, else a mailbox's or a key's."""
        if caller.operator:
            return f"operator:{caller.operator}"
        try:
            address = parse_address(caller.address)
        except TheirProtocolError:
            return caller.name
        number = "" if self._store is None else await self._store.read(lambda tx: budgets.person_of(tx, address))
        return f"person:{number}" if number else f"mailbox:{address.key}"

    async def _account(self, key: Key) -> _Account:
        if key in self._accounts:
            return self._accounts[key]
        today, known = self._clock().date(), 0
        if self._store is not None:
            known = await self._store.read(lambda tx: budgets.spent_on(tx, *key, today))
        if len(self._accounts) >= CALLERS_MAX:
            self._leave_out(today)
        # Another question of the same caller may have read it meanwhile, on an engine that suspends.
        return self._accounts.setdefault(key, _Account(Spent(today, known)))

    def _leave_out(self, today: date) -> None:
        """Leave out accounts that are written, or of another day when nothing is."""
        stays = self._store is None
        self._accounts = {
            key: one
            for key, one in self._accounts.items()
            if one.questions or one.unwritten or (stays and one.spent.day == today)
        }

    async def _granted(self, account: _Account, most: int, wanted: int) -> int | Refusal:
        """Return how much may be given now; wait for what others hold only when that decides."""
        while True:
            today = self._clock().date()
            left = judge_budget(add(account.spent, today, account.held), today, most)
            if not account.held or (isinstance(left, int) and left >= wanted):
                return left if isinstance(left, Refusal) else min(left, wanted)
            turn = asyncio.get_running_loop().create_future()
            account.waiting.append(turn)
            await turn

    def _count(self, key: Key, account: _Account, given: int) -> None:
        if not given:
            return
        today = self._clock().date()
        if account.spent.day != today:
            account.unwritten = 0
        account.spent = add(account.spent, today, given)
        if self._store is not None:
            account.unwritten += given
            self._unwritten.add(key)
            self._write_soon()

    # -- writing, in the background ------------------------------------------------------------------------------

    def _write_soon(self) -> None:
        if self._timer is None and self._writing is None:
            self._timer = asyncio.get_running_loop().call_later(self._write_after.total_seconds(), self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._writing = asyncio.get_running_loop().create_task(self._write_some(), name="directory budgets")
        self._writing.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[bool]) -> None:
        self._writing = None
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._say(accident(error))
        elif self._unwritten:
            self._write_soon()

    async def close(self) -> None:
        """Write what is not written; nothing is counted afterwards."""
        if self._writing is not None:
            await self._writing
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._unwritten and await self._write_some():
            pass

    async def _write_some(self) -> bool:
        """Write a bounded number of accounts in one transaction; tell whether that was done."""
        if self._store is None:
            return False
        today = self._clock().date()
        keys = list(islice(self._unwritten, WRITTEN_AT_ONCE))
        accounts = [self._accounts[key] for key in keys]
        counted = [
            budgets.Counted(*key, account.spent.day, account.unwritten)
            for key, account in zip(keys, accounts, strict=True)
        ]
        for account in accounts:
            account.unwritten = 0
        self._unwritten.difference_update(keys)

        async def work(tx: Tx) -> list[int]:
            if self._forgotten < today:
                await budgets.forget_spent(tx, today)
            return await budgets.add_spent(tx, counted)

        try:
            totals = await self._store.write(work)
        except StoreError as error:
            self._take_back(counted)
            self._say(str(error))
            return False
        self._forgotten, self._problem = today, ""
        for account, one, total in zip(accounts, counted, totals, strict=True):
            if account.spent.day == one.day:
                # Another process may serve the same store: what it has counted counts here too.
                account.spent = Spent(one.day, max(account.spent.entries, total + account.unwritten))
        return True

    def _say(self, problem: str) -> None:
        """Log why nothing can be written; tried again every second, told once."""
        if self._log is not None and problem != self._problem:
            self._log.warning("directory-budgets-not-written", error=problem)
        self._problem = problem

    def _take_back(self, counted: list[budgets.Counted]) -> None:
        for one in counted:
            key = (one.caller, one.what)
            account = self._accounts.get(key)
            if account is not None and account.spent.day == one.day:
                account.unwritten += one.amount
                self._unwritten.add(key)
