-- What deliveries tell of addresses, and the last comparison with the directory.

-- Who of ours wrote to whom: both by look-up key; delivered counts copies that arrived. Never a citizen's address.
CREATE TABLE correspondent (
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    wrote_at INTEGER NOT NULL,
    delivered_at INTEGER,
    delivered INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (sender, recipient)
) STRICT, WITHOUT ROWID;

CREATE INDEX correspondent_recipient ON correspondent (recipient);

-- Only addresses that have failed for good once: a delivery to any other address writes nothing here.
-- failures: hard bounces since the last success; first_failed_at: the first of them.
CREATE TABLE recipient_health (
    recipient TEXT PRIMARY KEY,
    delivered_at INTEGER,
    first_failed_at INTEGER NOT NULL,
    failed_at INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX recipient_failing ON recipient_health (failed_at) WHERE failures > 0;

-- One row at most: the last comparison of our mailboxes with the directory; result is JSON.
CREATE TABLE directory_comparison (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at INTEGER NOT NULL,
    found INTEGER NOT NULL,
    result BLOB NOT NULL
) STRICT;
