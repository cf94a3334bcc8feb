-- name: person_of_mailbox
-- The national number of the holder of a personal mailbox, whatever its state.
SELECT identifier FROM mailbox WHERE address_key = :address_key AND kind = 'PER' AND identifier <> ''

-- name: spent_on
-- How much a caller got of a thing on a day.
SELECT spent FROM directory_budget WHERE caller = :caller AND what = :what AND day = :day

-- name: add_spent
-- Add to what a caller got of a thing; a later day begins at nothing, an earlier one changes nothing and gives no row.
INSERT INTO directory_budget (caller, what, day, spent) VALUES (:caller, :what, :day, :amount)
ON CONFLICT (caller, what) DO UPDATE SET day = excluded.day,
    spent = CASE WHEN directory_budget.day = excluded.day THEN directory_budget.spent ELSE 0 END + excluded.spent
WHERE directory_budget.day <= excluded.day
RETURNING spent

-- name: forget_spent
-- Forget what was counted before a day.
DELETE FROM directory_budget WHERE (caller, what) IN
    (SELECT caller, what FROM directory_budget WHERE day < :before LIMIT :limit)
