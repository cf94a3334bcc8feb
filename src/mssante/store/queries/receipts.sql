-- name: note_receipt
-- Keep a receipt; one of the same kind is replaced when its code is another one.
INSERT INTO receipt (reference, recipient, kind, at, code, detail, proof, source)
VALUES (:reference, :recipient, :kind, :at, :code, :detail, :proof, :source)
ON CONFLICT (reference, recipient, kind) DO UPDATE SET at = excluded.at, code = excluded.code,
    detail = excluded.detail, proof = excluded.proof, source = excluded.source
WHERE receipt.code <> excluded.code

-- name: receipts_of
-- What was told of one message, in order.
SELECT reference, recipient, kind, at, code, detail, proof, source FROM receipt
WHERE reference = :reference ORDER BY at, recipient, kind LIMIT :limit

-- name: note_sent
-- Keep under which Message-ID a copy went out; nothing when its message has none of its own, nor for notices.
INSERT INTO sent_identifier (identifier, reference, at)
SELECT substr(json_extract(m.summary, '$.message_id'), 1, 255), c.reference, :now
FROM copy c JOIN message m ON m.message_id = c.message_id
WHERE c.copy_id = :copy_id AND c.sender IS NOT NULL AND c.dsn = 0 AND json_extract(m.summary, '$.message_id') <> ''
ON CONFLICT (identifier, reference) DO NOTHING

-- name: sent_as
-- The messages that went out under a Message-ID, the last ones first.
SELECT reference FROM sent_identifier WHERE identifier = :identifier ORDER BY at DESC, reference LIMIT :limit

-- name: set_wish
-- Keep that a sender wants to be told when nothing came; a new wish replaces the old one.
INSERT INTO wish (reference, sender, due_at) VALUES (:reference, :sender, :due_at)
ON CONFLICT (reference) DO UPDATE SET due_at = excluded.due_at, alerted_at = NULL, silent = 0

-- name: wish_of
-- The wish about one message.
SELECT reference, sender, due_at, alerted_at, silent FROM wish WHERE reference = :reference

-- name: wishes_due
-- The wishes whose time has come and that nobody looked at.
SELECT reference, sender, due_at, alerted_at, silent FROM wish
WHERE alerted_at IS NULL AND due_at <= :now ORDER BY due_at, reference LIMIT :limit

-- name: settle_wish
-- Note that a wish was looked at, once.
UPDATE wish SET alerted_at = :now, silent = :silent WHERE reference = :reference AND alerted_at IS NULL

-- name: note_given
-- Note that a box gave a receipt for a message; nothing when it had given one.
INSERT INTO receipt_given (reference, box, kind, at) VALUES (:reference, :box, :kind, :at)
ON CONFLICT (reference, box) DO NOTHING

-- name: forget_receipts
-- Forget receipts of before a time.
DELETE FROM receipt WHERE (reference, recipient, kind) IN (
    SELECT reference, recipient, kind FROM receipt WHERE at < :before ORDER BY at LIMIT :limit
)

-- name: forget_sent
-- Forget identifiers of before a time.
DELETE FROM sent_identifier WHERE (identifier, reference) IN (
    SELECT identifier, reference FROM sent_identifier WHERE at < :before ORDER BY at LIMIT :limit
)

-- name: forget_given
-- Forget which receipts were given before a time.
DELETE FROM receipt_given WHERE (reference, box) IN (
    SELECT reference, box FROM receipt_given WHERE at < :before ORDER BY at LIMIT :limit
)

-- name: forget_wishes
-- Forget wishes that were looked at before a time.
DELETE FROM wish WHERE reference IN (
    SELECT reference FROM wish WHERE alerted_at < :before ORDER BY alerted_at LIMIT :limit
)

-- name: copy_outcomes
-- What the last attempt of each copy of a message said, in the order they were queued.
SELECT copy_id, reply, changed_at FROM copy WHERE reference = :reference ORDER BY copy_id LIMIT :limit

-- name: sent_name
-- The Message-ID of a message, "" when it had none of its own.
SELECT json_extract(summary, '$.message_id') FROM message WHERE reference = :reference

-- name: given_receipt
-- Which receipt a box gave for a message.
SELECT kind FROM receipt_given WHERE reference = :reference AND box = :box

-- name: summary_of
-- What was read once of the header of a message.
SELECT summary FROM message WHERE message_id = :message_id
