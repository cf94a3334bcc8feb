"""The IMAP doors: mail programs read, file and send into their folders."""
