"""A national population that does not exist: people, places and mailboxes in the formats of the real files."""
