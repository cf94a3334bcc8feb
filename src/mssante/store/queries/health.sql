-- name: quick_check
-- What the engine finds wrong in its file; "ok" when nothing is.
PRAGMA quick_check(20)

-- name: foreign_key_check
-- Rows that point to nothing.
PRAGMA foreign_key_check

-- name: some_bodies
-- Messages with their bodies from the newest on, for a check of their hashes.
SELECT m.message_id, m.reference, m.sha256, m.size_bytes, b.data, m.path
FROM message m LEFT JOIN body b ON b.message_id = m.message_id
WHERE m.message_id < :before_id ORDER BY m.message_id DESC LIMIT :limit

-- name: schema_version
-- The number of the last migration.
SELECT max(version) FROM migration
