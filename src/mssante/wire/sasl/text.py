"""The text of a response, whatever the mechanism."""

from mssante.model.errors import TheirProtocolError


def response_text(data: bytes) -> str:
    """Return a response as UTF-8 text.

    Raises:
        TheirProtocolError: it is not UTF-8.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        msg = "sign-in response is not UTF-8"
        raise TheirProtocolError(msg) from error
