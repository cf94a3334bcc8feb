-- Works that only one of several nodes does: which node does one, and until when it has said so.
CREATE TABLE lease (
    task TEXT PRIMARY KEY,
    node TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
