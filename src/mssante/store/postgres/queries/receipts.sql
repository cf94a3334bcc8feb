-- name: finish_copy
-- Record an attempt, if the worker still has the copy, and in the same way there and back under which Message-ID it
-- went out: the steps of `note_sent` of the other engine.
WITH done AS (
    UPDATE copy SET state = :state, due_at = :due_at, lease = '', last_kind = :last_kind, last_detail = :last_detail,
        reply = :reply, peer = :peer, rule = :rule, changed_at = :now
    WHERE copy_id = :copy_id AND lease = :lease AND state = 'sending'
    RETURNING copy_id, message_id, reference, state, sender, dsn
), noted AS (
    INSERT INTO sent_identifier (identifier, reference, at)
    SELECT substr(m.summary::json ->> 'message_id', 1, 255), d.reference, :now
    FROM done d JOIN message m ON m.message_id = d.message_id
    WHERE d.state IN ('relayed', 'delivered') AND d.sender IS NOT NULL AND d.dsn = 0
        AND m.summary::json ->> 'message_id' <> ''
    ON CONFLICT (identifier, reference) DO NOTHING
)
SELECT copy_id FROM done

-- name: sent_name
-- The Message-ID of a message, "" when it had none of its own.
SELECT summary::json ->> 'message_id' FROM message WHERE reference = :reference

-- name: note_sent
-- Keep under which Message-ID a copy went out, as `finish_copy` does it here already.
INSERT INTO sent_identifier (identifier, reference, at)
SELECT substr(m.summary::json ->> 'message_id', 1, 255), c.reference, :now
FROM copy c JOIN message m ON m.message_id = c.message_id
WHERE c.copy_id = :copy_id AND c.sender IS NOT NULL AND c.dsn = 0 AND m.summary::json ->> 'message_id' <> ''
ON CONFLICT (identifier, reference) DO NOTHING
