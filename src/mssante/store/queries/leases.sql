-- name: take_lease
-- Take a work, or keep it: when nobody has it, when it is ours, or when who had it has not said so again in time.
INSERT INTO lease (task, node, until) VALUES (:task, :node, :until)
ON CONFLICT (task) DO UPDATE SET node = excluded.node, until = excluded.until
WHERE lease.node = excluded.node OR lease.until < :now

-- name: give_lease
-- Give a work back.
DELETE FROM lease WHERE task = :task AND node = :node
