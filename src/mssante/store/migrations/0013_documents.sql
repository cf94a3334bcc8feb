-- Health documents in messages, read with the index of the message and made anew with it: about whom, what, when.

-- place counts the documents of a message from 1. document and replaces: root^extension of the CDA; set_id the same of
-- its family of versions. patient: INS matricule, '' for none. worst: the worst finding, '' for none.
CREATE TABLE document (
    message_id INTEGER NOT NULL,
    place INTEGER NOT NULL,
    document TEXT NOT NULL,
    set_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    replaces TEXT NOT NULL,
    code TEXT NOT NULL,
    label TEXT NOT NULL,
    title TEXT NOT NULL,
    patient TEXT NOT NULL,
    patient_name TEXT NOT NULL,
    patient_key TEXT NOT NULL,
    birth TEXT NOT NULL,
    created TEXT NOT NULL,
    author TEXT NOT NULL,
    worst TEXT NOT NULL,
    PRIMARY KEY (message_id, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX document_patient ON document (patient) WHERE patient <> '';

CREATE TRIGGER message_documents_gone AFTER DELETE ON message
BEGIN
    DELETE FROM document WHERE message_id = old.message_id;
END;
