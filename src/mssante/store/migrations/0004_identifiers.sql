-- Readers keep the numbers of messages and folders (RFC 8474): the number of one that went is never another's.

CREATE TABLE last_number (
    kind TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO last_number (kind, value) VALUES ('message', 0), ('folder', 0);

CREATE TRIGGER message_number_gone AFTER DELETE ON message
WHEN old.message_id > coalesce((SELECT max(message_id) FROM message), 0)
BEGIN
    UPDATE last_number SET value = max(value, old.message_id) WHERE kind = 'message';
END;

CREATE TRIGGER folder_number_gone AFTER DELETE ON folder
WHEN old.folder_id > coalesce((SELECT max(folder_id) FROM folder), 0)
BEGIN
    UPDATE last_number SET value = max(value, old.folder_id) WHERE kind = 'folder';
END;
