import pytest

from bench.load import _body, _head, mailbox

END = b"\r\n.\r\n"


@pytest.mark.parametrize("size_bytes", [4096, 65536, 1048576])
def test_a_message_has_exactly_the_size_that_was_asked(size_bytes: int) -> None:
    message = (_head(7, mailbox(7).encode()) + _body(size_bytes)).removesuffix(b".\r\n")
    assert len(message) == size_bytes


def test_no_line_needs_a_dot_and_none_is_long() -> None:
    lines = (_head(7, mailbox(7).encode()) + _body(4096)).removesuffix(END).split(b"\r\n")
    assert all(len(line) <= 78 and not line.startswith(b".") for line in lines)


def test_no_two_messages_share_their_message_id() -> None:
    heads = {_head(number, b"a@b").partition(b"Message-ID: ")[2].partition(b"\r\n")[0] for number in range(1000)}
    assert len(heads) == 1000


def test_recipients_take_turns_over_the_mailboxes() -> None:
    assert [mailbox(number) for number in (0, 42)] == ["bal000@bench.mssante.fr", "bal042@bench.mssante.fr"]
