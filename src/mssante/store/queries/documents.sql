-- name: add_document
-- Keep what was read of one document of a message.
INSERT INTO document (message_id, place, document, set_id, version, replaces, code, label, title, patient, patient_name,
    patient_key, birth, created, author, worst)
VALUES (:message_id, :place, :document, :set_id, :version, :replaces, :code, :label, :title, :patient, :patient_name,
    :patient_key, :birth, :created, :author, :worst)
ON CONFLICT (message_id, place) DO NOTHING

-- name: documents_of_mailbox
-- Documents that a mailbox holds, the last ones first, of a patient when one is given: by matricule, or by the beginning
-- of the folded name.
SELECT DISTINCT d.message_id, d.place, d.document, d.set_id, d.version, d.replaces, d.code, d.label, d.title, d.patient,
    d.patient_name, d.birth, d.created, d.author, d.worst, m.reference, m.received_at
FROM document d JOIN message m ON m.message_id = d.message_id
WHERE EXISTS (SELECT 1 FROM filed f WHERE f.message_id = d.message_id AND f.mailbox_id = :mailbox_id)
    AND (:patient = '' OR d.patient = :patient OR (:patient_key <> '' AND instr(d.patient_key, :patient_key) = 1))
ORDER BY d.message_id DESC, d.place LIMIT :limit
