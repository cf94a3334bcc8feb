-- What the nodes of one operator have in common on a shared store: each other, and the budgets of failed sign-ins.
-- works with: 9

-- One row for each start of a program that serves. beat_at is by the database's clock; clock is the node's minus it.
CREATE TABLE node (
    run text COLLATE "C" PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    host text COLLATE "C" NOT NULL,
    version text COLLATE "C" NOT NULL,
    schema_version bigint NOT NULL,
    doors text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    clock bigint,
    started_at bigint NOT NULL,
    beat_at bigint NOT NULL
) WITH (fillfactor = 50);

-- Failed sign-ins since began_at: of a source, for a login, of everybody. Keys are keyed hashes, because somebody may
-- type a password where the login goes.
CREATE TABLE sign_in_failure (
    key bytea PRIMARY KEY,
    began_at bigint NOT NULL,
    failures bigint NOT NULL
) WITH (fillfactor = 70);

CREATE INDEX sign_in_failure_began ON sign_in_failure (began_at);

-- From where an account has signed in; the source as above.
CREATE TABLE sign_in_source (
    source bytea NOT NULL,
    account_id bigint NOT NULL REFERENCES account,
    seen_at bigint NOT NULL,
    PRIMARY KEY (source, account_id)
);

CREATE INDEX sign_in_source_seen ON sign_in_source (seen_at);

-- How many workers of all nodes are at one destination is counted at each claim.
CREATE INDEX copy_lanes ON copy (domain, due_at, lease) WHERE state = 'sending';
