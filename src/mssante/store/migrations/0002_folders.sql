-- Folders as readers use them: dates of their own, rights, subscriptions, and what is kept of each message.

-- NULL: the time at which the message came in.
ALTER TABLE filed ADD COLUMN internal_at INTEGER;

CREATE INDEX filed_modseq ON filed (folder_id, modseq);

-- The largest UIDVALIDITY ever given, so that a folder made again never has the one of before.
ALTER TABLE mailbox ADD COLUMN last_validity INTEGER NOT NULL DEFAULT 0;

UPDATE mailbox SET last_validity = coalesce(
    (SELECT max(uid_validity) FROM folder WHERE folder.mailbox_id = mailbox.mailbox_id), 0
);

CREATE TABLE folder_acl (
    folder_id INTEGER NOT NULL REFERENCES folder,
    identifier TEXT NOT NULL,
    rights TEXT NOT NULL,
    PRIMARY KEY (folder_id, identifier)
) STRICT, WITHOUT ROWID;

CREATE INDEX folder_acl_identifier ON folder_acl (identifier);

-- What an account chose; a name without a row is subscribed when its folder has a role.
CREATE TABLE subscription (
    account_id INTEGER NOT NULL REFERENCES account,
    name TEXT NOT NULL,
    wanted INTEGER NOT NULL,
    PRIMARY KEY (account_id, name)
) STRICT, WITHOUT ROWID;

-- What programs note for themselves; account 0 is what everybody reads.
CREATE TABLE annotation (
    account_id INTEGER NOT NULL,
    entry TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (account_id, entry)
) STRICT, WITHOUT ROWID;

CREATE TABLE message_index (
    message_id INTEGER PRIMARY KEY,
    envelope BLOB NOT NULL,
    bodystructure BLOB NOT NULL,
    body BLOB NOT NULL,
    parts BLOB NOT NULL,
    -- Of the Date field: microseconds, and its day where it was written, counted from the year 1.
    sent_at INTEGER,
    sent_day INTEGER,
    base_subject TEXT NOT NULL,
    is_answer INTEGER NOT NULL,
    from_key TEXT NOT NULL,
    to_key TEXT NOT NULL,
    cc_key TEXT NOT NULL,
    internet_id TEXT NOT NULL,
    answers TEXT NOT NULL,
    cached_header BLOB,
    preview TEXT NOT NULL
) STRICT;

-- The number of a row holds its mailbox, so that a search stays within one.
CREATE VIRTUAL TABLE message_text USING fts5 (
    header, body, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 2"
);

CREATE TABLE text_row (
    mailbox_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, message_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER filed_gone AFTER DELETE ON filed
WHEN NOT EXISTS (SELECT 1 FROM filed WHERE message_id = old.message_id AND mailbox_id = old.mailbox_id)
    AND EXISTS (SELECT 1 FROM text_row WHERE mailbox_id = old.mailbox_id AND message_id = old.message_id)
BEGIN
    DELETE FROM message_text WHERE rowid = (old.mailbox_id << 32) | old.message_id;
    DELETE FROM text_row WHERE mailbox_id = old.mailbox_id AND message_id = old.message_id;
END;

CREATE TRIGGER message_gone AFTER DELETE ON message
BEGIN
    DELETE FROM message_index WHERE message_id = old.message_id;
END;
