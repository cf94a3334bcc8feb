"""Publication of our own mailboxes in the directory, and bulk creation of a hospital's mailboxes."""
