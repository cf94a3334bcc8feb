-- A store on its way to another engine: which of both may be opened, and the large bodies that are there already.

-- One row at most. state: 'arriving', this is the unfinished copy of other; 'left', this has moved to other.
CREATE TABLE copying (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    state TEXT NOT NULL,
    other TEXT NOT NULL
) STRICT;

-- Bodies that were copied here and read back.
CREATE TABLE copied_body (
    sha256 BLOB PRIMARY KEY,
    path TEXT NOT NULL
) STRICT, WITHOUT ROWID;
