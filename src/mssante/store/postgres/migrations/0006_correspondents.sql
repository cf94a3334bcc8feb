-- What deliveries tell of addresses, and the last comparison with the directory.

-- Who of ours wrote to whom: both by look-up key; delivered counts copies that arrived. Never a citizen's address.
CREATE TABLE correspondent (
    sender text COLLATE "C" NOT NULL,
    recipient text COLLATE "C" NOT NULL,
    wrote_at bigint NOT NULL,
    delivered_at bigint,
    delivered bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (sender, recipient)
);

CREATE INDEX correspondent_recipient ON correspondent (recipient);

-- Only addresses that have failed for good once: a delivery to any other address writes nothing here.
-- failures: hard bounces since the last success; first_failed_at: the first of them.
CREATE TABLE recipient_health (
    recipient text COLLATE "C" PRIMARY KEY,
    delivered_at bigint,
    first_failed_at bigint NOT NULL,
    failed_at bigint NOT NULL,
    failures bigint NOT NULL,
    reason text COLLATE "C" NOT NULL
);

CREATE INDEX recipient_failing ON recipient_health (failed_at) WHERE failures > 0;

-- One row at most: the last comparison of our mailboxes with the directory; result is JSON.
CREATE TABLE directory_comparison (
    one bigint PRIMARY KEY CHECK (one = 1),
    at bigint NOT NULL,
    found bigint NOT NULL,
    result bytea NOT NULL
);
