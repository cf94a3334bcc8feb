-- Queries of ../queries.sql that SQLite says in its own way: the same names, the same answers in the same order.

-- name: places_among
-- Whether one of some words (JSON) is a place and nobody's name.
SELECT 1 FROM word WHERE word = ANY (ARRAY(SELECT json_array_elements_text(:words::json))) AND is_place LIMIT 1

-- name: words_from_two
-- The words that begin with two letters, the most frequent ones first, then those that came first.
SELECT word, entries FROM word WHERE substr(word, 1, 2) = :start ORDER BY entries DESC, id LIMIT :limit

-- name: words_from_three
-- The same for a beginning of three letters.
SELECT word, entries FROM word WHERE substr(word, 1, 3) = :start ORDER BY entries DESC, id LIMIT :limit

-- name: words_from_four
-- The same for a beginning of four letters.
SELECT word, entries FROM word WHERE substr(word, 1, 4) = :start ORDER BY entries DESC, id LIMIT :limit

-- name: words_among
-- Those words of a list (JSON) that are in the directory.
SELECT word, entries FROM word WHERE word = ANY (ARRAY(SELECT json_array_elements_text(:words::json)))
ORDER BY entries DESC, word LIMIT :limit

-- name: words_with
-- The words that hold a piece of three letters or more.
SELECT word, entries FROM (SELECT id, word, entries FROM word WHERE word LIKE :pattern OFFSET 0) w
ORDER BY id LIMIT :limit

-- name: words_with_few
-- The same for a piece of one or two letters; reads every word.
SELECT word, entries FROM word WHERE word LIKE :pattern ORDER BY id LIMIT :limit

-- name: matching
-- Numbers of the entries that a tsquery finds, from a number on. When its words are common, the next entries are looked
-- at first: the index would gather a large part of the directory only to sort it. A question is read once (the SELECT
-- around it); the + keeps the engine from gathering all numbers from that one on.
WITH near AS MATERIALIZED (
    SELECT id FROM (
        SELECT id, words FROM entry WHERE id > :after ORDER BY id LIMIT walk(:groups, :limit)
    ) e WHERE words @@ (SELECT :expression::text::tsquery) ORDER BY id LIMIT :limit
)
SELECT id FROM near WHERE (SELECT count(*) FROM near) = :limit
UNION ALL
SELECT id FROM (
    SELECT id FROM (
        SELECT id FROM entry
        WHERE words @@ (SELECT :expression::text::tsquery) AND +id > :after OFFSET 0
    ) e ORDER BY id LIMIT :limit
) f WHERE (SELECT count(*) FROM near) < :limit

-- name: matching_among
-- The same within a range of numbers.
WITH near AS MATERIALIZED (
    SELECT id FROM (
        SELECT id, words FROM entry WHERE id > :after AND id < :below ORDER BY id LIMIT walk(:groups, :limit)
    ) e WHERE words @@ (SELECT :expression::text::tsquery) ORDER BY id LIMIT :limit
)
SELECT id FROM near WHERE (SELECT count(*) FROM near) = :limit
UNION ALL
SELECT id FROM (
    SELECT id FROM (
        SELECT id FROM entry
        WHERE words @@ (SELECT :expression::text::tsquery) AND +id > :after AND +id < :below OFFSET 0
    ) e ORDER BY id LIMIT :limit
) f WHERE (SELECT count(*) FROM near) < :limit

-- name: entries_holding
-- Those of some entries (JSON of numbers) that hold three pieces ('' for none) somewhere in what the search index is made
-- of.
SELECT id FROM (
    SELECT e.id, e.place,
        coalesce(p.name_key, '') || ' ' || coalesce(p.joined, '') || ' ' || coalesce(p.work, '') || ' '
        || coalesce(s.words, '') || ' ' || coalesce(s.spot, '') || ' '
        || coalesce(m.words, '') || ' ' || coalesce(lower(m.address), '') AS text
    FROM (
        SELECT value::bigint AS id, place FROM json_array_elements_text(:ids::json) WITH ORDINALITY j (value, place)
    ) e
    LEFT JOIN mailbox m ON m.id = e.id
    LEFT JOIN professional p ON p.id = coalesce(m.professional, e.id - 4503599627370496)
    LEFT JOIN situation t ON m.id IS NULL AND t.id = (SELECT min(id) FROM situation WHERE professional = p.id)
    LEFT JOIN structure s ON s.id = coalesce(m.structure, t.structure, e.id - 9007199254740992)
) found
WHERE strpos(text, :first) > 0 AND strpos(text, :second) > 0 AND strpos(text, :third) > 0 ORDER BY place

-- name: entries_from
-- Numbers of entries from a number on.
SELECT id FROM entry WHERE id > :after ORDER BY id LIMIT :limit

-- name: entries_among
-- Those of a list (JSON) that are numbers of entries.
SELECT id FROM entry WHERE id = ANY (ARRAY(SELECT json_array_elements_text(:ids::json)::bigint)) ORDER BY id

-- name: links_of_boxes
-- Whose mailboxes are those (JSON of numbers).
SELECT id, professional, structure FROM mailbox
WHERE id = ANY (ARRAY(SELECT json_array_elements_text(:ids::json)::bigint)) ORDER BY id

-- name: boxes_by_address_start
-- Numbers of the mailboxes whose address begins so.
SELECT id FROM mailbox WHERE lower(address) >= :low AND lower(address) < :high ORDER BY lower(address), id LIMIT :limit

-- name: boxes_of_professionals
-- Numbers of the mailboxes of some professionals (JSON).
SELECT id FROM mailbox WHERE professional = ANY (ARRAY(SELECT json_array_elements_text(:ids::json)::bigint))
ORDER BY id LIMIT :limit

-- name: boxes_of_structures
-- Numbers of the mailboxes of some structures (JSON).
SELECT id FROM mailbox WHERE structure = ANY (ARRAY(SELECT json_array_elements_text(:ids::json)::bigint)) ORDER BY id LIMIT :limit

-- name: professionals_named
-- Numbers of the professionals who are called exactly so, whatever the order of the names (JSON of keys).
SELECT id FROM professional WHERE name_key = ANY (ARRAY(SELECT json_array_elements_text(:keys::json))) ORDER BY id LIMIT :limit

-- name: entries_named
-- Entries of the professionals whose names stand from :key on and before :high, in the order of the names, then of the
-- numbers; behind a place in it. has_box: mailboxes only.
SELECT coalesce(m.id, 4503599627370496 + p.id)
FROM professional p
LEFT JOIN LATERAL (SELECT id FROM mailbox WHERE professional = p.id ORDER BY id OFFSET 0) m ON true
WHERE p.name_key >= :key AND p.name_key < :high
    AND (p.name_key > :key OR p.id > :holder OR (p.id = :holder AND m.id > :box))
    AND (m.id IS NOT NULL OR NOT :has_box::boolean)
ORDER BY p.name_key, p.id, m.id LIMIT :limit

-- name: structures_by_siret
-- Numbers of the structures with a SIRET number.
SELECT id FROM structure WHERE siret = :siret AND siret <> '' ORDER BY id LIMIT :limit

-- name: candidates
-- What the ranking looks at, of mailboxes (JSON of numbers). has_left: situations are known, none is at that structure;
-- the + keeps the engine from looking at all the situations of a hospital.
SELECT m.id, m.professional, m.address, m.kind, m.words, m.is_red, m.rank,
    coalesce(p.name_key, ''), coalesce(p.joined, ''), coalesce(p.work, ''),
    coalesce(s.words, ''), coalesce(s.spot, ''), coalesce(s.department, ''), coalesce(s.postcode, ''),
    m.professional <> 0 AND m.structure <> 0
        AND EXISTS (SELECT 1 FROM situation t WHERE t.professional = m.professional)
        AND NOT EXISTS (SELECT 1 FROM situation t WHERE t.professional = m.professional AND +t.structure = m.structure)
FROM (
    SELECT value::bigint AS id, place FROM json_array_elements_text(:ids::json) WITH ORDINALITY j (value, place)
) j JOIN mailbox m ON m.id = j.id
LEFT JOIN professional p ON p.id = m.professional LEFT JOIN structure s ON s.id = m.structure
ORDER BY j.place

-- name: candidate_people
-- What the ranking looks at, of professionals without mailbox (JSON of their own numbers).
SELECT p.id, p.name_key, p.joined, p.work,
    coalesce(s.words, ''), coalesce(s.spot, ''), coalesce(s.department, ''), coalesce(s.postcode, '')
FROM (
    SELECT value::bigint AS id, place FROM json_array_elements_text(:ids::json) WITH ORDINALITY j (value, place)
) j JOIN professional p ON p.id = j.id
LEFT JOIN LATERAL (
    SELECT t.structure FROM situation t WHERE t.professional = p.id ORDER BY t.id LIMIT 1
) t ON true
LEFT JOIN structure s ON s.id = t.structure
ORDER BY j.place

-- name: candidate_places
-- What the ranking looks at, of structures without mailbox (JSON of their own numbers).
SELECT s.id, s.words, s.spot, s.department, s.postcode
FROM (
    SELECT value::bigint AS id, place FROM json_array_elements_text(:ids::json) WITH ORDINALITY j (value, place)
) j JOIN structure s ON s.id = j.id ORDER BY j.place

-- name: boxes_whole
-- Mailboxes by number (JSON) with their professionals and structures, as in the two queries below.
SELECT m.id, m.address, m.kind, m.service, m.description, m.responsible, m.phone, m.is_red, m.is_paperless, m.rank,
    m.operator, m.changed_at,
    p.id, p.identifier, p.civility, p.family, p.given, p.profession, p.category, p.specialities,
    s.id, s.identifier, s.name, s.sign, s.complement, s.distribution, s.street, s.locality, s.postcode, s.town,
    s.department, s.country, s.kind, s.parent, s.siret, s.phone, s.category, s.latitude, s.longitude
FROM (
    SELECT value::bigint AS id, place FROM json_array_elements_text(:ids::json) WITH ORDINALITY j (value, place)
) j JOIN mailbox m ON m.id = j.id
LEFT JOIN professional p ON p.id = m.professional LEFT JOIN structure s ON s.id = m.structure
ORDER BY j.place

-- name: professionals
-- Professionals by number (JSON).
SELECT p.id, p.identifier, p.civility, p.family, p.given, p.profession, p.category, p.specialities
FROM (
    SELECT value::bigint AS id, place FROM json_array_elements_text(:ids::json) WITH ORDINALITY j (value, place)
) j JOIN professional p ON p.id = j.id ORDER BY j.place

-- name: structures
-- Structures by number (JSON).
SELECT s.id, s.identifier, s.name, s.sign, s.complement, s.distribution, s.street, s.locality, s.postcode, s.town,
    s.department, s.country, s.kind, s.parent, s.siret, s.phone, s.category, s.latitude, s.longitude
FROM (
    SELECT value::bigint AS id, place FROM json_array_elements_text(:ids::json) WITH ORDINALITY j (value, place)
) j JOIN structure s ON s.id = j.id ORDER BY j.place

-- name: situations
-- Situations by number (JSON).
SELECT t.id, t.identifier, t.professional, t.structure, t.profession, t.mode, t.role
FROM (
    SELECT value::bigint AS id, place FROM json_array_elements_text(:ids::json) WITH ORDINALITY j (value, place)
) j JOIN situation t ON t.id = j.id ORDER BY j.place

-- name: situations_of_professionals
-- Numbers of the situations of some professionals (JSON).
SELECT id FROM situation WHERE professional = ANY (ARRAY(SELECT json_array_elements_text(:ids::json)::bigint))
ORDER BY id LIMIT :limit

-- name: situations_of_structures
-- Numbers of the situations in some structures (JSON).
SELECT id FROM situation WHERE structure = ANY (ARRAY(SELECT json_array_elements_text(:ids::json)::bigint))
ORDER BY id LIMIT :limit

-- name: add_feed
-- Write one change down; changes are written one after the other.
INSERT INTO feed (seq, at, what, address, detail, who)
SELECT coalesce(max(seq), 0) + 1, :at, :what, :address, :detail, :who FROM feed

-- name: unindex
-- Take an entry out of the search.
DELETE FROM entry WHERE id = :entry_id

-- name: index_box
-- Put a mailbox into the search.
INSERT INTO entry (id, words)
SELECT id, indexed(person, joined, work, house, place, address) FROM box_text WHERE id = :id

-- name: index_person
-- Put a professional without mailbox into the search.
INSERT INTO entry (id, words)
SELECT :entry_id, indexed(person, joined, work, house, place, address) FROM person_text WHERE id = :id

-- name: index_place
-- Put a structure without mailbox into the search.
INSERT INTO entry (id, words)
SELECT :entry_id, indexed(person, joined, work, house, place, address) FROM place_text WHERE id = :id

-- name: add_word
-- Add a word that is new.
INSERT INTO word (id, word, entries, is_place, is_shown)
SELECT coalesce(max(id), 0) + 1, :word, 1, false, true FROM word

-- name: add_piece
-- Pieces are found in the words themselves: there is nothing to do.
SELECT 1
