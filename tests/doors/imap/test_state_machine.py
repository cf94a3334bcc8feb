"""Several mail programs on one folder, in any order of acts, agree with one model of it at every checkpoint.

UIDs are never used twice, modification numbers never go back, who comes back with QRESYNC misses nothing, and who asked
for it with NOTIFY is told by itself.

Source: RFC 9051 sections 2.3.1.1 and 7; RFC 7162; RFC 5465.
"""

import asyncio
import re
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from imap_talk import USER, ImapTalk, imap, put
from proofs import Stage, one_site

FLAGS = ("\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "$MDNSent")
CLIENTS = ("plain", "condstore", "qresync", "notify")
_FETCH = re.compile(rb"\* (\d+) FETCH \((.*)\)\r\n", re.DOTALL)


@dataclass
class Known:
    """What one client believes of a message."""

    uid: int = 0
    flags: frozenset[str] = frozenset()
    modseq: int = 0


@dataclass
class Client:
    """One mail program: what it was told, and nothing else."""

    kind: str
    talk: ImapTalk
    stack: AsyncExitStack
    known: list[Known] = field(default_factory=list)
    highest: int = 0
    validity: int = 0

    async def do(self, command: str) -> bytes:
        """Say a command that may be refused; take in every answer."""
        lines = await self.talk.say(command)
        self.hear(lines)
        await self.learn()
        return lines[-1]

    async def learn(self) -> None:
        """Ask for the UIDs of what is new, as a program must that is told of losses by UID."""
        while self.kind == "qresync" and any(one.uid == 0 for one in self.known):
            first = next(number for number, one in enumerate(self.known, start=1) if one.uid == 0)
            self.hear(await self.talk.good(f"FETCH {first}:* (UID FLAGS)"))

    def hear(self, lines: list[bytes]) -> None:
        for line in lines:
            words = line.split()
            if words[0] != b"*":
                continue
            if words[2:3] == [b"EXISTS"]:
                count = int(words[1])
                assert count >= len(self.known), (self.kind, line)
                self.known += [Known() for _ in range(count - len(self.known))]
            elif words[2:3] == [b"EXPUNGE"]:
                assert self.kind != "qresync", line
                del self.known[int(words[1]) - 1]
            elif words[1] == b"VANISHED":
                assert self.kind == "qresync", line
                gone = uids_of(words[-1])
                unknown = gone - {one.uid for one in self.known}
                self.known = [one for one in self.known if one.uid not in gone]
                # One that was just announced and whose UID was not asked for yet is one of those at the end.
                for _ in unknown:
                    assert self.known.pop().uid == 0, (line, "a loss of what was never announced")
            elif (found := _FETCH.fullmatch(line)) is not None:
                self.hear_fetch(int(found[1]), found[2])
            if (modseq := re.search(rb"HIGHESTMODSEQ (\d+)", line)) is not None:
                self.highest = int(modseq[1])
            if (validity := re.search(rb"UIDVALIDITY (\d+)", line)) is not None:
                self.validity = int(validity[1])

    def hear_fetch(self, number: int, items: bytes) -> None:
        assert 1 <= number <= len(self.known), (self.kind, number, items)
        one = self.known[number - 1]
        if (uid := re.search(rb"UID (\d+)", items)) is not None:
            assert one.uid in {0, int(uid[1])}, (self.kind, number, items)
            one.uid = int(uid[1])
        if (flags := re.search(rb"FLAGS \(([^)]*)\)", items)) is not None:
            one.flags = frozenset(flags[1].decode().split()) - {"\\Recent"}
        if (modseq := re.search(rb"MODSEQ \((\d+)\)", items)) is not None:
            assert int(modseq[1]) >= one.modseq, (self.kind, "a modification number went back", items)
            one.modseq = int(modseq[1])


def uids_of(text: bytes) -> set[int]:
    found: set[int] = set()
    for part in text.split(b","):
        first, _, last = part.partition(b":")
        found |= set(range(int(first), int(last or first) + 1))
    return found


class Programs(RuleBasedStateMachine):
    """The machine; each example has a folder of its own on a stage that stays."""

    stage: ClassVar[Stage]
    loop: ClassVar[asyncio.AbstractEventLoop]
    examples: ClassVar[int] = 0
    looks: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).examples += 1
        self.folder = f"Essai-{self.examples}"
        self.model: dict[int, frozenset[str]] = {}
        self.ever: set[int] = set()
        self.highest = 0
        self.sent = 0
        self.clients: list[Client] = self.run(self.start())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever the work gives
        return self.loop.run_until_complete(work)

    async def start(self) -> list[Client]:
        clients = [await self.connect(kind) for kind in CLIENTS]
        await clients[0].talk.good(f"CREATE {self.folder}")
        for client in clients:
            await self.select(client)
        return clients

    async def connect(self, kind: str) -> Client:
        stack = AsyncExitStack()
        talk = await stack.enter_async_context(imap(self.stage, door="imaps", user=USER))
        if kind == "notify":
            # Told between its commands too, by itself.
            await talk.good("NOTIFY SET (SELECTED (MessageNew (UID FLAGS) MessageExpunge FlagChange))")
        elif kind != "plain":
            await talk.good(f"ENABLE {kind.upper()}")
        return Client(kind, talk, stack)

    async def select(self, client: Client, parameters: str = "") -> None:
        client.hear(await client.talk.good(f"SELECT {self.folder}{parameters}"))

    def teardown(self) -> None:
        async def stop() -> None:
            for client in self.clients:
                await client.stack.aclose()

        self.run(stop())

    # -- acts ----------------------------------------------------------------------------------------------------

    @rule(who=st.integers(0, 3), flags=st.frozensets(st.sampled_from(FLAGS), max_size=3))
    def append(self, who: int, flags: frozenset[str]) -> None:
        self.sent += 1
        letter = b"Subject: essai %d\r\n\r\ntexte\r\n" % self.sent
        answer = self.run(put(self.clients[who].talk, self.folder, letter, " ".join(sorted(flags))))
        self.clients[who].hear(answer)
        self.run(self.clients[who].learn())
        found = re.search(rb"APPENDUID \d+ (\d+)", answer[-1])
        assert found is not None, answer
        uid = int(found[1])
        assert uid not in self.ever
        assert uid > max(self.ever, default=0)
        self.ever.add(uid)
        self.model[uid] = flags

    @precondition(lambda self: self.model)
    @rule(
        who=st.integers(0, 3),
        choice=st.integers(0, 50),
        mode=st.sampled_from(["", "+", "-"]),
        flags=st.frozensets(st.sampled_from(FLAGS), min_size=1, max_size=2),
        silent=st.booleans(),
    )
    def store(self, who: int, choice: int, mode: str, flags: frozenset[str], silent: bool) -> None:
        uid = sorted(self.model)[choice % len(self.model)]
        word = "FLAGS.SILENT" if silent else "FLAGS"
        answer = self.run(self.clients[who].do(f"UID STORE {uid} {mode}{word} ({' '.join(sorted(flags))})"))
        assert answer.startswith(b"OK"), answer
        before = self.model[uid]
        self.model[uid] = flags if mode == "" else before | flags if mode == "+" else before - flags
        if silent:
            # A client that changes silently knows what it did.
            for one in self.clients[who].known:
                if one.uid == uid:
                    one.flags = self.model[uid]

    @rule(who=st.integers(0, 3))
    def expunge(self, who: int) -> None:
        self.run(self.clients[who].do("EXPUNGE"))
        self.model = {uid: flags for uid, flags in self.model.items() if "\\Deleted" not in flags}

    @precondition(lambda self: self.model)
    @rule(who=st.integers(0, 3), choice=st.integers(0, 50))
    def copy_onto_itself(self, who: int, choice: int) -> None:
        uid = sorted(self.model)[choice % len(self.model)]
        answer = self.run(self.clients[who].do(f"UID COPY {uid} {self.folder}"))
        found = re.search(rb"COPYUID \d+ (\d+) (\d+)", answer)
        assert found is not None, answer
        new = int(found[2])
        assert new > max(self.ever)
        self.ever.add(new)
        self.model[new] = self.model[uid]

    @precondition(lambda self: self.model)
    @rule(who=st.integers(0, 3), choice=st.integers(0, 50))
    def move_away(self, who: int, choice: int) -> None:
        uid = sorted(self.model)[choice % len(self.model)]
        answer = self.run(self.clients[who].do(f"UID MOVE {uid} Corbeille"))
        assert answer.startswith(b"OK"), answer
        del self.model[uid]

    @rule(who=st.integers(0, 3))
    def look(self, who: int) -> None:
        self.run(self.clients[who].do("NOOP"))

    @rule(who=st.integers(0, 3))
    def search(self, who: int) -> None:
        client = self.clients[who]
        assert self.run(client.do("UID SEARCH RETURN (ALL COUNT) UNSEEN")).startswith(b"OK")

    @rule()
    def come_back_with_qresync(self) -> None:
        async def again() -> Client:
            old = self.clients[2]
            await old.stack.aclose()
            client = await self.connect("qresync")
            known = [one for one in old.known if one.uid]
            client.known = [Known(one.uid, one.flags, 0) for one in known]
            # What it remembers are messages with UIDs; how many there are now it hears first.
            lines = await client.talk.good(f"SELECT {self.folder} (QRESYNC ({old.validity} {old.highest}))")
            vanished = [line for line in lines if b"VANISHED (EARLIER)" in line]
            for line in vanished:
                gone = uids_of(line.split()[-1])
                client.known = [one for one in client.known if one.uid not in gone]
            client.hear([line for line in lines if b"VANISHED" not in line])
            await client.learn()
            return client

        if self.clients[2].highest:
            self.clients[2] = self.run(again())

    @rule()
    def checkpoint(self) -> None:
        async def check() -> None:
            for client in self.clients:
                assert (await client.do("NOOP")).startswith(b"OK")
                seen = [(one.uid, one.flags) for one in client.known]
                lines = await client.talk.good("UID FETCH 1:* (UID FLAGS MODSEQ)" if self.model else "NOOP")
                told = [(uid, flags) for uid, flags in seen if uid]
                client.hear(lines)
                now = [(one.uid, one.flags) for one in client.known]
                assert dict(now) == self.model, (client.kind, now, self.model)
                assert [uid for uid, _ in now] == sorted(self.model), client.kind
                # What it had been told before it asked was right already.
                assert all(self.model.get(uid) == flags for uid, flags in told if flags is not None), (
                    client.kind,
                    told,
                )
                status = await client.talk.good(f"STATUS {self.folder} (MESSAGES UIDNEXT HIGHESTMODSEQ UNSEEN)")
                facts = dict(re.findall(rb"([A-Z]+) (\d+)", status[0]))
                assert int(facts[b"MESSAGES"]) == len(self.model)
                assert int(facts[b"UIDNEXT"]) > max(self.ever, default=0)
                assert int(facts[b"UNSEEN"]) == sum("\\Seen" not in flags for flags in self.model.values())
                modseq = int(facts[b"HIGHESTMODSEQ"])
                assert modseq >= self.highest
                self.highest = modseq
                if client.kind == "qresync":
                    client.highest = modseq

        self.run(check())
        type(self).looks += 1


@pytest.mark.world
def test_programs_agree_with_the_model_whatever_they_do(tmp_path, pki) -> None:
    with asyncio.Runner() as runner:
        loop = runner.get_loop()

        async def open_stage() -> tuple[Stage, AsyncExitStack]:
            stack = AsyncExitStack()
            return await stack.enter_async_context(one_site(tmp_path, pki)), stack

        Programs.loop = loop
        Programs.stage, stack = loop.run_until_complete(open_stage())
        try:
            run_state_machine_as_test(
                Programs,
                settings=settings(
                    max_examples=40,
                    stateful_step_count=25,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                    derandomize=True,
                    phases=[Phase.generate],
                    report_multiple_bugs=False,
                ),
            )
        finally:
            loop.run_until_complete(stack.aclose())
    # Each example compared what the programs know with the model more than once, as a rule.
    assert Programs.looks > Programs.examples >= 40
