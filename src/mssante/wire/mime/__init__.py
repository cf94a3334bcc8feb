"""Internet messages (RFC 5322, MIME) without I/O: read headers, complete them, build reports."""
