-- What the nodes of one operator have in common on a shared store: each other, and the budgets of failed sign-ins.

-- One row for each start of a program that serves. beat_at is by the database's clock; clock is the node's minus it.
CREATE TABLE node (
    run TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    host TEXT NOT NULL,
    version TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    doors TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    clock INTEGER,
    started_at INTEGER NOT NULL,
    beat_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Failed sign-ins since began_at: of a source, for a login, of everybody. Keys are keyed hashes, because somebody may
-- type a password where the login goes.
CREATE TABLE sign_in_failure (
    key BLOB PRIMARY KEY,
    began_at INTEGER NOT NULL,
    failures INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sign_in_failure_began ON sign_in_failure (began_at);

-- From where an account has signed in; the source as above.
CREATE TABLE sign_in_source (
    source BLOB NOT NULL,
    account_id INTEGER NOT NULL REFERENCES account,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (source, account_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX sign_in_source_seen ON sign_in_source (seen_at);
