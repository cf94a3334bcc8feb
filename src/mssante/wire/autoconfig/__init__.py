"""The formats in which mail programs look for their settings, all made from one `MailServices`."""
