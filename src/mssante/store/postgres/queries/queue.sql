-- name: due_copies
-- The copies of one destination that are due and that no other transaction has its hands on, oldest first; none when so
-- many leases run there. No limit for our own.
SELECT copy_id, due_at FROM copy
WHERE state IN ('waiting', 'deferred', 'sending') AND domain = :domain AND due_at <= :now
    AND (CAST(:lanes AS bigint) = 0 OR EXISTS (SELECT 1 FROM domain WHERE name = :domain)
        OR (SELECT count(DISTINCT o.lease) FROM copy o
            WHERE o.state = 'sending' AND o.domain = :domain AND o.due_at > :now AND (instr(o.lease, '/') = 0
                OR instr(:gone, '/' || substr(o.lease, 1, instr(o.lease, '/'))) = 0)) < CAST(:lanes AS bigint))
ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
