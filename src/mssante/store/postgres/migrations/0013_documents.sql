-- Health documents in messages, read with the index of the message and made anew with it: about whom, what, when.
-- works with: 9

-- place counts the documents of a message from 1. document and replaces: root^extension of the CDA; set_id the same of
-- its family of versions. patient: INS matricule, '' for none. worst: the worst finding, '' for none.
CREATE TABLE document (
    message_id bigint NOT NULL,
    place bigint NOT NULL,
    document text COLLATE "C" NOT NULL,
    set_id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    replaces text COLLATE "C" NOT NULL,
    code text COLLATE "C" NOT NULL,
    label text COLLATE "C" NOT NULL,
    title text COLLATE "C" NOT NULL,
    patient text COLLATE "C" NOT NULL,
    patient_name text COLLATE "C" NOT NULL,
    patient_key text COLLATE "C" NOT NULL,
    birth text COLLATE "C" NOT NULL,
    created text COLLATE "C" NOT NULL,
    author text COLLATE "C" NOT NULL,
    worst text COLLATE "C" NOT NULL,
    PRIMARY KEY (message_id, place)
);

CREATE INDEX document_patient ON document (patient) WHERE patient <> '';

CREATE FUNCTION forget_documents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM document WHERE message_id = old.message_id;
    RETURN NULL;
END $$;

CREATE TRIGGER message_documents_gone AFTER DELETE ON message FOR EACH ROW EXECUTE FUNCTION forget_documents();
