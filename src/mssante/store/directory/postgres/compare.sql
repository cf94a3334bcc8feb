-- What an import changed, mailbox by mailbox, behind the feed of the version before; the order is that of engine.Delta.

INSERT INTO feed (seq, at, what, address, detail, who)
SELECT top + row_number() OVER (ORDER BY n.id), :at, 'created', n.address, '{}', :who
FROM mailbox n, (SELECT coalesce(max(seq), 0) AS top FROM feed) f
WHERE NOT EXISTS (SELECT 1 FROM old.mailbox o WHERE lower(o.address) = lower(n.address));

INSERT INTO feed (seq, at, what, address, detail, who)
SELECT top + row_number() OVER (ORDER BY n.id), :at, 'changed', n.address,
    json_build_object('kind', n.kind, 'service', n.service, 'description', n.description, 'red', n.is_red,
        'paperless', n.is_paperless, 'rank', n.rank)::text, :who
FROM mailbox n JOIN old.mailbox o ON o.id = n.id, (SELECT coalesce(max(seq), 0) AS top FROM feed) f
WHERE o.kind <> n.kind OR o.service <> n.service OR o.description <> n.description OR o.is_red <> n.is_red
    OR o.is_paperless IS DISTINCT FROM n.is_paperless OR o.rank IS DISTINCT FROM n.rank;

INSERT INTO feed (seq, at, what, address, detail, who)
SELECT top + row_number() OVER (ORDER BY n.id), :at, 'moved', n.address,
    json_build_object('professional', n.professional, 'structure', n.structure)::text, :who
FROM mailbox n, (SELECT coalesce(max(seq), 0) AS top FROM feed) f
WHERE NOT EXISTS (SELECT 1 FROM old.mailbox o WHERE o.id = n.id)
    AND EXISTS (SELECT 1 FROM old.mailbox o WHERE lower(o.address) = lower(n.address));

INSERT INTO feed (seq, at, what, address, detail, who)
SELECT top + row_number() OVER (ORDER BY o.id), :at, 'removed', o.address, '{}', :who
FROM old.mailbox o, (SELECT coalesce(max(seq), 0) AS top FROM feed) f
WHERE NOT EXISTS (SELECT 1 FROM mailbox n WHERE lower(n.address) = lower(o.address));
