-- A copy that another operator accepted may come back by mail: what its acceptance had ended is kept until then.

-- ended_at: moment of the acceptance that ended the failures; the others: as they were before it.
ALTER TABLE recipient_health ADD COLUMN ended_at bigint;
ALTER TABLE recipient_health ADD COLUMN ended_failures bigint NOT NULL DEFAULT 0;
ALTER TABLE recipient_health ADD COLUMN ended_first_at bigint;
ALTER TABLE recipient_health ADD COLUMN ended_delivered_at bigint;
