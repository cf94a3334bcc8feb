-- What is made once the rows are there.

CREATE INDEX mailbox_address ON mailbox (lower(address));
CREATE INDEX mailbox_professional ON mailbox (professional);
CREATE INDEX mailbox_structure ON mailbox (structure);
CREATE INDEX professional_name ON professional (name_key);
CREATE INDEX situation_professional ON situation (professional);
CREATE INDEX situation_structure ON situation (structure);
CREATE INDEX structure_siret ON structure (siret) WHERE siret <> '';

CREATE VIRTUAL TABLE entry USING fts5 (
    person, joined, work, house, place, address,
    content = '', contentless_delete = 1, detail = column, tokenize = 'ascii'
);
INSERT INTO entry (entry, rank) VALUES ('hashsize', 67108864);

INSERT INTO entry (rowid, person, joined, work, house, place, address)
SELECT m.id,
    coalesce(p.name_key, ''),
    coalesce(p.joined, ''),
    coalesce(p.work, ''),
    coalesce(s.words || ' ', '') || m.words,
    coalesce(s.spot, ''),
    m.address
FROM mailbox m LEFT JOIN professional p ON p.id = m.professional LEFT JOIN structure s ON s.id = m.structure
ORDER BY m.id;

INSERT INTO entry (rowid, person, joined, work, house, place, address)
SELECT 4503599627370496 + p.id, p.name_key, p.joined, p.work, coalesce(s.words, ''), coalesce(s.spot, ''), ''
FROM professional p
LEFT JOIN situation t ON t.id = (SELECT min(id) FROM situation WHERE professional = p.id)
LEFT JOIN structure s ON s.id = t.structure
WHERE NOT EXISTS (SELECT 1 FROM mailbox m WHERE m.professional = p.id)
ORDER BY p.id;

INSERT INTO entry (rowid, person, joined, work, house, place, address)
SELECT 9007199254740992 + s.id, '', '', '', s.words, s.spot, ''
FROM structure s
WHERE NOT EXISTS (SELECT 1 FROM mailbox m WHERE m.structure = s.id AND m.professional = 0)
ORDER BY s.id;

CREATE VIRTUAL TABLE vocabulary USING fts5vocab (entry, col);
-- is_place: it is a place and nobody's name; is_shown: it stands somewhere as it is, not only in an address or as a
-- compound name in one word.
CREATE TABLE word (
    id INTEGER PRIMARY KEY,
    word TEXT NOT NULL UNIQUE,
    entries INTEGER NOT NULL,
    is_place INTEGER NOT NULL,
    is_shown INTEGER NOT NULL
);
INSERT INTO word (word, entries, is_place, is_shown)
SELECT term, sum(doc), max(col = 'place') AND NOT max(col = 'person'), max(col NOT IN ('joined', 'address'))
FROM vocabulary WHERE length(term) BETWEEN 2 AND 40 GROUP BY term ORDER BY term;
CREATE VIRTUAL TABLE piece USING fts5 (
    word, content = 'word', content_rowid = 'id', detail = none, tokenize = 'trigram'
);
INSERT INTO piece (rowid, word) SELECT id, word FROM word;
CREATE INDEX word_two ON word (substr(word, 1, 2), entries DESC);
CREATE INDEX word_four ON word (substr(word, 1, 4), entries DESC);
CREATE INDEX word_three ON word (substr(word, 1, 3), entries DESC);
