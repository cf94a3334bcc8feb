-- Who of the professionals may be answered by which citizen: they open an exchange by writing, and may close it.
-- works with: 9

-- Both by look-up key. closed_at: NULL while the citizen may write.
CREATE TABLE conversation (
    citizen text COLLATE "C" NOT NULL,
    professional text COLLATE "C" NOT NULL,
    opened_at bigint NOT NULL,
    closed_at bigint,
    PRIMARY KEY (citizen, professional)
);
