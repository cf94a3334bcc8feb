-- name: due_copies
-- The copies of one destination that are due and that no other transaction has its hands on, oldest first.
SELECT copy_id, due_at FROM copy
WHERE state IN ('waiting', 'deferred', 'sending') AND domain = :domain AND due_at <= :now
ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
