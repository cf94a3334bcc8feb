-- One file of the directory. An import makes a new one; nothing in it is migrated.
-- Numbers of professionals, structures and situations come from their identifiers (numbers.py): the same in each file.

-- profession, category, mode, role: the code, a space, its label. specialities: such codes, | between them.
-- name_key: family and given name as they are compared; joined: compound
-- names in one word; work: labels of profession and specialities as they are compared.
CREATE TABLE professional (
    id INTEGER PRIMARY KEY,
    identifier TEXT NOT NULL,
    civility TEXT NOT NULL,
    family TEXT NOT NULL,
    given TEXT NOT NULL,
    name_key TEXT NOT NULL,
    joined TEXT NOT NULL,
    profession TEXT NOT NULL,
    category TEXT NOT NULL,
    specialities TEXT NOT NULL,
    work TEXT NOT NULL,
    changed_at INTEGER
);

-- words: names and their usual short forms as they are compared; spot: town, postcode, and dep and the departement.
CREATE TABLE structure (
    id INTEGER PRIMARY KEY,
    identifier TEXT NOT NULL,
    name TEXT NOT NULL,
    sign TEXT NOT NULL,
    words TEXT NOT NULL,
    spot TEXT NOT NULL,
    complement TEXT NOT NULL,
    distribution TEXT NOT NULL,
    street TEXT NOT NULL,
    locality TEXT NOT NULL,
    postcode TEXT NOT NULL,
    town TEXT NOT NULL,
    department TEXT NOT NULL,
    country TEXT NOT NULL,
    kind TEXT NOT NULL,
    parent TEXT NOT NULL,
    siret TEXT NOT NULL,
    phone TEXT NOT NULL,
    category TEXT NOT NULL,
    latitude REAL,
    longitude REAL,
    changed_at INTEGER
);

CREATE TABLE situation (
    id INTEGER PRIMARY KEY,
    identifier TEXT NOT NULL,
    professional INTEGER NOT NULL,
    structure INTEGER NOT NULL,
    profession TEXT NOT NULL,
    mode TEXT NOT NULL,
    role TEXT NOT NULL
);

-- source: extraction (a file told of it) or change (an operator did); kind: PER, ORG, APP, CAB.
CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY,
    address TEXT NOT NULL,
    kind TEXT NOT NULL,
    professional INTEGER NOT NULL,
    structure INTEGER NOT NULL,
    service TEXT NOT NULL,
    description TEXT NOT NULL,
    responsible TEXT NOT NULL,
    phone TEXT NOT NULL,
    words TEXT NOT NULL,
    is_red INTEGER NOT NULL,
    is_paperless INTEGER,
    rank INTEGER,
    operator TEXT NOT NULL,
    source TEXT NOT NULL,
    changed_at INTEGER
);

-- What changed, one row a change; detail is JSON with the names of what changed and their new values.
CREATE TABLE feed (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    what TEXT NOT NULL,
    address TEXT NOT NULL,
    detail TEXT NOT NULL,
    who TEXT NOT NULL
);

CREATE TABLE import (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    sources TEXT NOT NULL,
    lines INTEGER NOT NULL,
    bad INTEGER NOT NULL,
    report TEXT NOT NULL
);

CREATE TABLE bad_line (import_id INTEGER NOT NULL, source TEXT NOT NULL, line INTEGER NOT NULL, reason TEXT NOT NULL, text TEXT NOT NULL);
