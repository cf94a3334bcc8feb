-- name: quick_check
-- What the engine finds wrong in its file; "ok" when nothing is.
PRAGMA quick_check(20)

-- name: foreign_key_check
-- Rows that point to nothing.
PRAGMA foreign_key_check

-- name: newest_messages
-- Messages from the newest on, without their bodies.
SELECT message_id, reference, sha256, size_bytes, path FROM message
WHERE message_id < :before_id ORDER BY message_id DESC LIMIT :limit

-- name: body_of
-- The bytes of one small message.
SELECT data FROM body WHERE message_id = :message_id

-- name: schema_version
-- The number of the last migration.
SELECT max(version) FROM migration
