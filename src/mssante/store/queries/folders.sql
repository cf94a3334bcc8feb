-- name: next_validity
-- Take a UIDVALIDITY that no folder of the mailbox ever had.
UPDATE mailbox SET last_validity = max(last_validity + 1, :now_seconds) WHERE mailbox_id = :mailbox_id
RETURNING last_validity

-- name: rename_folder
-- Give a folder another name.
UPDATE folder SET name = :name WHERE folder_id = :folder_id

-- name: remove_folder
-- Remove an empty folder.
DELETE FROM folder WHERE folder_id = :folder_id

-- name: forget_expunged
-- Forget the UIDs that are gone from a folder that goes itself.
DELETE FROM expunged WHERE folder_id = :folder_id

-- name: forget_acl
-- Forget the rights on a folder that goes.
DELETE FROM folder_acl WHERE folder_id = :folder_id

-- name: folder_sizes
-- What the counters of a folder do not hold: messages marked as deleted, the bytes of those, and of all.
SELECT count(*) FILTER (WHERE deleted), CAST(coalesce(sum(size_bytes) FILTER (WHERE deleted), 0) AS bigint),
    CAST(coalesce(sum(size_bytes), 0) AS bigint)
FROM (SELECT instr(' ' || f.flags || ' ', ' \Deleted ') > 0 AS deleted,
    m.size_bytes + length(f.prefix) AS size_bytes
    FROM filed f JOIN message m ON m.message_id = f.message_id WHERE f.folder_id = :folder_id) AS sizes

-- name: folder_counters
-- The counters of one folder.
SELECT folder_id, mailbox_id, uid_validity, uid_next, highest_modseq, messages, unseen
FROM folder WHERE folder_id = :folder_id

-- name: snapshot_rows
-- Every message of a folder by UID, the least that lists need.
SELECT uid, flags, modseq, message_id FROM filed WHERE folder_id = :folder_id ORDER BY uid

-- name: flags_at
-- The flags of one message, and when they changed.
SELECT flags, modseq FROM filed WHERE folder_id = :folder_id AND uid = :uid

-- name: changed_rows
-- The messages of a folder that are new or changed after a modification number, by UID.
SELECT uid, flags, modseq, message_id FROM filed WHERE folder_id = :folder_id AND modseq > :modseq ORDER BY uid

-- name: gone_rows
-- The UIDs that went after a modification number.
SELECT DISTINCT uid FROM expunged WHERE folder_id = :folder_id AND modseq > :modseq ORDER BY uid

-- name: fetch_rows
-- What lists show of messages, by UID, with NULL where the index is missing.
SELECT f.uid, f.message_id, m.size_bytes + length(f.prefix), coalesce(f.internal_at, m.received_at), f.filed_at,
    i.envelope, i.bodystructure, i.body, i.parts, i.preview, i.cached_header, f.prefix
FROM filed f JOIN message m ON m.message_id = f.message_id LEFT JOIN message_index i ON i.message_id = f.message_id
WHERE f.folder_id = :folder_id AND f.uid BETWEEN :low AND :high ORDER BY f.uid LIMIT :limit

-- name: fact_rows
-- Sizes and dates of messages, by UID.
SELECT f.uid, f.message_id, m.size_bytes + length(f.prefix), coalesce(f.internal_at, m.received_at), f.filed_at
FROM filed f JOIN message m ON m.message_id = f.message_id
WHERE f.folder_id = :folder_id AND f.uid BETWEEN :low AND :high ORDER BY f.uid LIMIT :limit

-- name: sort_rows
-- What sorting, threading and search by date need of the messages of a folder, by UID.
SELECT f.uid, coalesce(f.internal_at, m.received_at), coalesce(i.sent_at, f.internal_at, m.received_at),
    m.size_bytes + length(f.prefix), i.from_key, i.to_key, i.cc_key, i.base_subject, i.is_answer, i.internet_id,
    i.answers, i.sent_day
FROM filed f JOIN message m ON m.message_id = f.message_id JOIN message_index i ON i.message_id = f.message_id
WHERE f.folder_id = :folder_id ORDER BY f.uid

-- name: header_rows
-- The header fields kept of messages, by UID.
SELECT f.uid, i.cached_header FROM filed f LEFT JOIN message_index i ON i.message_id = f.message_id
WHERE f.folder_id = :folder_id ORDER BY f.uid

-- name: filed_row
-- What stands at a UID, to be copied.
SELECT f.message_id, f.flags, f.prefix, f.internal_at, m.size_bytes + length(f.prefix), f.mailbox_id
FROM filed f JOIN message m ON m.message_id = f.message_id WHERE f.folder_id = :folder_id AND f.uid = :uid

-- name: add_copy_of
-- Put a message in a folder with a date of its own.
INSERT INTO filed (folder_id, uid, mailbox_id, message_id, modseq, flags, filed_at, prefix, internal_at)
VALUES (:folder_id, :uid, :mailbox_id, :message_id, :modseq, :flags, :filed_at, :prefix, :internal_at)

-- name: unindexed
-- The messages of a folder that its mailbox cannot search yet.
SELECT DISTINCT f.message_id FROM filed f
LEFT JOIN text_row t ON t.mailbox_id = f.mailbox_id AND t.message_id = f.message_id
WHERE f.folder_id = :folder_id AND f.uid >= :from_uid AND t.message_id IS NULL ORDER BY f.message_id LIMIT :limit

-- name: unindexed_anywhere
-- The messages after one that some mailbox cannot search yet.
SELECT DISTINCT f.message_id FROM filed f
LEFT JOIN text_row t ON t.mailbox_id = f.mailbox_id AND t.message_id = f.message_id
WHERE f.message_id > :after_id AND t.message_id IS NULL ORDER BY f.message_id LIMIT :limit

-- name: body_to_index
-- The bytes of a message, or the file that has them.
SELECT m.sha256, m.size_bytes, b.data, m.path
FROM message m LEFT JOIN body b ON b.message_id = m.message_id WHERE m.message_id = :message_id

-- name: mailboxes_of
-- The mailboxes that file a message and cannot search it yet.
SELECT DISTINCT f.mailbox_id FROM filed f
LEFT JOIN text_row t ON t.mailbox_id = f.mailbox_id AND t.message_id = f.message_id
WHERE f.message_id = :message_id AND t.message_id IS NULL

-- name: add_index
-- Keep what was read of a message.
INSERT INTO message_index (message_id, envelope, bodystructure, body, parts, sent_at, sent_day, base_subject, is_answer,
    from_key, to_key, cc_key, internet_id, answers, cached_header, preview)
VALUES (:message_id, :envelope, :bodystructure, :body, :parts, :sent_at, :sent_day, :base_subject, :is_answer,
    :from_key, :to_key, :cc_key, :internet_id, :answers, :cached_header, :preview)
ON CONFLICT (message_id) DO NOTHING

-- name: add_text
-- Make a message searchable in one mailbox.
INSERT INTO message_text (rowid, header, body) VALUES ((:mailbox_id << 32) | :message_id, :header, :text)

-- name: add_text_row
-- Note that a message is searchable in one mailbox.
INSERT INTO text_row (mailbox_id, message_id) VALUES (:mailbox_id, :message_id)

-- name: search_text
-- The messages of one mailbox that hold the words.
SELECT rowid & 4294967295 FROM message_text
WHERE message_text MATCH :query AND rowid BETWEEN (:mailbox_id << 32) AND ((:mailbox_id << 32) | 4294967295)

-- name: acl_of
-- The rights on the folders of a mailbox.
SELECT a.folder_id, a.identifier, a.rights FROM folder_acl a JOIN folder f ON f.folder_id = a.folder_id
WHERE f.mailbox_id = :mailbox_id ORDER BY a.folder_id, a.identifier

-- name: set_acl
-- Set the rights of somebody on a folder.
INSERT INTO folder_acl (folder_id, identifier, rights) VALUES (:folder_id, :identifier, :rights)
ON CONFLICT (folder_id, identifier) DO UPDATE SET rights = :rights

-- name: remove_acl
-- Take the rights of somebody on a folder away.
DELETE FROM folder_acl WHERE folder_id = :folder_id AND identifier = :identifier

-- name: shared_with
-- The mailboxes with a folder that somebody was given rights on.
SELECT DISTINCT b.address, b.address_key FROM folder_acl a JOIN folder f ON f.folder_id = a.folder_id
JOIN mailbox b ON b.mailbox_id = f.mailbox_id WHERE a.identifier = :identifier ORDER BY b.address_key

-- name: subscriptions
-- What an account chose.
SELECT name, wanted FROM subscription WHERE account_id = :account_id

-- name: subscribe
-- Note what an account chose for a name.
INSERT INTO subscription (account_id, name, wanted) VALUES (:account_id, :name, :wanted)
ON CONFLICT (account_id, name) DO UPDATE SET wanted = :wanted

-- name: forget_subscription
-- Forget what an account chose for a name.
DELETE FROM subscription WHERE account_id = :account_id AND name = :name

-- name: annotations
-- What an account noted, and what everybody reads.
SELECT entry, value FROM annotation WHERE account_id IN (0, :account_id) ORDER BY entry

-- name: annotate
-- Note something.
INSERT INTO annotation (account_id, entry, value) VALUES (:account_id, :entry, :value)
ON CONFLICT (account_id, entry) DO UPDATE SET value = :value

-- name: forget_annotation
-- Forget a note.
DELETE FROM annotation WHERE account_id = :account_id AND entry = :entry
