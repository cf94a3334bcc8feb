-- name: box_announced
-- How far the publication of one mailbox has come.
SELECT m.address_key, b.structure, b.service, b.description, b.responsible, b.phone, b.is_red, b.is_paperless, b.rank,
    b.local_id, b.state, b.published, b.version, b.tries, b.due_at, b.lease, b.code, b.reason, b.changed_at
FROM box_listing b JOIN mailbox m ON m.mailbox_id = b.mailbox_id WHERE b.mailbox_id = :mailbox_id

-- name: boxes_announced
-- How far the publications have come, by mailbox; an empty state means all.
SELECT m.address_key, b.structure, b.service, b.description, b.responsible, b.phone, b.is_red, b.is_paperless, b.rank,
    b.local_id, b.state, b.published, b.version, b.tries, b.due_at, b.lease, b.code, b.reason, b.changed_at
FROM box_listing b JOIN mailbox m ON m.mailbox_id = b.mailbox_id
WHERE b.mailbox_id > :after AND (:state = '' OR b.state = :state) ORDER BY b.mailbox_id LIMIT :limit

-- name: boxes_due
-- The publications that are due, oldest first.
SELECT mailbox_id FROM box_listing WHERE due_at <= :now ORDER BY due_at, mailbox_id LIMIT :limit

-- name: claim_box
-- Give the publication of a mailbox to a worker until the end of its lease.
UPDATE box_listing SET state = 'sent', lease = :lease, due_at = :until, tries = tries + 1, changed_at = :now
WHERE mailbox_id = :mailbox_id

-- name: finish_box
-- Record an answer, if the worker still has the publication; a mailbox that changed meanwhile is due again.
UPDATE box_listing SET published = :published, lease = '', code = :code, reason = :reason, changed_at = :now,
    state = iif(version = :version, :state, 'to-publish'), due_at = iif(version = :version, :due_at, :now),
    tries = iif(version = :version, tries, 0)
WHERE mailbox_id = :mailbox_id AND lease = :lease AND state = 'sent'
RETURNING state

-- name: next_box_due
-- When there is something to publish next.
SELECT min(due_at) FROM box_listing WHERE due_at IS NOT NULL

-- name: change_listing
-- Change what the directory is to know of a mailbox; what is on its way stays so until its answer.
UPDATE box_listing SET structure = :structure, service = :service, description = :description,
    responsible = :responsible, phone = :phone, is_red = :is_red, is_paperless = :is_paperless, rank = :rank,
    local_id = :local_id, version = version + 1, tries = 0, code = '', reason = '', changed_at = :now,
    state = iif(lease = '', 'to-publish', state), due_at = iif(lease = '', :now, due_at)
WHERE mailbox_id = :mailbox_id

-- name: publish_again
-- Make the publications due that were refused or accepted with less, or that of one mailbox whatever its state and as
-- if nothing had been accepted.
UPDATE box_listing SET state = 'to-publish', due_at = :now, tries = 0, changed_at = :now,
    published = iif(:mailbox_id = 0, published, '')
WHERE lease = ''
    AND iif(:mailbox_id = 0, state = 'refused' OR (state = 'accepted' AND code <> ''), mailbox_id = :mailbox_id)
RETURNING mailbox_id

-- name: boxes_with_less
-- What the directory has of the mailboxes with a reason, accepted with less among them, or of one mailbox.
SELECT mailbox_id, published FROM box_listing
WHERE published <> '' AND lease = '' AND iif(:mailbox_id = 0, code <> '', mailbox_id = :mailbox_id)

-- name: set_published
-- Write down what the directory has.
UPDATE box_listing SET published = :published WHERE mailbox_id = :mailbox_id

-- name: mark_dropped
-- Record what the file in force says of a mailbox, unless the mailbox has changed since.
UPDATE box_listing SET state = :state, due_at = NULL, changed_at = :now, code = :code, reason = ''
WHERE mailbox_id = :mailbox_id AND version = :version AND lease = '' RETURNING mailbox_id

-- name: count_publications
-- How many mailboxes are in each state of publication.
SELECT state, count(*) FROM box_listing GROUP BY state

-- name: box_of_person
-- The mailboxes in service or suspended that somebody has in a domain, oldest first.
SELECT address FROM mailbox
WHERE kind = 'PER' AND identifier IN (:identifier, '8' || :identifier) AND state <> 'closed'
    AND substr(address_key, length(address_key) - length(:domain)) = '@' || :domain ORDER BY mailbox_id LIMIT 1

-- name: boxes_of_staff
-- The mailboxes in service or suspended that somebody of the hospital's register has in a domain, oldest first.
SELECT m.address_key FROM box_listing b JOIN mailbox m ON m.mailbox_id = b.mailbox_id
WHERE b.local_id = :local_id AND b.local_id <> '' AND m.state <> 'closed' AND m.kind = :kind
    AND substr(m.address_key, length(m.address_key) - length(:domain)) = '@' || :domain ORDER BY m.mailbox_id LIMIT 50
