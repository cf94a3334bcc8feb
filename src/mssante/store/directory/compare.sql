-- What an import changed, mailbox by mailbox; the order of the four writings of the feed is that of making.Delta.

UPDATE main.mailbox SET changed_at = o.changed_at FROM old.mailbox o
WHERE o.id = mailbox.id AND o.kind = mailbox.kind AND o.service = mailbox.service AND o.description = mailbox.description
    AND o.is_red = mailbox.is_red AND o.is_paperless IS mailbox.is_paperless AND o.rank IS mailbox.rank;

INSERT INTO main.feed (at, what, address, detail, who)
SELECT :at, 'created', n.address, '{}', :who FROM main.mailbox n
WHERE NOT EXISTS (SELECT 1 FROM old.mailbox o WHERE lower(o.address) = lower(n.address));

INSERT INTO main.feed (at, what, address, detail, who)
SELECT :at, 'changed', n.address,
    json_object('kind', n.kind, 'service', n.service, 'description', n.description, 'red', n.is_red,
        'paperless', n.is_paperless, 'rank', n.rank), :who
FROM main.mailbox n JOIN old.mailbox o ON o.id = n.id
WHERE n.changed_at IS NULL;

INSERT INTO main.feed (at, what, address, detail, who)
SELECT :at, 'moved', n.address, json_object('professional', n.professional, 'structure', n.structure), :who
FROM main.mailbox n
WHERE NOT EXISTS (SELECT 1 FROM old.mailbox o WHERE o.id = n.id)
    AND EXISTS (SELECT 1 FROM old.mailbox o WHERE lower(o.address) = lower(n.address));

INSERT INTO main.feed (at, what, address, detail, who)
SELECT :at, 'removed', o.address, '{}', :who FROM old.mailbox o
WHERE NOT EXISTS (SELECT 1 FROM main.mailbox n WHERE lower(n.address) = lower(o.address));

UPDATE main.mailbox SET changed_at = :at WHERE changed_at IS NULL;
