-- name: add_folder
-- Add a folder to a mailbox under a number that none ever had.
INSERT INTO folder (mailbox_id, name, role, uid_validity) VALUES (:mailbox_id, :name, :role, :uid_validity)
