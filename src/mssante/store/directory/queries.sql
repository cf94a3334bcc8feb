-- name: word_exact
-- How many entries have a word.
SELECT entries FROM word WHERE word = :word

-- name: places_among
-- Whether one of some words (JSON) is a place and nobody's name.
SELECT 1 FROM word WHERE word IN (SELECT value FROM json_each(:words)) AND is_place LIMIT 1

-- name: shown_words_from
-- Words that begin so and stand somewhere as they are, the most frequent ones first.
SELECT word FROM word WHERE word >= :low AND word < :high AND is_shown ORDER BY entries DESC, word LIMIT :limit

-- name: words_from
-- The words that begin so, the most frequent ones first; one row more than wanted tells that there are others.
SELECT word, entries FROM word WHERE word >= :low AND word < :high ORDER BY entries DESC, word LIMIT :limit

-- name: words_from_two
-- The same for a beginning of two letters.
SELECT word, entries FROM word WHERE substr(word, 1, 2) = :start ORDER BY entries DESC LIMIT :limit

-- name: words_from_three
-- The same for a beginning of three letters.
SELECT word, entries FROM word WHERE substr(word, 1, 3) = :start ORDER BY entries DESC LIMIT :limit

-- name: words_from_four
-- The same for a beginning of four letters.
SELECT word, entries FROM word WHERE substr(word, 1, 4) = :start ORDER BY entries DESC LIMIT :limit

-- name: words_among
-- Those words of a list (JSON) that are in the directory.
SELECT word, entries FROM word WHERE word IN (SELECT value FROM json_each(:words)) ORDER BY entries DESC, word LIMIT :limit

-- name: words_with
-- The words that hold a piece of three letters or more.
SELECT w.word, w.entries FROM piece p JOIN word w ON w.id = p.rowid WHERE p.word LIKE :pattern LIMIT :limit

-- name: words_with_few
-- The same for a piece of one or two letters; reads every word.
SELECT word, entries FROM word WHERE word LIKE :pattern LIMIT :limit

-- name: matching
-- Numbers of the entries that a full-text expression finds, from a number on.
SELECT rowid FROM entry WHERE entry MATCH :expression AND rowid > :after ORDER BY rowid LIMIT :limit

-- name: matching_among
-- The same within a range of numbers.
SELECT rowid FROM entry WHERE entry MATCH :expression AND rowid > :after AND rowid < :below ORDER BY rowid LIMIT :limit

-- name: entries_holding
-- Those of some entries (JSON of numbers) that hold three pieces ('' for none) somewhere in what the search index is made
-- of.
SELECT id FROM (
    SELECT e.value AS id, e.key AS place,
        coalesce(p.name_key, '') || ' ' || coalesce(p.joined, '') || ' ' || coalesce(p.work, '') || ' '
        || coalesce(s.words, '') || ' ' || coalesce(s.spot, '') || ' '
        || coalesce(m.words, '') || ' ' || coalesce(lower(m.address), '') AS text
    FROM json_each(:ids) e LEFT JOIN mailbox m ON m.id = e.value
    LEFT JOIN professional p ON p.id = coalesce(m.professional, e.value - 4503599627370496)
    LEFT JOIN situation t ON m.id IS NULL AND t.id = (SELECT min(id) FROM situation WHERE professional = p.id)
    LEFT JOIN structure s ON s.id = coalesce(m.structure, t.structure, e.value - 9007199254740992)
)
WHERE instr(text, :first) AND instr(text, :second) AND instr(text, :third) ORDER BY place

-- name: entries_from
-- Numbers of entries from a number on.
SELECT rowid FROM entry WHERE rowid > :after ORDER BY rowid LIMIT :limit

-- name: entries_among
-- Those of a list (JSON) that are numbers of entries.
SELECT rowid FROM entry WHERE rowid IN (SELECT value FROM json_each(:ids)) ORDER BY rowid

-- name: links_of_boxes
-- Whose mailboxes are those (JSON of numbers).
SELECT id, professional, structure FROM mailbox WHERE id IN (SELECT value FROM json_each(:ids))

-- name: boxes_from
-- Numbers of mailboxes from a number on.
SELECT id FROM mailbox WHERE id > :after ORDER BY id LIMIT :limit

-- name: boxes_by_address
-- Numbers of the mailboxes of an address.
SELECT id FROM mailbox WHERE lower(address) = :address ORDER BY id LIMIT :limit

-- name: boxes_by_address_start
-- Numbers of the mailboxes whose address begins so.
SELECT id FROM mailbox WHERE lower(address) >= :low AND lower(address) < :high ORDER BY lower(address) LIMIT :limit

-- name: boxes_of_professionals
-- Numbers of the mailboxes of some professionals (JSON).
SELECT id FROM mailbox WHERE professional IN (SELECT value FROM json_each(:ids)) ORDER BY id LIMIT :limit

-- name: boxes_of_structures
-- Numbers of the mailboxes of some structures (JSON).
SELECT id FROM mailbox WHERE structure IN (SELECT value FROM json_each(:ids)) ORDER BY id LIMIT :limit

-- name: professionals_named
-- Numbers of the professionals who are called exactly so, whatever the order of the names (JSON of keys).
SELECT id FROM professional WHERE name_key IN (SELECT value FROM json_each(:keys)) ORDER BY id LIMIT :limit

-- name: entries_named
-- Entries of the professionals whose names stand from :key on and before :high, in the order of the names, then of the
-- numbers; behind a place in it. has_box: mailboxes only.
SELECT coalesce(m.id, 4503599627370496 + p.id)
FROM professional p LEFT JOIN mailbox m ON m.professional = p.id
WHERE p.name_key >= :key AND p.name_key < :high
    AND (p.name_key > :key OR p.id > :holder OR (p.id = :holder AND m.id > :box))
    AND (m.id IS NOT NULL OR NOT :has_box)
ORDER BY p.name_key, p.id, m.id LIMIT :limit

-- name: named_holder
-- By which name the entry of a professional, or their mailbox, stands in that order.
SELECT name_key, id FROM professional WHERE id = coalesce((SELECT professional FROM mailbox WHERE id = :box), :holder)

-- name: professionals_from
-- Numbers of professionals from a number on.
SELECT id FROM professional WHERE id > :after ORDER BY id LIMIT :limit

-- name: structures_from
-- Numbers of structures from a number on.
SELECT id FROM structure WHERE id > :after ORDER BY id LIMIT :limit

-- name: situations_from
-- Numbers of situations from a number on.
SELECT id FROM situation WHERE id > :after ORDER BY id LIMIT :limit

-- name: structures_by_siret
-- Numbers of the structures with a SIRET number.
SELECT id FROM structure WHERE siret = :siret LIMIT :limit

-- name: candidates
-- What the ranking looks at, of mailboxes (JSON of numbers). has_left: situations are known, none is at that structure;
-- the + keeps the engine from looking at all the situations of a hospital.
SELECT m.id, m.professional, m.address, m.kind, m.words, m.is_red, m.rank,
    coalesce(p.name_key, ''), coalesce(p.joined, ''), coalesce(p.work, ''),
    coalesce(s.words, ''), coalesce(s.spot, ''), coalesce(s.department, ''), coalesce(s.postcode, ''),
    m.professional <> 0 AND m.structure <> 0
        AND EXISTS (SELECT 1 FROM situation t WHERE t.professional = m.professional)
        AND NOT EXISTS (SELECT 1 FROM situation t WHERE t.professional = m.professional AND +t.structure = m.structure)
FROM json_each(:ids) j JOIN mailbox m ON m.id = j.value
LEFT JOIN professional p ON p.id = m.professional LEFT JOIN structure s ON s.id = m.structure

-- name: candidate_people
-- What the ranking looks at, of professionals without mailbox (JSON of their own numbers).
SELECT p.id, p.name_key, p.joined, p.work,
    coalesce(s.words, ''), coalesce(s.spot, ''), coalesce(s.department, ''), coalesce(s.postcode, '')
FROM json_each(:ids) j JOIN professional p ON p.id = j.value
LEFT JOIN situation t ON t.id = (SELECT min(id) FROM situation WHERE professional = p.id)
LEFT JOIN structure s ON s.id = t.structure

-- name: candidate_places
-- What the ranking looks at, of structures without mailbox (JSON of their own numbers).
SELECT s.id, s.words, s.spot, s.department, s.postcode FROM json_each(:ids) j JOIN structure s ON s.id = j.value

-- name: boxes_whole
-- Mailboxes by number (JSON) with their professionals and structures, as in the two queries below.
SELECT m.id, m.address, m.kind, m.service, m.description, m.responsible, m.phone, m.is_red, m.is_paperless, m.rank,
    m.operator, m.changed_at,
    p.id, p.identifier, p.civility, p.family, p.given, p.profession, p.category, p.specialities,
    s.id, s.identifier, s.name, s.sign, s.complement, s.distribution, s.street, s.locality, s.postcode, s.town,
    s.department, s.country, s.kind, s.parent, s.siret, s.phone, s.category, s.latitude, s.longitude
FROM json_each(:ids) j JOIN mailbox m ON m.id = j.value
LEFT JOIN professional p ON p.id = m.professional LEFT JOIN structure s ON s.id = m.structure

-- name: professionals
-- Professionals by number (JSON).
SELECT p.id, p.identifier, p.civility, p.family, p.given, p.profession, p.category, p.specialities
FROM json_each(:ids) j JOIN professional p ON p.id = j.value

-- name: structures
-- Structures by number (JSON).
SELECT s.id, s.identifier, s.name, s.sign, s.complement, s.distribution, s.street, s.locality, s.postcode, s.town,
    s.department, s.country, s.kind, s.parent, s.siret, s.phone, s.category, s.latitude, s.longitude
FROM json_each(:ids) j JOIN structure s ON s.id = j.value

-- name: situations
-- Situations by number (JSON).
SELECT t.id, t.identifier, t.professional, t.structure, t.profession, t.mode, t.role
FROM json_each(:ids) j JOIN situation t ON t.id = j.value

-- name: situations_of_professionals
-- Numbers of the situations of some professionals (JSON).
SELECT id FROM situation WHERE professional IN (SELECT value FROM json_each(:ids)) ORDER BY id LIMIT :limit

-- name: situations_of_structures
-- Numbers of the situations in some structures (JSON).
SELECT id FROM situation WHERE structure IN (SELECT value FROM json_each(:ids)) ORDER BY id LIMIT :limit

-- name: count_rows
-- How much there is.
SELECT (SELECT count(*) FROM professional), (SELECT count(*) FROM structure), (SELECT count(*) FROM situation),
    (SELECT count(*) FROM mailbox)

-- name: imports
-- The last imports.
SELECT id, at, sources, lines, bad, report FROM import ORDER BY id DESC LIMIT :limit

-- name: bad_lines
-- Lines that an import left out.
SELECT source, line, reason, text FROM bad_line WHERE import_id = :import_id ORDER BY source, line LIMIT :limit

-- name: feed_after
-- What changed after a number.
SELECT seq, at, what, address, detail, who FROM feed WHERE seq > :after ORDER BY seq LIMIT :limit

-- name: add_feed
-- Write one change down.
INSERT INTO feed (at, what, address, detail, who) VALUES (:at, :what, :address, :detail, :who)

-- name: add_mailbox
-- Add a mailbox.
INSERT INTO mailbox (id, address, kind, professional, structure, service, description, responsible, phone, words, is_red,
    is_paperless, rank, operator, source, changed_at)
VALUES (:id, :address, :kind, :professional, :structure, :service, :description, :responsible, :phone, :words, :is_red,
    :is_paperless, :rank, :operator, 'change', :at)

-- name: put_mailbox
-- Put a whole mailbox, as another version has it.
INSERT INTO mailbox (id, address, kind, professional, structure, service, description, responsible, phone, words, is_red,
    is_paperless, rank, operator, source, changed_at)
VALUES (:id, :address, :kind, :professional, :structure, :service, :description, :responsible, :phone, :words, :is_red,
    :is_paperless, :rank, :operator, :source, :changed_at)

-- name: change_mailbox
-- Change what may change of a mailbox.
UPDATE mailbox SET is_red = :is_red, description = :description, service = :service, responsible = :responsible,
    rank = :rank, words = :words, changed_at = :at WHERE id = :id

-- name: remove_mailbox
-- Take a mailbox out.
DELETE FROM mailbox WHERE id = :id

-- name: has_box
-- Whether a professional has a mailbox.
SELECT 1 FROM mailbox WHERE professional = :professional LIMIT 1

-- name: has_own_box
-- Whether a structure has a mailbox of its own.
SELECT 1 FROM mailbox WHERE structure = :structure AND professional = 0 LIMIT 1

-- name: unindex
-- Take an entry out of the search.
DELETE FROM entry WHERE rowid = :entry_id

-- name: index_box
-- Put a mailbox into the search.
INSERT INTO entry (rowid, person, joined, work, house, place, address)
SELECT m.id, coalesce(p.name_key, ''), coalesce(p.joined, ''), coalesce(p.work, ''),
    coalesce(s.words || ' ', '') || m.words, coalesce(s.spot, ''), m.address
FROM mailbox m LEFT JOIN professional p ON p.id = m.professional LEFT JOIN structure s ON s.id = m.structure
WHERE m.id = :id

-- name: index_person
-- Put a professional without mailbox into the search.
INSERT INTO entry (rowid, person, joined, work, house, place, address)
SELECT :entry_id, p.name_key, p.joined, p.work, coalesce(s.words, ''), coalesce(s.spot, ''), ''
FROM professional p
LEFT JOIN situation t ON t.id = (SELECT min(id) FROM situation WHERE professional = p.id)
LEFT JOIN structure s ON s.id = t.structure
WHERE p.id = :id

-- name: index_place
-- Put a structure without mailbox into the search.
INSERT INTO entry (rowid, person, joined, work, house, place, address)
SELECT :entry_id, '', '', '', s.words, s.spot, '' FROM structure s WHERE s.id = :id

-- name: add_word
-- Add a word that is new.
INSERT INTO word (word, entries, is_place, is_shown) VALUES (:word, 1, 0, 1)

-- name: count_word
-- Count a word of a new entry that is known.
UPDATE word SET entries = entries + 1 WHERE word = :word

-- name: add_piece
-- Let the pieces of a new word be found.
INSERT INTO piece (rowid, word) SELECT id, word FROM word WHERE word = :word

-- name: operators
-- How many mailboxes each operator publishes.
SELECT operator, count(*) FROM mailbox GROUP BY operator ORDER BY operator
