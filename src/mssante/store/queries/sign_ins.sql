-- name: sign_in_counts
-- Failures of a source, for a login and of everybody since a time; when the source signed in to an account.
SELECT (SELECT failures FROM sign_in_failure WHERE key = :source AND began_at > :since),
    (SELECT failures FROM sign_in_failure WHERE key = :login AND began_at > :since),
    (SELECT failures FROM sign_in_failure WHERE key = :everybody AND began_at > :since),
    (SELECT seen_at FROM sign_in_source WHERE source = :source AND account_id = :account_id)

-- name: count_sign_in_failure
-- Count a failure under its three keys; a count that began too long ago begins anew.
INSERT INTO sign_in_failure (key, began_at, failures) VALUES (:source, :now, 1), (:login, :now, 1), (:everybody, :now, 1)
ON CONFLICT (key) DO UPDATE SET
    failures = CASE WHEN sign_in_failure.began_at > :since THEN sign_in_failure.failures + 1 ELSE 1 END,
    began_at = CASE WHEN sign_in_failure.began_at > :since THEN sign_in_failure.began_at ELSE excluded.began_at END
RETURNING key, failures

-- name: note_sign_in_source
-- Note that an account has signed in from a source.
INSERT INTO sign_in_source (source, account_id, seen_at) VALUES (:source, :account_id, :now)
ON CONFLICT (source, account_id) DO UPDATE SET seen_at = excluded.seen_at

-- name: known_sign_in_source
-- A source from which any account has signed in since a time.
SELECT 1 FROM sign_in_source WHERE source = :source AND seen_at > :since LIMIT 1

-- name: forget_sign_in_failures
-- Forget counts that began before a time.
DELETE FROM sign_in_failure WHERE key IN (SELECT key FROM sign_in_failure WHERE began_at < :before LIMIT :limit)

-- name: forget_sign_in_sources
-- Forget sources that were last seen before a time.
DELETE FROM sign_in_source WHERE (source, account_id) IN
    (SELECT source, account_id FROM sign_in_source WHERE seen_at < :before LIMIT :limit)
