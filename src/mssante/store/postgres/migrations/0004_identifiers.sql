-- Readers keep the numbers of messages and folders (RFC 8474): the number of one that went is never another's.
-- Sequences give the numbers here, and a sequence never gives one again.

COMMENT ON COLUMN message.message_id IS 'never given again (RFC 8474)';
COMMENT ON COLUMN folder.folder_id IS 'never given again (RFC 8474)';
