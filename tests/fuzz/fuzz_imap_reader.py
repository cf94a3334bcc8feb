"""Fuzz target: what an IMAP client sends, any bytes; runs under atheris or hypothesis."""

from mssante.wire.imap.framing import AppendData, BadCommand, CommandReader, ReaderLimits


def events(data: bytes, step: int) -> list[object]:
    reader = CommandReader(ReaderLimits(2000, 3000, 20))
    found: list[object] = []
    for start in range(0, len(data), step):
        reader.receive(data[start : start + step])
        while (event := reader.next()) is not None:
            if isinstance(event, AppendData) and found and isinstance(found[-1], AppendData):
                found[-1] = AppendData(found[-1].data + event.data)
            else:
                found.append(event)
            if isinstance(event, BadCommand) and event.fatal:
                return found
    return found


def one_input(data: bytes) -> None:
    whole = events(data, max(1, len(data)))
    pieces = events(data, 1 + len(data) % 5)
    # A line that is too long is refused as soon as that is known, which is earlier in one piece than in another.
    if not any(isinstance(event, BadCommand) and event.fatal for event in (*whole, *pieces)):
        assert whole == pieces
