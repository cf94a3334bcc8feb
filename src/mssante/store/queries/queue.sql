-- name: add_copy
-- Queue a message for one recipient.
INSERT INTO copy (message_id, reference, state, sender, recipient, domain, notify, original, options, dsn,
    queued_at, due_at, changed_at, prefix)
VALUES (:message_id, :reference, :state, :sender, :recipient, :domain, :notify, :original, :options, :dsn,
    :queued_at, :due_at, :queued_at, :prefix)

-- name: due_domains
-- Each destination that has open copies, with its oldest due time; one step of the index per destination.
WITH RECURSIVE destination (domain) AS (
    SELECT min(domain) FROM copy WHERE state IN ('waiting', 'deferred', 'sending')
    UNION ALL
    SELECT (SELECT min(c.domain) FROM copy c
        WHERE c.state IN ('waiting', 'deferred', 'sending') AND c.domain > destination.domain)
    FROM destination WHERE destination.domain IS NOT NULL
)
SELECT d.domain, (SELECT min(c.due_at) FROM copy c
    WHERE c.state IN ('waiting', 'deferred', 'sending') AND c.domain = d.domain) AS first_due
FROM destination d WHERE d.domain IS NOT NULL

-- name: due_copies
-- The copies of one destination that are due, oldest first; none when so many leases run there. No limit for our own.
SELECT copy_id, due_at FROM copy
WHERE state IN ('waiting', 'deferred', 'sending') AND domain = :domain AND due_at <= :now
    AND (:lanes = 0 OR EXISTS (SELECT 1 FROM domain WHERE name = :domain)
        OR (SELECT count(DISTINCT o.lease) FROM copy o
            WHERE o.state IN ('waiting', 'deferred', 'sending') AND o.domain = :domain AND o.due_at > :now
                AND o.state = 'sending' AND (instr(o.lease, '/') = 0 OR instr(:gone, '/' || substr(o.lease, 1, instr(o.lease, '/'))) = 0)) < :lanes)
ORDER BY due_at LIMIT :limit

-- name: claim_copy
-- Give a copy to a worker until the end of its lease.
UPDATE copy SET state = 'sending', lease = :lease, due_at = :lease_until, tries = tries + 1, changed_at = :now
WHERE copy_id = :copy_id

-- name: copy_by_id
-- One copy with its body.
SELECT c.copy_id, c.message_id, c.reference, c.state, c.sender, c.recipient, c.notify, c.original, c.options, c.prefix,
    m.sha256, m.size_bytes, b.data, m.path, c.tries, c.queued_at, c.due_at, c.lease, c.warned, c.last_kind,
    c.last_detail, c.dsn
FROM copy c JOIN message m ON m.message_id = c.message_id LEFT JOIN body b ON b.message_id = c.message_id
WHERE c.copy_id = :copy_id

-- name: list_copies
-- Copies without their bodies, newest first; an empty state means all.
SELECT c.copy_id, c.message_id, c.reference, c.state, c.sender, c.recipient, c.notify, c.original, c.options, c.prefix,
    m.sha256, m.size_bytes, NULL, m.path, c.tries, c.queued_at, c.due_at, c.lease, c.warned, c.last_kind,
    c.last_detail, c.dsn
FROM copy c JOIN message m ON m.message_id = c.message_id
WHERE :state = '' OR c.state = :state
ORDER BY c.copy_id DESC LIMIT :limit

-- name: copies_of
-- The copies of one message by our reference, without their bodies, in the order they were queued.
SELECT c.copy_id, c.message_id, c.reference, c.state, c.sender, c.recipient, c.notify, c.original, c.options, c.prefix,
    m.sha256, m.size_bytes, NULL, m.path, c.tries, c.queued_at, c.due_at, c.lease, c.warned, c.last_kind,
    c.last_detail, c.dsn
FROM copy c JOIN message m ON m.message_id = c.message_id
WHERE c.reference = :reference ORDER BY c.copy_id

-- name: copy_outcome
-- What the last attempt of a copy said.
SELECT state, last_kind, last_detail, reply, peer, rule, changed_at FROM copy WHERE copy_id = :copy_id

-- name: finish_copy
-- Record an attempt, if the worker still has the copy.
UPDATE copy SET state = :state, due_at = :due_at, lease = '', last_kind = :last_kind, last_detail = :last_detail,
    reply = :reply, peer = :peer, rule = :rule, changed_at = :now
WHERE copy_id = :copy_id AND lease = :lease AND state = 'sending'
RETURNING copy_id

-- name: give_back_copy
-- Let a claimed copy go, untried, if the worker still has it.
UPDATE copy SET state = iif(last_kind IS NULL, 'waiting', 'deferred'), lease = '', due_at = :now, changed_at = :now
WHERE copy_id = :copy_id AND lease = :lease AND state = 'sending'

-- name: relayed_at
-- When another operator accepted a copy; no row when it is not so.
SELECT changed_at FROM copy WHERE copy_id = :copy_id AND state = 'relayed'

-- name: take_back_copy
-- Note that a copy which another operator had accepted came back.
UPDATE copy SET state = 'failed', last_kind = :last_kind, last_detail = :last_detail, rule = :rule, changed_at = :now
WHERE copy_id = :copy_id AND state = 'relayed'
RETURNING copy_id

-- name: mark_warned
-- Note that the sender was told of the delay, once.
UPDATE copy SET warned = 1 WHERE copy_id = :copy_id AND warned = 0 RETURNING copy_id

-- name: next_due
-- When the queue has something to do next.
SELECT min(due_at) FROM copy WHERE state IN ('waiting', 'deferred', 'sending')

-- name: hold_copy
-- Keep a copy until it is released.
UPDATE copy SET state = 'held', lease = '', last_detail = :detail, changed_at = :now
WHERE copy_id = :copy_id AND state IN ('waiting', 'deferred', 'sending')
RETURNING copy_id

-- name: hold_domain
-- Keep every open copy of one destination until it is released.
UPDATE copy SET state = 'held', lease = '', last_detail = :detail, changed_at = :now
WHERE domain = :domain AND state IN ('waiting', 'deferred', 'sending')
RETURNING copy_id

-- name: release_copy
-- Let a held copy go on.
UPDATE copy SET state = 'waiting', due_at = :now, changed_at = :now WHERE copy_id = :copy_id AND state = 'held'
RETURNING copy_id

-- name: retry_now
-- Make a waiting copy due.
UPDATE copy SET due_at = :now, changed_at = :now WHERE copy_id = :copy_id AND state IN ('waiting', 'deferred')
RETURNING copy_id

-- name: count_states
-- How many copies are in each state.
SELECT state, count(*) FROM copy GROUP BY state

-- name: forget_finished
-- Drop copies that came to their end before a time.
DELETE FROM copy WHERE copy_id IN (
    SELECT copy_id FROM copy WHERE state IN ('delivered', 'relayed', 'failed') AND changed_at < :before
    ORDER BY changed_at LIMIT :limit
)
RETURNING message_id
