-- Application passwords have a scope and may end by themselves; people are found by their national number.

ALTER TABLE credential ADD COLUMN scopes text COLLATE "C" NOT NULL DEFAULT 'imap submission';

ALTER TABLE credential ADD COLUMN until bigint;

CREATE INDEX mailbox_identifier ON mailbox (identifier) WHERE kind = 'PER';
