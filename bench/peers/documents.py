"""A manager of one page: serves the white list and the revocation list over HTTPS on a free port."""

import contextlib
import http.server
import ssl
import threading
from collections.abc import Iterator, Mapping
from http import HTTPStatus

from bench.credentials import Credentials


@contextlib.contextmanager
def serving(port: int, files: Credentials, pages: Mapping[str, bytes]) -> Iterator[None]:
    """Serve the pages, path to bytes, on 127.0.0.1 until the end of the block."""

    class Handler(http.server.BaseHTTPRequestHandler):
        """Answers GET with a page or 404."""

        def do_GET(self) -> None:
            """Send the page."""
            data = pages.get(self.path, b"")
            self.send_response(HTTPStatus.OK if data else HTTPStatus.NOT_FOUND)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.server, files.server_key)
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, name="documents", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
