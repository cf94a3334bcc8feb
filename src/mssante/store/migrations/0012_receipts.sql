-- What came of messages after they were handed over, and who wants to be told when nothing came.

-- The first receipt of each kind for one copy, or the last with another code; recipient is the key of its address.
CREATE TABLE receipt (
    reference TEXT NOT NULL,
    recipient TEXT NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    code TEXT NOT NULL,
    detail TEXT NOT NULL,
    proof TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (reference, recipient, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX receipt_at ON receipt (at);

-- Under which Message-ID a message was handed over. A receipt names it; that alone proves nothing.
CREATE TABLE sent_identifier (
    identifier TEXT NOT NULL,
    reference TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (identifier, reference)
) STRICT, WITHOUT ROWID;

CREATE INDEX sent_identifier_at ON sent_identifier (at);

-- Senders who want to be told of silence; alerted_at is set when it was looked at, silent says how many were.
CREATE TABLE wish (
    reference TEXT PRIMARY KEY,
    sender TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    alerted_at INTEGER,
    silent INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE INDEX wish_due ON wish (due_at) WHERE alerted_at IS NULL;

-- Receipts that a box of ours gave, so that none is given twice.
CREATE TABLE receipt_given (
    reference TEXT NOT NULL,
    box TEXT NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (reference, box)
) STRICT, WITHOUT ROWID;

CREATE INDEX receipt_given_at ON receipt_given (at);
