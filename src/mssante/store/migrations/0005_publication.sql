-- What the directory is told of our mailboxes, when people signed in last, who stands in for whom.

-- Attributes first, then how far telling the directory has come. local_id: the holder in the hospital's own register.
-- published: what the directory accepted last (JSON), '' when nothing. version rises with each change, so that the
-- answer about an older one does not end the work. due_at: NULL when nothing is to be done; while sent, the end of
-- the lease. A mailbox that is suspended or closed is to be withdrawn; a citizen's is in no directory.
CREATE TABLE box_listing (
    mailbox_id INTEGER PRIMARY KEY REFERENCES mailbox,
    local_id TEXT NOT NULL DEFAULT '',
    structure TEXT NOT NULL DEFAULT '',
    service TEXT NOT NULL DEFAULT '',
    description TEXT NOT NULL DEFAULT '',
    responsible TEXT NOT NULL DEFAULT '',
    phone TEXT NOT NULL DEFAULT '',
    is_red INTEGER NOT NULL DEFAULT 0,
    is_paperless INTEGER,
    rank INTEGER,
    state TEXT NOT NULL,
    published TEXT NOT NULL DEFAULT '',
    version INTEGER NOT NULL DEFAULT 1,
    tries INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER,
    lease TEXT NOT NULL DEFAULT '',
    code TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    changed_at INTEGER NOT NULL
) STRICT;

CREATE INDEX box_listing_due ON box_listing (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX box_listing_local ON box_listing (local_id) WHERE local_id <> '';

INSERT INTO box_listing (mailbox_id, state, due_at, changed_at)
SELECT mailbox_id, iif(state = 'active', 'to-publish', 'withdrawn'), iif(state = 'active', created_at, NULL), state_at
FROM mailbox WHERE kind <> 'USAGER';

-- No way of opening a mailbox can forget the directory.
CREATE TRIGGER mailbox_opened AFTER INSERT ON mailbox WHEN new.kind <> 'USAGER'
BEGIN
    INSERT INTO box_listing (mailbox_id, state, due_at, changed_at)
    VALUES (new.mailbox_id, 'to-publish', new.created_at, new.created_at);
END;

-- What is on its way stays so until its answer, which then finds another version.
CREATE TRIGGER mailbox_entered_or_left AFTER UPDATE OF state ON mailbox
WHEN (new.state = 'active') <> (old.state = 'active')
BEGIN
    UPDATE box_listing SET version = version + 1, tries = 0, code = '', reason = '', changed_at = new.state_at,
        state = iif(lease = '', 'to-publish', state), due_at = iif(lease = '', new.state_at, due_at)
    WHERE mailbox_id = new.mailbox_id;
END;

ALTER TABLE account ADD COLUMN last_sign_in_at INTEGER;

UPDATE account SET last_sign_in_at = (
    SELECT max(last_used_at) FROM credential WHERE credential.account_id = account.account_id
);

-- Tokens and certificates left their trace in the audit only.
UPDATE account SET last_sign_in_at = max(coalesce(account.last_sign_in_at, 0), found.at)
FROM (SELECT event ->> 'actor' AS login, max(at) AS at FROM audit
    WHERE event ->> 'event' = 'sign-in.accepted' GROUP BY 1) AS found
WHERE found.login = account.login;

CREATE INDEX account_right_mailbox ON account_right (mailbox_id);

-- A mailbox without a row has had no notice and no objection.
CREATE TABLE box_life (
    mailbox_id INTEGER PRIMARY KEY REFERENCES mailbox,
    noticed_at INTEGER,
    reminded_at INTEGER,
    objected_at INTEGER,
    contact TEXT NOT NULL DEFAULT ''
) STRICT;

-- What is to be said on the way that the holder chose, beside the mail in the box itself.
CREATE TABLE contact_notice (
    notice_id INTEGER PRIMARY KEY,
    mailbox_id INTEGER NOT NULL REFERENCES mailbox,
    contact TEXT NOT NULL,
    what TEXT NOT NULL,
    noted_at INTEGER NOT NULL,
    sent_at INTEGER
) STRICT;

CREATE INDEX contact_notice_open ON contact_notice (mailbox_id) WHERE sent_at IS NULL;

-- While it runs, its right stands in account_right, where every door looks.
CREATE TABLE delegation (
    delegation_id INTEGER PRIMARY KEY,
    mailbox_id INTEGER NOT NULL REFERENCES mailbox,
    account_id INTEGER NOT NULL REFERENCES account,
    may_read INTEGER NOT NULL,
    may_send INTEGER NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX delegation_planned ON delegation (starts_at) WHERE state = 'planned';
CREATE INDEX delegation_running ON delegation (ends_at) WHERE state = 'running';
CREATE INDEX delegation_mailbox ON delegation (mailbox_id);

-- seen_uid: the last message of INBOX that was looked at for an automatic answer.
CREATE TABLE absence (
    mailbox_id INTEGER PRIMARY KEY REFERENCES mailbox,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    text TEXT NOT NULL,
    substitute TEXT NOT NULL,
    seen_uid INTEGER NOT NULL
) STRICT;

-- sender: the beginning of a hash; who wrote to whom is nobody's business.
CREATE TABLE absence_answer (
    mailbox_id INTEGER NOT NULL REFERENCES mailbox,
    sender BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (mailbox_id, sender)
) STRICT, WITHOUT ROWID;
