-- name: add_message
-- Add a message under a number that none ever had; its body follows or lies in a file.
INSERT INTO message (message_id, reference, sender, summary, decision, sha256, size_bytes, path, received_at)
VALUES (1 + max(coalesce((SELECT max(message_id) FROM message), 0),
    (SELECT value FROM last_number WHERE kind = 'message')), :reference, :sender, :summary, :decision, :sha256, :size_bytes, :path, :received_at)

-- name: add_body
-- Add the bytes of a small message.
INSERT INTO body (message_id, data) VALUES (:message_id, :data)

-- name: grow_mailbox
-- Count bytes in or out of a mailbox and take the next modification number.
UPDATE mailbox SET used_bytes = used_bytes + :size_bytes, modseq = modseq + 1 WHERE mailbox_id = :mailbox_id
RETURNING modseq

-- name: next_place
-- Where a message goes in a mailbox: folder, next UID, last modification number, and the size of the message.
SELECT f.folder_id, f.uid_next, b.modseq, m.size_bytes
FROM mailbox b JOIN folder f ON f.mailbox_id = b.mailbox_id AND f.role = :role, message m
WHERE b.mailbox_id = :mailbox_id AND m.message_id = :message_id

-- name: grow_mailbox_to
-- Count bytes into a mailbox under a modification number.
UPDATE mailbox SET used_bytes = used_bytes + :size_bytes, modseq = :modseq WHERE mailbox_id = :mailbox_id

-- name: count_in
-- Count messages into a folder, the last one under that UID.
UPDATE folder SET uid_next = :uid + 1, messages = messages + :messages, unseen = unseen + :unseen, highest_modseq = :modseq
WHERE folder_id = :folder_id

-- name: count_out
-- Count a message out of a folder, or a flag that changed when no message left.
UPDATE folder SET messages = messages - :messages, unseen = unseen - :unseen, highest_modseq = :modseq
WHERE folder_id = :folder_id

-- name: add_filed
-- Put a message in a folder.
INSERT INTO filed (folder_id, uid, mailbox_id, message_id, modseq, flags, filed_at, prefix)
VALUES (:folder_id, :uid, :mailbox_id, :message_id, :modseq, :flags, :filed_at, :prefix)

-- name: set_flags
-- Replace the flags of a message in a folder.
UPDATE filed SET flags = :flags, modseq = :modseq WHERE folder_id = :folder_id AND uid = :uid

-- name: remove_filed
-- Take a message out of a folder.
DELETE FROM filed WHERE folder_id = :folder_id AND uid = :uid

-- name: add_expunged
-- Remember that a UID is gone, for clients that come back.
INSERT INTO expunged (folder_id, uid, modseq) VALUES (:folder_id, :uid, :modseq)

-- name: message_in_use
-- Tell whether a folder or a queued copy still needs a message.
SELECT EXISTS (SELECT 1 FROM filed WHERE message_id = :message_id)
    OR EXISTS (SELECT 1 FROM copy WHERE message_id = :message_id)

-- name: remove_body
-- Drop the bytes of a message that nothing needs.
DELETE FROM body WHERE message_id = :message_id

-- name: remove_message
-- Drop a message that nothing needs.
DELETE FROM message WHERE message_id = :message_id

-- name: list_messages
-- The messages of a folder by UID.
SELECT f.mailbox_id, f.folder_id, f.uid, f.modseq, f.message_id, m.reference, f.flags, m.received_at,
    m.size_bytes + length(f.prefix), m.sender, m.summary, m.decision
FROM filed f JOIN message m ON m.message_id = f.message_id
WHERE f.folder_id = :folder_id AND f.uid > :after_uid
ORDER BY f.uid LIMIT :limit

-- name: message_by_uid
-- One message of a folder.
SELECT f.mailbox_id, f.folder_id, f.uid, f.modseq, f.message_id, m.reference, f.flags, m.received_at,
    m.size_bytes + length(f.prefix), m.sender, m.summary, m.decision
FROM filed f JOIN message m ON m.message_id = f.message_id
WHERE f.folder_id = :folder_id AND f.uid = :uid AND f.mailbox_id = :mailbox_id

-- name: message_by_reference
-- One message of a mailbox by our reference, wherever it lies there.
SELECT f.mailbox_id, f.folder_id, f.uid, f.modseq, f.message_id, m.reference, f.flags, m.received_at,
    m.size_bytes + length(f.prefix), m.sender, m.summary, m.decision
FROM message m JOIN filed f ON f.message_id = m.message_id
WHERE m.reference = :reference AND f.mailbox_id = :mailbox_id
ORDER BY f.folder_id, f.uid LIMIT 1

-- name: message_content
-- What a reader gets: the prefix and the body.
SELECT f.prefix, m.sha256, m.size_bytes, b.data, m.path
FROM filed f JOIN message m ON m.message_id = f.message_id LEFT JOIN body b ON b.message_id = f.message_id
WHERE f.folder_id = :folder_id AND f.uid = :uid AND f.mailbox_id = :mailbox_id

-- name: add_seen
-- Remember a copy, unless it is known.
INSERT INTO seen (copy_key, reference, at) VALUES (:copy_key, :reference, :at) ON CONFLICT (copy_key) DO NOTHING

-- name: seen_copy
-- The reference under which a copy was received before.
SELECT reference FROM seen WHERE copy_key = :copy_key

-- name: forget_seen
-- Forget the copies received before a time.
DELETE FROM seen WHERE copy_key IN (SELECT copy_key FROM seen WHERE at < :before ORDER BY at LIMIT :limit)
RETURNING 1

-- name: blob_paths
-- The files of bodies in use whose names stand between two others.
SELECT path FROM message WHERE path >= :first_path AND path < :end_path
