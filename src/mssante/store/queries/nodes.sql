-- name: database_now
-- The time by the clock of the database.
SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER)

-- name: node_state
-- What a start of a node said last.
SELECT state FROM node WHERE run = :run

-- name: beat_node
-- Write that a node is there.
INSERT INTO node (run, name, host, version, schema_version, doors, state, reason, clock, started_at, beat_at)
VALUES (:run, :name, :host, :version, :schema_version, :doors, 'running', '', :clock, :now, :now)
ON CONFLICT (run) DO UPDATE SET state = 'running', reason = '', clock = excluded.clock, beat_at = excluded.beat_at

-- name: replace_nodes
-- Write that earlier starts of a node are no more.
UPDATE node SET state = 'replaced' WHERE name = :name AND run <> :run

-- name: stop_node
-- Write that a node stops.
UPDATE node SET state = 'stopped', reason = :reason, beat_at = :now WHERE run = :run

-- name: list_nodes
-- Every start of a node, by name, the newest first.
SELECT run, name, host, version, schema_version, doors, state, reason, clock, started_at, beat_at FROM node
ORDER BY name, started_at DESC, run LIMIT :limit

-- name: forget_node
-- Forget every start of one node.
DELETE FROM node WHERE name = :name

-- name: forget_silent_nodes
-- Forget starts that said nothing since a time.
DELETE FROM node WHERE beat_at < :before

-- name: schema_needed
-- Up to which step a program must know the schema; on this engine all of it.
SELECT coalesce(max(version), 0) FROM migration WHERE version > :known
