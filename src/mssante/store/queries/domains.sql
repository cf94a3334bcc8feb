-- name: add_domain
-- Add a domain of ours, once.
INSERT INTO domain (name, created_at) VALUES (:name, :created_at)
ON CONFLICT (name) DO NOTHING

-- name: list_domains
-- Every domain of ours, sorted.
SELECT name FROM domain ORDER BY name
