-- Who of the professionals may be answered by which citizen: they open an exchange by writing, and may close it.

-- Both by look-up key. closed_at: NULL while the citizen may write.
CREATE TABLE conversation (
    citizen TEXT NOT NULL,
    professional TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    closed_at INTEGER,
    PRIMARY KEY (citizen, professional)
) STRICT, WITHOUT ROWID;
