-- Folders as readers use them: dates of their own, rights, subscriptions, and what is kept of each message.

-- NULL: the time at which the message came in.
ALTER TABLE filed ADD COLUMN internal_at bigint;

CREATE INDEX filed_modseq ON filed (folder_id, modseq);

-- The largest UIDVALIDITY ever given, so that a folder made again never has the one of before.
ALTER TABLE mailbox ADD COLUMN last_validity bigint NOT NULL DEFAULT 0;

UPDATE mailbox SET last_validity = coalesce(
    (SELECT max(uid_validity) FROM folder WHERE folder.mailbox_id = mailbox.mailbox_id), 0
);

CREATE TABLE folder_acl (
    folder_id bigint NOT NULL REFERENCES folder,
    identifier text COLLATE "C" NOT NULL,
    rights text COLLATE "C" NOT NULL,
    PRIMARY KEY (folder_id, identifier)
);

CREATE INDEX folder_acl_identifier ON folder_acl (identifier);

-- What an account chose; a name without a row is subscribed when its folder has a role.
CREATE TABLE subscription (
    account_id bigint NOT NULL REFERENCES account,
    name text COLLATE "C" NOT NULL,
    wanted bigint NOT NULL,
    PRIMARY KEY (account_id, name)
);

-- What programs note for themselves; account 0 is what everybody reads.
CREATE TABLE annotation (
    account_id bigint NOT NULL,
    entry text COLLATE "C" NOT NULL,
    value bytea NOT NULL,
    PRIMARY KEY (account_id, entry)
);

CREATE TABLE message_index (
    message_id bigint PRIMARY KEY,
    envelope bytea NOT NULL,
    bodystructure bytea NOT NULL,
    body bytea NOT NULL,
    parts bytea NOT NULL,
    -- Of the Date field: microseconds, and its day where it was written, counted from the year 1.
    sent_at bigint,
    sent_day bigint,
    base_subject text COLLATE "C" NOT NULL,
    is_answer bigint NOT NULL,
    from_key text COLLATE "C" NOT NULL,
    to_key text COLLATE "C" NOT NULL,
    cc_key text COLLATE "C" NOT NULL,
    internet_id text COLLATE "C" NOT NULL,
    answers text COLLATE "C" NOT NULL,
    cached_header bytea,
    preview text COLLATE "C" NOT NULL
);

-- The words of a message once for each mailbox that files it. Each word begins with the number of its mailbox, so that a
-- search reads the words of one mailbox and never those of another (decision 0016).
CREATE TABLE message_text (
    mailbox_id bigint NOT NULL,
    message_id bigint NOT NULL,
    words tsvector NOT NULL,
    PRIMARY KEY (mailbox_id, message_id)
);

CREATE INDEX message_text_words ON message_text USING gin (words);

-- The folded text, to tell words that stand side by side from others: positions in a tsvector end at the 256th.
CREATE TABLE message_folded (
    message_id bigint PRIMARY KEY,
    header text COLLATE "C" NOT NULL,
    body text COLLATE "C" NOT NULL
);

CREATE TABLE text_row (
    mailbox_id bigint NOT NULL,
    message_id bigint NOT NULL,
    PRIMARY KEY (mailbox_id, message_id)
);

CREATE FUNCTION forget_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM filed WHERE message_id = old.message_id AND mailbox_id = old.mailbox_id) THEN
        DELETE FROM message_text WHERE mailbox_id = old.mailbox_id AND message_id = old.message_id;
        DELETE FROM text_row WHERE mailbox_id = old.mailbox_id AND message_id = old.message_id;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER filed_gone AFTER DELETE ON filed FOR EACH ROW EXECUTE FUNCTION forget_words();

CREATE FUNCTION forget_index() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM message_index WHERE message_id = old.message_id;
    DELETE FROM message_folded WHERE message_id = old.message_id;
    RETURN NULL;
END $$;

CREATE TRIGGER message_gone AFTER DELETE ON message FOR EACH ROW EXECUTE FUNCTION forget_index();

CREATE FUNCTION tell_acl() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tell('names ' || mailbox_id) FROM folder WHERE folder_id = coalesce(new.folder_id, old.folder_id);
    RETURN NULL;
END $$;

CREATE TRIGGER acl_changed AFTER INSERT OR UPDATE OR DELETE ON folder_acl FOR EACH ROW EXECUTE FUNCTION tell_acl();

CREATE TRIGGER subscription_changed AFTER INSERT OR UPDATE OR DELETE ON subscription
FOR EACH ROW EXECUTE FUNCTION tell_account();

CREATE TRIGGER annotation_changed AFTER INSERT OR UPDATE OR DELETE ON annotation
FOR EACH ROW EXECUTE FUNCTION tell_account();
