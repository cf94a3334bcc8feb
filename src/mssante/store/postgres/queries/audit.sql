-- name: audit_rows
-- Rows with the hash before each; an empty filter means all.
SELECT a.seq, a.at, a.event, a.digest, p.digest
FROM audit a LEFT JOIN audit p ON p.seq = a.seq - 1
WHERE a.seq > :after_seq
    AND (:event_prefix = '' OR starts_with(CAST(a.event AS json) ->> 'event', :event_prefix))
    AND (:subject = '' OR CAST(a.event AS json) ->> 'subject' = :subject)
ORDER BY a.seq LIMIT :limit

-- name: append_audit
-- Add a row at the end of the chain; give its number, its hash and the one before.
WITH head AS (
    SELECT coalesce(max(seq), 0) + 1 AS seq,
        coalesce((SELECT digest FROM audit ORDER BY seq DESC LIMIT 1), decode(repeat('00', 32), 'hex')) AS digest
    FROM audit
)
INSERT INTO audit (seq, at, event, digest)
SELECT seq, :at, :event, sha256(digest || int8send(seq) || int8send(:at) || convert_to(:event, 'UTF8')) FROM head
RETURNING seq, digest, (SELECT digest FROM head)
