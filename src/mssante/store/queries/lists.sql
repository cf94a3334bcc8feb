-- name: add_list
-- Keep a version of the white list, in force from now on.
INSERT INTO trust_list (version, generated_at, etag, last_modified, fetched_at, checked_at, raw)
VALUES (:version, :generated_at, :etag, :last_modified, :now, :now, :raw)

-- name: forget_lists
-- Drop the oldest versions.
DELETE FROM trust_list WHERE list_id <= :last_id

-- name: active_list
-- The version in force: the last one that was kept.
SELECT version, generated_at, etag, last_modified, fetched_at, checked_at, raw
FROM trust_list ORDER BY list_id DESC LIMIT 1

-- name: touch_list
-- Note that the version in force was found unchanged.
UPDATE trust_list SET checked_at = :checked_at WHERE list_id = (SELECT max(list_id) FROM trust_list)

-- name: list_versions
-- Every version kept, newest first, without its bytes.
SELECT version, generated_at, fetched_at, checked_at, length(raw) FROM trust_list ORDER BY list_id DESC

-- name: save_crl
-- Keep the revocation list of an authority in the place of the one before.
INSERT INTO crl (issuer, url, this_update, next_update, fetched_at, der)
VALUES (:issuer, :url, :this_update, :next_update, :fetched_at, :der)
ON CONFLICT (issuer) DO UPDATE SET url = excluded.url, this_update = excluded.this_update,
    next_update = excluded.next_update, fetched_at = excluded.fetched_at, der = excluded.der

-- name: list_crls
-- Every revocation list kept.
SELECT issuer, url, this_update, next_update, fetched_at, der FROM crl ORDER BY issuer
