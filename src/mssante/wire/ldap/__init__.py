"""LDAP v3 without I/O: BER, messages, filters, names, our schema and tree; no search is decided here."""
