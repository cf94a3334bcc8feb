-- name: admit_entry
-- Bind a domain to a certificate name, or change what is said of it.
INSERT INTO listing (domain, dn, description, responsible, support, updated_at)
VALUES (:domain, :dn, :description, :responsible, :support, :updated_at)
ON CONFLICT (domain, dn) DO UPDATE SET description = excluded.description, responsible = excluded.responsible,
    support = excluded.support, updated_at = excluded.updated_at

-- name: remove_entries
-- Take a domain out of the list, or one of its names; an empty name means all.
DELETE FROM listing WHERE domain = :domain AND (:dn = '' OR dn = :dn) RETURNING dn

-- name: list_entries
-- What the manager has admitted.
SELECT domain, dn, description, responsible, support, updated_at FROM listing ORDER BY domain, dn

-- name: add_publication
-- Keep what was published.
INSERT INTO publication (generated_at, published_at, raw) VALUES (:generated_at, :published_at, :raw)

-- name: forget_publications
-- Drop the oldest publications.
DELETE FROM publication WHERE publication_id <= :last_id

-- name: last_publication
-- What was published last.
SELECT generated_at, published_at, raw FROM publication ORDER BY publication_id DESC LIMIT 1
