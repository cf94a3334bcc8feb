-- name: open_conversation
-- A professional wrote to a citizen, who may answer from now on.
INSERT INTO conversation (citizen, professional, opened_at, closed_at) VALUES (:citizen, :professional, :at, NULL)
ON CONFLICT (citizen, professional) DO UPDATE SET opened_at = excluded.opened_at, closed_at = NULL

-- name: close_conversation
-- A professional ended the exchange with a citizen.
UPDATE conversation SET closed_at = :at WHERE citizen = :citizen AND professional = :professional AND closed_at IS NULL

-- name: conversation_is_open
-- Whether a citizen may write to a professional.
SELECT 1 FROM conversation WHERE citizen = :citizen AND professional = :professional AND closed_at IS NULL
