"""The doors to the directory for address books: LDAP v3 with StartTLS, and with TLS from the first byte."""
