-- The first schema. Times are microseconds since 1970 UTC; addresses are texts beside their look-up key.

CREATE TABLE migration (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 BLOB NOT NULL
) STRICT;

CREATE TABLE domain (
    name TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A row is never deleted: a closed address is never given again.
CREATE TABLE mailbox (
    mailbox_id INTEGER PRIMARY KEY,
    address TEXT NOT NULL,
    address_key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    holder TEXT NOT NULL,
    identifier TEXT NOT NULL,
    quota_bytes INTEGER NOT NULL,
    used_bytes INTEGER NOT NULL DEFAULT 0,
    modseq INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    state_at INTEGER NOT NULL
) STRICT;

CREATE TABLE folder (
    folder_id INTEGER PRIMARY KEY,
    mailbox_id INTEGER NOT NULL REFERENCES mailbox,
    name TEXT NOT NULL,
    role TEXT,
    uid_validity INTEGER NOT NULL,
    uid_next INTEGER NOT NULL DEFAULT 1,
    highest_modseq INTEGER NOT NULL DEFAULT 1,
    messages INTEGER NOT NULL DEFAULT 0,
    unseen INTEGER NOT NULL DEFAULT 0,
    UNIQUE (mailbox_id, name),
    UNIQUE (mailbox_id, role)
) STRICT;

CREATE TABLE account (
    account_id INTEGER PRIMARY KEY,
    login TEXT NOT NULL,
    login_key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    certificate TEXT,
    certificate_key TEXT UNIQUE,
    active INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE account_right (
    account_id INTEGER NOT NULL REFERENCES account,
    mailbox_id INTEGER NOT NULL REFERENCES mailbox,
    may_read INTEGER NOT NULL,
    may_send INTEGER NOT NULL,
    PRIMARY KEY (account_id, mailbox_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE credential (
    credential_id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account,
    name TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER,
    last_used_at INTEGER
) STRICT;

-- Bodies stand apart, so that lists of messages are read from few pages.
CREATE TABLE message (
    message_id INTEGER PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    sender TEXT,
    summary TEXT NOT NULL,
    decision TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    path TEXT,
    received_at INTEGER NOT NULL
) STRICT;

CREATE INDEX message_path ON message (path) WHERE path IS NOT NULL;

CREATE TABLE body (
    message_id INTEGER PRIMARY KEY REFERENCES message,
    data BLOB NOT NULL
) STRICT;

-- Rows are added at the end and the order of folders is an index: many folders at once split few pages.
CREATE TABLE filed (
    filed_id INTEGER PRIMARY KEY,
    folder_id INTEGER NOT NULL REFERENCES folder,
    uid INTEGER NOT NULL,
    mailbox_id INTEGER NOT NULL REFERENCES mailbox,
    message_id INTEGER NOT NULL REFERENCES message,
    modseq INTEGER NOT NULL,
    flags TEXT NOT NULL,
    filed_at INTEGER NOT NULL,
    prefix BLOB NOT NULL,
    UNIQUE (folder_id, uid)
) STRICT;

CREATE INDEX filed_message ON filed (message_id);

CREATE TABLE expunged (
    folder_id INTEGER NOT NULL REFERENCES folder,
    uid INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    PRIMARY KEY (folder_id, modseq, uid)
) STRICT, WITHOUT ROWID;

CREATE TABLE seen (
    copy_key BLOB PRIMARY KEY,
    reference TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX seen_at ON seen (at);

-- While a copy is being sent, due_at is the end of its lease.
CREATE TABLE copy (
    copy_id INTEGER PRIMARY KEY,
    message_id INTEGER NOT NULL REFERENCES message,
    reference TEXT NOT NULL,
    state TEXT NOT NULL,
    sender TEXT,
    recipient TEXT NOT NULL,
    domain TEXT NOT NULL,
    notify INTEGER NOT NULL,
    original TEXT,
    options TEXT NOT NULL,
    dsn INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    queued_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    lease TEXT NOT NULL DEFAULT '',
    warned INTEGER NOT NULL DEFAULT 0,
    last_kind TEXT,
    last_detail TEXT NOT NULL DEFAULT '',
    reply TEXT NOT NULL DEFAULT '',
    peer TEXT NOT NULL DEFAULT '',
    rule TEXT NOT NULL DEFAULT '',
    changed_at INTEGER NOT NULL,
    prefix BLOB NOT NULL
) STRICT;

CREATE INDEX copy_message ON copy (message_id);
CREATE INDEX copy_reference ON copy (reference);
CREATE INDEX copy_due ON copy (domain, due_at) WHERE state IN ('waiting', 'deferred', 'sending');
CREATE INDEX copy_next ON copy (due_at) WHERE state IN ('waiting', 'deferred', 'sending');
CREATE INDEX copy_final ON copy (changed_at) WHERE state IN ('delivered', 'relayed', 'failed');

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    digest BLOB NOT NULL
) STRICT;

CREATE TABLE trust_list (
    list_id INTEGER PRIMARY KEY,
    version TEXT NOT NULL,
    generated_at INTEGER NOT NULL,
    etag TEXT NOT NULL,
    last_modified TEXT NOT NULL,
    fetched_at INTEGER NOT NULL,
    checked_at INTEGER NOT NULL,
    raw BLOB NOT NULL
) STRICT;

CREATE TABLE crl (
    issuer TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    this_update INTEGER NOT NULL,
    next_update INTEGER,
    fetched_at INTEGER NOT NULL,
    der BLOB NOT NULL
) STRICT;

CREATE TABLE listing (
    domain TEXT NOT NULL,
    dn TEXT NOT NULL,
    description TEXT NOT NULL,
    responsible TEXT NOT NULL,
    support TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (domain, dn)
) STRICT, WITHOUT ROWID;

CREATE TABLE publication (
    publication_id INTEGER PRIMARY KEY,
    generated_at INTEGER NOT NULL,
    published_at INTEGER NOT NULL,
    raw BLOB NOT NULL
) STRICT;
