"""A transport that is only pretended, for connections driven by hand."""


class Wire:
    """A transport that keeps what is written, whether it is read, and how it ended."""

    def __init__(self) -> None:
        self.written = b""
        self.reading = True
        self.closed = False
        self.aborted = False
        self.held_bytes = 0

    def get_extra_info(self, name: str) -> object:
        return ("192.0.2.1", 5000) if name == "peername" else None

    def set_write_buffer_limits(self, high: int) -> None:
        self.held_bytes = high

    def write(self, data: bytes) -> None:
        self.written += data

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def codes(self) -> list[int]:
        """Return the code of each SMTP reply."""
        return [int(line[:3]) for line in self.written.decode().splitlines() if line[3] == " "]
