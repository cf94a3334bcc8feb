-- name: audit_head
-- The last row of the chain.
SELECT seq, digest FROM audit ORDER BY seq DESC LIMIT 1

-- name: add_audit
-- Add a row at the end of the chain.
INSERT INTO audit (seq, at, event, digest) VALUES (:seq, :at, :event, :digest)

-- name: audit_page
-- The chain in order, from a place on.
SELECT seq, at, event, digest FROM audit WHERE seq > :after_seq ORDER BY seq LIMIT :limit

-- name: audit_rows
-- Rows with the hash before each; an empty filter means all.
SELECT a.seq, a.at, a.event, a.digest, p.digest
FROM audit a LEFT JOIN audit p ON p.seq = a.seq - 1
WHERE a.seq > :after_seq
    AND (:event_prefix = '' OR substr(a.event ->> 'event', 1, length(:event_prefix)) = :event_prefix)
    AND (:subject = '' OR a.event ->> 'subject' = :subject)
ORDER BY a.seq LIMIT :limit
