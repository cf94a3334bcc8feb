-- name: quick_check
-- What of the server's settings loses mail that was accepted; "ok" when nothing does.
SELECT coalesce(string_agg(name || ' est ' || setting, ' ; ' ORDER BY name), 'ok')
FROM pg_settings
WHERE (name IN ('fsync', 'full_page_writes') AND setting = 'off')
    OR (name = 'synchronous_commit' AND setting IN ('off', 'local'))

-- name: foreign_key_check
-- Rows that point to nothing; this engine has none.
SELECT '' AS subject, 0 AS row, '' AS target WHERE false
