-- name: note_correspondent
-- Note that one of ours wrote to somebody, and whether it arrived (1) or not (0).
INSERT INTO correspondent (sender, recipient, wrote_at, delivered_at, delivered)
VALUES (:sender, :recipient, :now, iif(:arrived, :now, NULL), :arrived)
ON CONFLICT (sender, recipient) DO UPDATE SET wrote_at = max(correspondent.wrote_at, excluded.wrote_at),
    delivered_at = coalesce(max(correspondent.delivered_at, excluded.delivered_at), correspondent.delivered_at,
        excluded.delivered_at),
    delivered = correspondent.delivered + excluded.delivered

-- name: note_alive
-- End the failures of an address that has had some; what they were is kept, in case the copy comes back by mail.
UPDATE recipient_health SET delivered_at = :now, failures = 0,
    ended_at = iif(failures > 0, :now, ended_at), ended_failures = iif(failures > 0, failures, ended_failures),
    ended_first_at = iif(failures > 0, first_failed_at, ended_first_at),
    ended_delivered_at = iif(failures > 0, delivered_at, ended_delivered_at)
WHERE recipient = :recipient

-- name: note_not_alive
-- Put the failures back that a copy had ended which came back by mail.
UPDATE recipient_health SET delivered_at = ended_delivered_at, failures = failures + ended_failures,
    first_failed_at = ended_first_at, ended_at = NULL, ended_failures = 0
WHERE recipient = :recipient AND ended_at = :accepted_at

-- name: note_not_arrived
-- Take back an arrival that was none; when it was the only one, nothing ever arrived.
UPDATE correspondent SET delivered = max(delivered - 1, 0), delivered_at = iif(delivered > 1, delivered_at, NULL)
WHERE sender = :sender AND recipient = :recipient

-- name: note_bounce
-- Count one more hard bounce of an address.
INSERT INTO recipient_health (recipient, delivered_at, first_failed_at, failed_at, failures, reason)
VALUES (:recipient, (SELECT max(delivered_at) FROM correspondent WHERE recipient = :recipient), :now, :now, 1, :reason)
ON CONFLICT (recipient) DO UPDATE SET failed_at = excluded.failed_at, reason = excluded.reason,
    first_failed_at = iif(recipient_health.failures = 0, excluded.failed_at, recipient_health.first_failed_at),
    failures = recipient_health.failures + 1

-- name: recipient_told
-- What deliveries have told of one address that has failed once.
SELECT recipient, delivered_at, first_failed_at, failed_at, failures, reason FROM recipient_health
WHERE recipient = :recipient

-- name: failing_recipients
-- The addresses that fail, the last failure first.
SELECT recipient, delivered_at, first_failed_at, failed_at, failures, reason FROM recipient_health
WHERE failures > 0 ORDER BY failed_at DESC LIMIT :limit

-- name: correspondents_of
-- To whom a mailbox wrote with success, the last one first.
SELECT sender, recipient, wrote_at, delivered_at, delivered FROM correspondent
WHERE sender = :sender AND delivered_at IS NOT NULL ORDER BY delivered_at DESC LIMIT :limit

-- name: correspondents_to
-- Who of ours wrote to an address since a time, the last one first.
SELECT sender, recipient, wrote_at, delivered_at, delivered FROM correspondent
WHERE recipient = :recipient AND wrote_at >= :since ORDER BY wrote_at DESC, sender LIMIT :limit

-- name: forget_correspondents
-- Forget who wrote to whom for the last time before a time.
DELETE FROM correspondent WHERE (sender, recipient) IN (
    SELECT sender, recipient FROM correspondent WHERE wrote_at < :before LIMIT :limit
)

-- name: forget_health
-- Forget addresses that failed for the last time before a time.
DELETE FROM recipient_health WHERE recipient IN (
    SELECT recipient FROM recipient_health WHERE failed_at < :before LIMIT :limit
)

-- name: keep_comparison
-- Keep the last comparison with the directory in the place of the one before.
INSERT INTO directory_comparison (one, at, found, result) VALUES (1, :at, :found, :result)
ON CONFLICT (one) DO UPDATE SET at = excluded.at, found = excluded.found, result = excluded.result

-- name: last_comparison
-- The last comparison with the directory.
SELECT at, found, result FROM directory_comparison
