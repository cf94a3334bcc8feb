-- name: database_now
-- The time by the clock of the database, also within a transaction.
SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)

-- name: schema_needed
-- Up to which step a program must know the schema, from what each newer step says.
SELECT coalesce(max(works_with), 0) FROM migration WHERE version > :known
