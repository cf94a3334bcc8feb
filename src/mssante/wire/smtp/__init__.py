"""SMTP (RFC 5321) without I/O: commands, replies, data, server and client state machines."""
