"""Threads as the standard has them; the cases are its own words."""

import random
import time

import pytest

from mssante.flows.folders.sorting import Sortable, sort_rows
from mssante.flows.folders.threading import make_threads
from mssante.model.search import SortBy, SortKey, Thread, Threading


def message(uid: int, ident: str, *references: str, subject: str = "", sent: int = 0, answer: bool = False) -> Sortable:
    return Sortable(
        uid,
        message_id=ident,
        references=references,
        base_subject=subject or f"sujet {uid}",
        sent_at=sent or uid,
        is_answer=answer,
    )


def shown(threads: tuple[Thread, ...]) -> str:
    return "".join(f"({_one(thread)})" for thread in threads)


def _one(thread: Thread) -> str:
    return str(thread.number or "*") + (f"[{shown(thread.answers)}]" if thread.answers else "")


CASES = {
    "answers stand below": ([message(1, "a"), message(2, "b", "a"), message(3, "c", "a", "b")], "(1[(2[(3)])])"),
    "a missing parent is an empty place": (
        [message(1, "b", "a"), message(2, "c", "a")],
        "(*[(1)(2)])",
    ),
    "an empty place with one answer goes": ([message(1, "b", "a")], "(1)"),
    "empty places in the middle pass their answers up": (
        [message(1, "a"), message(2, "c", "a", "b"), message(3, "d", "a", "b")],
        "(1[(2)(3)])",
    ),
    "two messages with one identifier both stay": ([message(1, "a"), message(2, "a")], "(1)(2)"),
    "messages without identifier stand alone": ([message(1, ""), message(2, "")], "(1)(2)"),
    "a loop is not made": ([message(1, "a", "b"), message(2, "b", "a")], "(2[(1)])"),
    "an answer to itself stands alone": ([message(1, "a", "a")], "(1)"),
    "a message's own parent goes before what others say": (
        [message(1, "a"), message(2, "x"), message(3, "c", "x", "b"), message(4, "b", "a")],
        "(1[(4[(3)])])(2)",
    ),
    "one subject is one thread, the answer below": (
        [message(1, "a", subject="s"), message(2, "b", subject="s", answer=True)],
        "(1[(2)])",
    ),
    "an answer that came first stands below too": (
        [message(1, "a", subject="s", answer=True), message(2, "b", subject="S")],
        "(2[(1)])",
    ),
    "two of one subject that answer nothing share an empty place": (
        [message(1, "a", subject="s"), message(2, "b", subject="s"), message(3, "c", subject="s")],
        "(*[(1)(2)(3)])",
    ),
    "two empty places of one subject are one": (
        [message(n, f"m{n}", ("p", "q")[n % 2], subject="s") for n in range(1, 5)],
        "(*[(1)(2)(3)(4)])",
    ),
    "brothers stand by their dates": (
        [message(1, "a"), message(2, "b", "a", sent=9), message(3, "c", "a", sent=5)],
        "(1[(3)(2)])",
    ),
    "nothing": ([], ""),
}


@pytest.mark.parametrize(("rows", "expected"), CASES.values(), ids=CASES)
def test_threads_by_references(rows: list[Sortable], expected: str) -> None:
    assert shown(make_threads(rows, Threading.REFERENCES)) == expected


def test_threads_by_subject_in_the_order_of_their_first_dates() -> None:
    rows = [
        message(1, "a", subject="b", sent=5),
        message(2, "b", subject="a", sent=7),
        message(3, "c", subject="B", sent=6),
        message(4, "d", subject="a", sent=1),
    ]
    assert shown(make_threads(rows, Threading.ORDEREDSUBJECT)) == "(4[(2)])(1[(3)])"


@pytest.mark.parametrize("order", ["up", "down", "mixed"])
def test_a_chain_of_answers_takes_time_in_proportion(order: str) -> None:
    count = 20_000
    rows = [message(n, f"m{n}", f"m{n - 1}") for n in range(1, count)]
    numbers = list(range(1, count))
    if order == "down":
        numbers.reverse()
    elif order == "mixed":
        random.Random(1).shuffle(numbers)
    rows = [message(uid, f"m{n}", f"m{n - 1}") for uid, n in enumerate(numbers, 1)]
    start = time.process_time()
    threads = make_threads(rows, Threading.REFERENCES)
    assert time.process_time() - start < 5
    assert len(threads) == 1


def test_every_message_stands_in_one_place_whatever_the_references() -> None:
    chance = random.Random(7)
    for _ in range(200):
        rows = [
            message(
                n,
                f"m{chance.randrange(8)}" if chance.random() < 0.9 else "",
                *(f"m{chance.randrange(8)}" for _ in range(chance.randrange(4))),
                subject=chance.choice("abc"),
                answer=chance.random() < 0.5,
                sent=chance.randrange(5) + 1,
            )
            for n in range(1, chance.randrange(2, 14))
        ]
        todo, found = list(make_threads(rows, Threading.REFERENCES)), []
        while todo:
            thread = todo.pop()
            found.append(thread.number)
            todo.extend(thread.answers)
        assert sorted(n for n in found if n) == [row.uid for row in rows]


def test_sorts_by_several_keys_and_leaves_ties_in_the_order_of_the_folder() -> None:
    rows = [
        Sortable(1, size_bytes=5, from_key="b"),
        Sortable(2, size_bytes=5, from_key="A"),
        Sortable(3, size_bytes=9, from_key="a"),
    ]
    assert sort_rows(rows, (SortKey(SortBy.SIZE, reverse=True), SortKey(SortBy.FROM))) == [3, 2, 1]
    assert sort_rows(rows, (SortKey(SortBy.FROM),)) == [2, 3, 1]
    assert sort_rows(rows, (SortKey(SortBy.TO, reverse=True),)) == [1, 2, 3]
