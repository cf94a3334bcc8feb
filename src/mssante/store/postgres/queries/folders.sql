-- name: add_text
-- Make a message searchable in one mailbox, and keep its folded text once for all of them.
WITH folded AS (
    INSERT INTO message_folded (message_id, header, body) VALUES (:message_id, :header, :text)
    ON CONFLICT (message_id) DO NOTHING
)
INSERT INTO message_text (mailbox_id, message_id, words)
VALUES (:mailbox_id, :message_id, array_to_tsvector(string_to_array(:words, ' ')))

-- name: search_text
-- The messages of one mailbox that hold the words: those that have each of them, then those that have them in order.
SELECT t.message_id FROM message_text t JOIN message_folded f ON f.message_id = t.message_id
WHERE t.words @@ CAST(CAST(:query AS text) AS tsquery) AND t.mailbox_id = :mailbox_id
    AND (strpos(f.body, :phrase) > 0 OR (:body_only = 0 AND strpos(f.header, :phrase) > 0))
