-- name: add_account
-- Add an account unless its login or its certificate is taken.
INSERT INTO account (login, login_key, kind, certificate, certificate_key, created_at)
VALUES (:login, :login_key, :kind, :certificate, :certificate_key, :created_at)
ON CONFLICT DO NOTHING
RETURNING account_id

-- name: account_by_login
-- The account of a login, active or not.
SELECT account_id, login, kind, certificate, active FROM account WHERE login_key = :login_key

-- name: account_by_certificate
-- The account that a certificate name signs in, active or not.
SELECT account_id, login, kind, certificate, active FROM account WHERE certificate_key = :certificate_key

-- name: set_account_active
-- Open or close an account.
UPDATE account SET active = :active WHERE account_id = :account_id RETURNING account_id

-- name: grant_right
-- Set what an account may do with a mailbox.
INSERT INTO account_right (account_id, mailbox_id, may_read, may_send)
VALUES (:account_id, :mailbox_id, :may_read, :may_send)
ON CONFLICT (account_id, mailbox_id) DO UPDATE SET may_read = excluded.may_read, may_send = excluded.may_send

-- name: list_members
-- The logins that may do anything with a mailbox for good, without its own account and without delegates.
SELECT a.login FROM account_right r JOIN account a ON a.account_id = r.account_id
JOIN mailbox m ON m.mailbox_id = r.mailbox_id
WHERE r.mailbox_id = :mailbox_id AND a.login_key <> m.address_key AND NOT EXISTS (SELECT 1 FROM delegation d
    WHERE d.mailbox_id = r.mailbox_id AND d.account_id = r.account_id AND d.state = 'running')
ORDER BY a.login_key LIMIT 1000

-- name: set_certificate
-- Change the certificate name of an account.
UPDATE account SET certificate = :certificate, certificate_key = :certificate_key WHERE account_id = :account_id
RETURNING account_id

-- name: list_rights
-- What an account may do with mailboxes that are neither suspended nor closed, sorted by address.
SELECT m.address, r.mailbox_id, r.may_read, r.may_send
FROM account_right r JOIN mailbox m ON m.mailbox_id = r.mailbox_id
WHERE r.account_id = :account_id AND m.state = 'active' ORDER BY m.address_key

-- name: add_credential
-- Add an application password by its keyed hash.
INSERT INTO credential (account_id, name, digest, created_at, scopes, until)
VALUES (:account_id, :name, :digest, :created_at, :scopes, :until)

-- name: credential_by_digest
-- The account and the credential of a keyed hash that is not revoked.
SELECT a.account_id, a.login, a.kind, a.certificate, a.active,
    c.credential_id, c.account_id, c.name, c.created_at, c.revoked_at, c.last_used_at, c.scopes, c.until
FROM credential c JOIN account a ON a.account_id = c.account_id
WHERE c.digest = :digest AND c.revoked_at IS NULL

-- name: list_credentials
-- The credentials of an account, oldest first.
SELECT credential_id, account_id, name, created_at, revoked_at, last_used_at, scopes, until
FROM credential WHERE account_id = :account_id ORDER BY credential_id

-- name: revoke_credential
-- Revoke a credential, once.
UPDATE credential SET revoked_at = :revoked_at WHERE credential_id = :credential_id AND revoked_at IS NULL
RETURNING credential_id

-- name: touch_credential
-- Note the last use of a credential.
UPDATE credential SET last_used_at = :last_used_at WHERE credential_id = :credential_id

-- name: accounts_of_person
-- The accounts of the personal mailboxes that are in service for a national number, oldest first.
SELECT a.account_id, a.login, a.kind, a.certificate, a.active
FROM mailbox m JOIN account_right r ON r.mailbox_id = m.mailbox_id
JOIN account a ON a.account_id = r.account_id AND a.login_key = m.address_key
WHERE m.kind = 'PER' AND m.state = 'active' AND m.identifier = :identifier ORDER BY m.mailbox_id LIMIT 20
