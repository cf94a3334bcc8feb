-- One version of the directory, in the schema that comes first in search_path: the tables of the file (../schema.sql),
-- compared byte by byte as SQLite does. Keys and indexes are made once the rows are there (indexes.sql).

CREATE TABLE fact (name text COLLATE "C" PRIMARY KEY, value text NOT NULL);

CREATE TABLE professional (
    id bigint NOT NULL,
    identifier text COLLATE "C" NOT NULL,
    civility text COLLATE "C" NOT NULL,
    family text COLLATE "C" NOT NULL,
    given text COLLATE "C" NOT NULL,
    name_key text COLLATE "C" NOT NULL,
    joined text COLLATE "C" NOT NULL,
    profession text COLLATE "C" NOT NULL,
    category text COLLATE "C" NOT NULL,
    specialities text COLLATE "C" NOT NULL,
    work text COLLATE "C" NOT NULL,
    changed_at bigint
);

CREATE TABLE structure (
    id bigint NOT NULL,
    identifier text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    sign text COLLATE "C" NOT NULL,
    words text COLLATE "C" NOT NULL,
    spot text COLLATE "C" NOT NULL,
    complement text COLLATE "C" NOT NULL,
    distribution text COLLATE "C" NOT NULL,
    street text COLLATE "C" NOT NULL,
    locality text COLLATE "C" NOT NULL,
    postcode text COLLATE "C" NOT NULL,
    town text COLLATE "C" NOT NULL,
    department text COLLATE "C" NOT NULL,
    country text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    parent text COLLATE "C" NOT NULL,
    siret text COLLATE "C" NOT NULL,
    phone text COLLATE "C" NOT NULL,
    category text COLLATE "C" NOT NULL,
    latitude double precision,
    longitude double precision,
    changed_at bigint
);

CREATE TABLE situation (
    id bigint NOT NULL,
    identifier text COLLATE "C" NOT NULL,
    professional bigint NOT NULL,
    structure bigint NOT NULL,
    profession text COLLATE "C" NOT NULL,
    mode text COLLATE "C" NOT NULL,
    role text COLLATE "C" NOT NULL
);

CREATE TABLE mailbox (
    id bigint NOT NULL,
    address text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    professional bigint NOT NULL,
    structure bigint NOT NULL,
    service text COLLATE "C" NOT NULL,
    description text COLLATE "C" NOT NULL,
    responsible text COLLATE "C" NOT NULL,
    phone text COLLATE "C" NOT NULL,
    words text COLLATE "C" NOT NULL,
    is_red bigint NOT NULL,
    is_paperless bigint,
    rank bigint,
    operator text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    changed_at bigint
);

-- seq is given by who writes: changes are written one after the other, and their numbers have no holes.
CREATE TABLE feed (
    seq bigint PRIMARY KEY,
    at bigint NOT NULL,
    what text COLLATE "C" NOT NULL,
    address text COLLATE "C" NOT NULL,
    detail text NOT NULL,
    who text COLLATE "C" NOT NULL
);

CREATE TABLE import (
    id bigint PRIMARY KEY,
    at bigint NOT NULL,
    sources text NOT NULL,
    lines bigint NOT NULL,
    bad bigint NOT NULL,
    report text NOT NULL
);

CREATE TABLE bad_line (
    import_id bigint NOT NULL,
    source text COLLATE "C" NOT NULL,
    line bigint NOT NULL,
    reason text NOT NULL,
    text text NOT NULL
);

-- The search: each word behind a colon and the letter of its column (p person and joined, w work, h house, l place,
-- a address), and those of all columns but the address once more as they are. Its statistics would serve nobody: no plan is made for the words of one question.
CREATE TABLE entry (id bigint NOT NULL, words tsvector NOT NULL);
ALTER TABLE entry ALTER words SET STATISTICS 0;

CREATE TABLE word (
    id bigint NOT NULL,
    word text COLLATE "C" NOT NULL,
    entries bigint NOT NULL,
    is_place boolean NOT NULL,
    is_shown boolean NOT NULL
);

-- Rows as the files give them, some more than once: the first one counts.
CREATE UNLOGGED TABLE raw_professional (LIKE professional, place bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000));
CREATE UNLOGGED TABLE raw_structure (LIKE structure, place bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000));
CREATE UNLOGGED TABLE raw_situation (LIKE situation, place bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000));
CREATE UNLOGGED TABLE raw_mailbox (LIKE mailbox, place bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000));
CREATE UNLOGGED TABLE raw_speciality (
    professional bigint NOT NULL,
    coded text COLLATE "C" NOT NULL,
    words text COLLATE "C" NOT NULL,
    place bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000)
);

-- The functions below are single expressions, which the engine puts where they are called.

-- A text as the tokenizer of SQLite cuts it: what is of ASCII and neither letter nor digit stands between words.
-- Nearly every address has four such signs only, which takes a tenth of the time.
CREATE FUNCTION plain(said text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN said ~ '^[A-Za-z0-9 .@_-]*$' THEN translate(lower(said COLLATE "C"), '.@_-', '    ') ELSE translate(
        lower(said COLLATE "C"),
        E'\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d'
            || E'\x1e\x1f!"#$%&''()*+,-./:;<=>?@[\\]^_`{|}~\x7f',
        repeat(' ', 64)
    ) END
$$;

-- Words that are longer than a tsvector takes are cut (expressions.py does the same); no search box holds such.
CREATE FUNCTION short(said text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN length(said) > 500 THEN regexp_replace(said, '(\S{500})\S+', '\1', 'g') ELSE said END
$$;

-- The words of a text, each once.
CREATE FUNCTION terms(said text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT tsvector_to_array(array_to_tsvector(array_remove(string_to_array(said, ' '), '')))
$$;

CREATE FUNCTION marked(mark text, said text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT mark || replace(said, ' ', ' ' || mark) || ' '
$$;

CREATE FUNCTION indexed(person text, joined text, work text, house text, place text, address text) RETURNS tsvector
LANGUAGE sql IMMUTABLE AS $$
    SELECT array_to_tsvector(array_remove(string_to_array(
        marked(':p', person) || marked(':p', joined) || marked(':w', work) || marked(':h', house)
            || marked(':l', place) || marked(':a', address)
            || person || ' ' || joined || ' ' || work || ' ' || house || ' ' || place,
        ' '
    ), ''))
$$;

-- What the search is made of, with the numbers of its entries: mailboxes first, then professionals without one, then
-- structures without one of their own.
CREATE VIEW box_text AS
SELECT m.id, short(coalesce(p.name_key, '')) AS person, short(coalesce(p.joined, '')) AS joined,
    short(coalesce(p.work, '')) AS work, short(coalesce(s.words || ' ', '') || m.words) AS house,
    plain(coalesce(s.spot, '')) AS place, plain(m.address) AS address
FROM mailbox m LEFT JOIN professional p ON p.id = m.professional LEFT JOIN structure s ON s.id = m.structure;

CREATE VIEW person_text AS
SELECT p.id, short(p.name_key) AS person, short(p.joined) AS joined, short(p.work) AS work,
    short(coalesce(s.words, '')) AS house, plain(coalesce(s.spot, '')) AS place, '' AS address
FROM professional p
LEFT JOIN LATERAL (
    SELECT t.structure FROM situation t WHERE t.professional = p.id ORDER BY t.id LIMIT 1
) t ON true
LEFT JOIN structure s ON s.id = t.structure;

CREATE VIEW place_text AS
SELECT s.id, '' AS person, '' AS joined, '' AS work, short(s.words) AS house, plain(s.spot) AS place, '' AS address
FROM structure s;

-- How many entries are worth looking at one by one for words of which every entry must have one of each group (JSON: lists
-- of words; empty: not known), to find some: up to 2,000, fewer for many words, when that many may hold enough; else none.
CREATE FUNCTION walk(groups text, wanted bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN groups = '' THEN 500 WHEN rows * common >= wanted * entries THEN rows ELSE 0 END
    FROM (
        SELECT least(2000, 20000 / greatest(sum(words), 1)) AS rows, min(total) AS common,
            (SELECT value::bigint FROM fact WHERE name = 'entries') AS entries
        FROM (
            SELECT json_array_length(g) AS words, (
                SELECT coalesce(sum(entries), 0) FROM word WHERE word = ANY (ARRAY(SELECT json_array_elements_text(g)))
            ) AS total
            FROM json_array_elements(nullif(groups, '')::json) g
        ) totals
    ) found
$$;
