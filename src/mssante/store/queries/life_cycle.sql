-- name: note_sign_in
-- Note when an account signed in last.
UPDATE account SET last_sign_in_at = :now WHERE account_id = :account_id

-- name: box_lives
-- What is known of the lives of mailboxes that are not closed, by number. Of a personal one its own account counts and
-- those of the same person; of others every account with a right.
SELECT m.mailbox_id, m.address, m.kind, m.state, m.created_at, iif(m.kind = 'PER',
        (SELECT max(a.last_sign_in_at) FROM account a WHERE a.login_key = m.address_key
            OR (m.identifier <> '' AND a.login_key IN (SELECT o.address_key FROM mailbox o
                WHERE o.kind = 'PER' AND o.identifier = m.identifier))),
        (SELECT max(a.last_sign_in_at) FROM account_right r JOIN account a ON a.account_id = r.account_id
            WHERE r.mailbox_id = m.mailbox_id)),
    l.noticed_at, l.reminded_at, l.objected_at, coalesce(l.contact, '')
FROM mailbox m LEFT JOIN box_life l ON l.mailbox_id = m.mailbox_id
WHERE m.mailbox_id > :after AND m.state <> 'closed' AND m.kind <> 'USAGER' ORDER BY m.mailbox_id LIMIT :limit

-- name: note_notice
-- Note that the holder was told that the mailbox will be closed.
INSERT INTO box_life (mailbox_id, noticed_at) VALUES (:mailbox_id, :now)
ON CONFLICT (mailbox_id) DO UPDATE SET noticed_at = excluded.noticed_at

-- name: note_reminder
-- Note that the holder was told again.
INSERT INTO box_life (mailbox_id, reminded_at) VALUES (:mailbox_id, :now)
ON CONFLICT (mailbox_id) DO UPDATE SET reminded_at = excluded.reminded_at

-- name: note_objection
-- Note that the holder objects to the closing.
INSERT INTO box_life (mailbox_id, objected_at) VALUES (:mailbox_id, :now)
ON CONFLICT (mailbox_id) DO UPDATE SET objected_at = excluded.objected_at

-- name: set_contact
-- Keep where else the holder wishes to be told.
INSERT INTO box_life (mailbox_id, contact) VALUES (:mailbox_id, :contact)
ON CONFLICT (mailbox_id) DO UPDATE SET contact = excluded.contact

-- name: add_contact_notice
-- Note what is to be said to a holder on the way that he chose.
INSERT INTO contact_notice (mailbox_id, contact, what, noted_at) VALUES (:mailbox_id, :contact, :what, :now)

-- name: open_contact_notices
-- What is still to be said to holders, oldest first.
SELECT n.notice_id, m.address, n.contact, n.what, n.noted_at
FROM contact_notice n JOIN mailbox m ON m.mailbox_id = n.mailbox_id
WHERE n.sent_at IS NULL ORDER BY n.notice_id LIMIT :limit

-- name: close_contact_notice
-- Note that somebody said it.
UPDATE contact_notice SET sent_at = :now WHERE notice_id = :notice_id AND sent_at IS NULL RETURNING notice_id

-- name: add_delegation
-- Keep a delegation that has not begun.
INSERT INTO delegation (mailbox_id, account_id, may_read, may_send, starts_at, ends_at, state, created_at)
VALUES (:mailbox_id, :account_id, :may_read, :may_send, :starts_at, :ends_at, 'planned', :now)

-- name: list_delegations
-- The delegations of a mailbox, newest first; 0 means every mailbox.
SELECT d.delegation_id, d.mailbox_id, m.address, a.login, d.may_read, d.may_send, d.starts_at, d.ends_at, d.state
FROM delegation d JOIN mailbox m ON m.mailbox_id = d.mailbox_id JOIN account a ON a.account_id = d.account_id
WHERE :mailbox_id IN (0, d.mailbox_id) ORDER BY d.delegation_id DESC LIMIT :limit

-- name: delegations_to_settle
-- The delegations that begin or end by now, oldest first.
SELECT d.delegation_id, d.mailbox_id, m.address, a.login, d.may_read, d.may_send, d.starts_at, d.ends_at, d.state
FROM delegation d JOIN mailbox m ON m.mailbox_id = d.mailbox_id JOIN account a ON a.account_id = d.account_id
WHERE d.delegation_id IN (
    SELECT delegation_id FROM delegation WHERE state = 'planned' AND starts_at <= :now
    UNION SELECT delegation_id FROM delegation WHERE state = 'running' AND ends_at <= :now)
ORDER BY d.delegation_id LIMIT :limit

-- name: next_delegation
-- When a delegation begins or ends next.
SELECT min(at) FROM (SELECT min(starts_at) AS at FROM delegation WHERE state = 'planned'
    UNION ALL SELECT min(ends_at) FROM delegation WHERE state = 'running') AS changes

-- name: set_delegation
-- Change where a delegation is.
UPDATE delegation SET state = :state WHERE delegation_id = :delegation_id

-- name: delegated_account
-- The account that a delegation names.
SELECT account_id FROM delegation WHERE delegation_id = :delegation_id

-- name: right_on
-- What an account may do with one mailbox, whatever the mailbox's state.
SELECT may_read, may_send FROM account_right WHERE account_id = :account_id AND mailbox_id = :mailbox_id

-- name: remove_right
-- Take away what an account may do with a mailbox.
DELETE FROM account_right WHERE account_id = :account_id AND mailbox_id = :mailbox_id

-- name: open_delegation
-- A delegation of the mailbox to the account that has not ended.
SELECT delegation_id FROM delegation
WHERE mailbox_id = :mailbox_id AND account_id = :account_id AND state <> 'ended' LIMIT 1

-- name: set_absence
-- Keep that the holder is away, in the place of what was kept before.
INSERT INTO absence (mailbox_id, starts_at, ends_at, text, substitute, seen_uid)
VALUES (:mailbox_id, :starts_at, :ends_at, :text, :substitute, coalesce(
    (SELECT uid_next - 1 FROM folder WHERE mailbox_id = :mailbox_id AND role = 'INBOX'), 0))
ON CONFLICT (mailbox_id) DO UPDATE SET starts_at = excluded.starts_at, ends_at = excluded.ends_at,
    text = excluded.text, substitute = excluded.substitute, seen_uid = excluded.seen_uid

-- name: clear_absence
-- Forget that the holder is away.
DELETE FROM absence WHERE mailbox_id = :mailbox_id RETURNING mailbox_id

-- name: absence_of
-- The absence of one mailbox, past or to come.
SELECT b.mailbox_id, m.address, b.starts_at, b.ends_at, b.text, b.substitute, b.seen_uid
FROM absence b JOIN mailbox m ON m.mailbox_id = b.mailbox_id WHERE b.mailbox_id = :mailbox_id

-- name: absences_at
-- The absences in force at a time, of mailboxes in service.
SELECT b.mailbox_id, m.address, b.starts_at, b.ends_at, b.text, b.substitute, b.seen_uid
FROM absence b JOIN mailbox m ON m.mailbox_id = b.mailbox_id
WHERE b.starts_at <= :now AND b.ends_at > :now AND m.state = 'active' ORDER BY b.mailbox_id

-- name: see_for_absence
-- Note up to which message of INBOX an answer was considered; it never goes back.
UPDATE absence SET seen_uid = max(seen_uid, :uid) WHERE mailbox_id = :mailbox_id

-- name: absence_answered
-- When a sender was answered last for an absence of the mailbox.
SELECT at FROM absence_answer WHERE mailbox_id = :mailbox_id AND sender = :sender

-- name: note_absence_answer
-- Note that a sender was answered.
INSERT INTO absence_answer (mailbox_id, sender, at) VALUES (:mailbox_id, :sender, :now)
ON CONFLICT (mailbox_id, sender) DO UPDATE SET at = excluded.at

-- name: forget_absence_answers
-- Forget who was answered before a time.
DELETE FROM absence_answer WHERE at < :before
