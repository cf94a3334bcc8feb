-- What came of messages after they were handed over, and who wants to be told when nothing came.
-- works with: 9

-- The first receipt of each kind for one copy, or the last with another code; recipient is the key of its address.
CREATE TABLE receipt (
    reference text COLLATE "C" NOT NULL,
    recipient text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    code text COLLATE "C" NOT NULL,
    detail text COLLATE "C" NOT NULL,
    proof text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    PRIMARY KEY (reference, recipient, kind)
);

CREATE INDEX receipt_at ON receipt (at);

-- Under which Message-ID a message was handed over. A receipt names it; that alone proves nothing.
CREATE TABLE sent_identifier (
    identifier text COLLATE "C" NOT NULL,
    reference text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (identifier, reference)
);

CREATE INDEX sent_identifier_at ON sent_identifier (at);

-- Senders who want to be told of silence; alerted_at is set when it was looked at, silent says how many were.
CREATE TABLE wish (
    reference text COLLATE "C" PRIMARY KEY,
    sender text COLLATE "C" NOT NULL,
    due_at bigint NOT NULL,
    alerted_at bigint,
    silent bigint NOT NULL DEFAULT 0
);

CREATE INDEX wish_due ON wish (due_at) WHERE alerted_at IS NULL;

-- Receipts that a box of ours gave, so that none is given twice.
CREATE TABLE receipt_given (
    reference text COLLATE "C" NOT NULL,
    box text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (reference, box)
);

CREATE INDEX receipt_given_at ON receipt_given (at);
