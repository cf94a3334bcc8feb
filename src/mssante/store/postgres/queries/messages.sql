-- name: add_message
-- Add a message under a number that none ever had; its body follows or lies in a file.
INSERT INTO message (reference, sender, summary, decision, sha256, size_bytes, path, received_at)
VALUES (:reference, :sender, :summary, :decision, :sha256, :size_bytes, :path, :received_at)

-- name: add_message_at_once
-- Add a message, and its bytes when they do not lie in a file; give its number.
WITH kept AS (
    INSERT INTO message (reference, sender, summary, decision, sha256, size_bytes, path, received_at)
    VALUES (:reference, :sender, :summary, :decision, :sha256, :size_bytes, :path, :received_at) RETURNING message_id
), stored AS (
    INSERT INTO body (message_id, data) SELECT message_id, :data FROM kept WHERE CAST(:data AS bytea) IS NOT NULL
)
SELECT message_id FROM kept

-- name: file_at_once
-- Put a message in the folder of a mailbox that has the role, both held until the commit; give folder, UID, number.
WITH place AS (
    SELECT f.folder_id, f.uid_next AS uid, b.modseq + 1 AS modseq,
        m.size_bytes + length(CAST(:prefix AS bytea)) AS size_bytes
    FROM mailbox b JOIN folder f ON f.mailbox_id = b.mailbox_id AND f.role = :role, message m
    WHERE b.mailbox_id = :mailbox_id AND m.message_id = :message_id FOR UPDATE OF b, f
), grown AS (
    UPDATE mailbox SET used_bytes = used_bytes + place.size_bytes, modseq = place.modseq
    FROM place WHERE mailbox.mailbox_id = :mailbox_id
), counted AS (
    UPDATE folder SET uid_next = place.uid + 1, messages = messages + 1, unseen = unseen + :unseen,
        highest_modseq = place.modseq
    FROM place WHERE folder.folder_id = place.folder_id
), filed_here AS (
    INSERT INTO filed (folder_id, uid, mailbox_id, message_id, modseq, flags, filed_at, prefix)
    SELECT folder_id, uid, :mailbox_id, :message_id, modseq, :flags, :filed_at, :prefix FROM place
)
SELECT folder_id, uid, modseq FROM place
