-- A store on its way to another engine: which of both may be opened, and the large bodies that are there already.
-- works with: 9

-- One row at most. state: 'arriving', this is the unfinished copy of other; 'left', this has moved to other.
CREATE TABLE copying (
    one bigint PRIMARY KEY CHECK (one = 1),
    state text COLLATE "C" NOT NULL,
    other text COLLATE "C" NOT NULL
);

-- A program that had it open before it moved must not write here any more; each transaction notes its turn first.
CREATE FUNCTION refuse_when_left() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM copying WHERE state = 'left') THEN
        RAISE EXCEPTION 'ce magasin a été déplacé vers % : prenez la configuration de celui-ci',
            (SELECT other FROM copying WHERE state = 'left');
    END IF;
    RETURN new;
END $$;

CREATE TRIGGER writer_after_move BEFORE INSERT OR UPDATE ON store_writer
FOR EACH ROW EXECUTE FUNCTION refuse_when_left();

-- Bodies that were copied here and read back.
CREATE TABLE copied_body (
    sha256 bytea PRIMARY KEY,
    path text COLLATE "C" NOT NULL
);
