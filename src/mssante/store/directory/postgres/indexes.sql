-- What is made once the rows are there. A statement ends with a semicolon at the end of a line.

INSERT INTO professional
SELECT DISTINCT ON (id) id, identifier, civility, family, given, name_key, joined, profession, category, specialities, work,
    changed_at
FROM raw_professional ORDER BY id, place;

INSERT INTO structure
SELECT DISTINCT ON (id) id, identifier, name, sign, words, spot, complement, distribution, street, locality, postcode, town,
    department, country, kind, parent, siret, phone, category, latitude, longitude, changed_at
FROM raw_structure ORDER BY id, place;

INSERT INTO situation
SELECT DISTINCT ON (id) id, identifier, professional, structure, profession, mode, role
FROM raw_situation ORDER BY id, place;

INSERT INTO mailbox
SELECT n.id, n.address, n.kind, n.professional, n.structure, n.service, n.description, n.responsible, n.phone, n.words,
    n.is_red, n.is_paperless, n.rank, n.operator, n.source, coalesce(o.changed_at, n.changed_at, :at)
FROM (SELECT DISTINCT ON (id) * FROM raw_mailbox ORDER BY id, place) n
LEFT JOIN old.mailbox o
    ON o.id = n.id AND o.kind = n.kind AND o.service = n.service AND o.description = n.description
    AND o.is_red = n.is_red AND o.is_paperless IS NOT DISTINCT FROM n.is_paperless AND o.rank IS NOT DISTINCT FROM n.rank
ORDER BY n.id;

DROP TABLE raw_professional, raw_structure, raw_situation, raw_mailbox, raw_speciality;

ALTER TABLE professional ADD PRIMARY KEY (id);
ALTER TABLE structure ADD PRIMARY KEY (id);
ALTER TABLE situation ADD PRIMARY KEY (id);
ALTER TABLE mailbox ADD PRIMARY KEY (id);
CREATE INDEX mailbox_address ON mailbox (lower(address), id);
CREATE INDEX mailbox_professional ON mailbox (professional, id);
CREATE INDEX mailbox_structure ON mailbox (structure, id);
CREATE INDEX professional_name ON professional (name_key, id);
CREATE INDEX situation_professional ON situation (professional, id);
CREATE INDEX situation_structure ON situation (structure, id);
CREATE INDEX structure_siret ON structure (siret, id) WHERE siret <> '';
ANALYZE professional, structure, situation, mailbox;

CREATE UNLOGGED TABLE raw_text AS
SELECT id, person, joined, work, house, place, address FROM box_text
UNION ALL
SELECT 4503599627370496 + t.id, t.person, t.joined, t.work, t.house, t.place, t.address
FROM person_text t WHERE NOT EXISTS (SELECT 1 FROM mailbox m WHERE m.professional = t.id)
UNION ALL
SELECT 9007199254740992 + t.id, t.person, t.joined, t.work, t.house, t.place, t.address
FROM place_text t WHERE NOT EXISTS (SELECT 1 FROM mailbox m WHERE m.structure = t.id AND m.professional = 0);

INSERT INTO entry SELECT id, indexed(person, joined, work, house, place, address) FROM raw_text ORDER BY id;
ALTER TABLE entry ADD PRIMARY KEY (id);
CREATE INDEX entry_words ON entry USING gin (words) WITH (fastupdate = off);

INSERT INTO word (id, word, entries, is_place, is_shown)
SELECT row_number() OVER (ORDER BY term), term, sum(entries), bool_or(col = 'place') AND NOT bool_or(col = 'person'),
    bool_or(col NOT IN ('joined', 'address'))
FROM (
    SELECT col, term COLLATE "C" AS term, sum(times) AS entries FROM (
        SELECT 'person' AS col, person AS said, count(*) AS times FROM raw_text GROUP BY person
        UNION ALL SELECT 'joined', joined, count(*) FROM raw_text GROUP BY joined
        UNION ALL SELECT 'work', work, count(*) FROM raw_text GROUP BY work
        UNION ALL SELECT 'house', house, count(*) FROM raw_text GROUP BY house
        UNION ALL SELECT 'place', place, count(*) FROM raw_text GROUP BY place
        UNION ALL SELECT 'address', address, count(*) FROM raw_text GROUP BY address
    ) texts, unnest(terms(said)) AS term
    WHERE length(term) BETWEEN 2 AND 40 GROUP BY col, term
) columns GROUP BY term ORDER BY term;

INSERT INTO fact SELECT 'entries', count(*)::text FROM entry;
DROP TABLE raw_text;
ALTER TABLE word ADD PRIMARY KEY (id);
CREATE UNIQUE INDEX word_word ON word (word);
CREATE INDEX word_two ON word (substr(word, 1, 2), entries DESC, id);
CREATE INDEX word_three ON word (substr(word, 1, 3), entries DESC, id);
CREATE INDEX word_four ON word (substr(word, 1, 4), entries DESC, id);
CREATE INDEX word_pieces ON word USING gin (word trgm.gin_trgm_ops);
ANALYZE entry, word;
