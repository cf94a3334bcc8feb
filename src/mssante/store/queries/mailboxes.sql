-- name: add_mailbox
-- Add a mailbox unless its address was ever given.
INSERT INTO mailbox (address, address_key, kind, state, holder, identifier, quota_bytes, created_at, state_at)
VALUES (:address, :address_key, :kind, :state, :holder, :identifier, :quota_bytes, :created_at, :created_at)
ON CONFLICT (address_key) DO NOTHING
RETURNING mailbox_id

-- name: add_folder
-- Add a folder to a mailbox under a number that none ever had.
INSERT INTO folder (folder_id, mailbox_id, name, role, uid_validity)
VALUES (1 + max(coalesce((SELECT max(folder_id) FROM folder), 0),
    (SELECT value FROM last_number WHERE kind = 'folder')), :mailbox_id, :name, :role, :uid_validity)

-- name: mailbox_by_key
-- The mailbox of an address, whatever its state.
SELECT mailbox_id, address, kind, state, holder, identifier, quota_bytes, used_bytes, created_at
FROM mailbox WHERE address_key = :address_key

-- name: list_mailboxes
-- Every mailbox, sorted by address.
SELECT mailbox_id, address, kind, state, holder, identifier, quota_bytes, used_bytes, created_at
FROM mailbox ORDER BY address_key

-- name: set_mailbox_state
-- Change where a mailbox is in its life.
UPDATE mailbox SET state = :state, state_at = :state_at WHERE mailbox_id = :mailbox_id RETURNING mailbox_id

-- name: set_holder
-- Change whom a mailbox belongs to.
UPDATE mailbox SET holder = :holder, identifier = :identifier WHERE mailbox_id = :mailbox_id RETURNING mailbox_id

-- name: set_quota
-- Change the quota of a mailbox.
UPDATE mailbox SET quota_bytes = :quota_bytes WHERE mailbox_id = :mailbox_id RETURNING mailbox_id

-- name: list_folders
-- The folders of a mailbox in the order of their creation.
SELECT folder_id, mailbox_id, name, role, uid_validity, uid_next, highest_modseq, messages, unseen
FROM folder WHERE mailbox_id = :mailbox_id ORDER BY folder_id

-- name: folder_by_role
-- The folder of a mailbox that has a role.
SELECT folder_id, mailbox_id, name, role, uid_validity, uid_next, highest_modseq, messages, unseen
FROM folder WHERE mailbox_id = :mailbox_id AND role = :role
