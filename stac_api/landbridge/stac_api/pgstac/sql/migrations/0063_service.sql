-- Deletions from the object store are held while a backup reads the database, until the time of the row.
CREATE TABLE landbridge.deletion_holds (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    reason text NOT NULL,
    expires timestamptz NOT NULL
);
COMMENT ON TABLE landbridge.deletion_holds IS
    'Holds on deletions from the object store, placed by backups.';
COMMENT ON COLUMN landbridge.deletion_holds.expires IS
    'The hold ends then, if its backup has died and does not renew it.';

CREATE TABLE landbridge.service (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    version text
);
COMMENT ON TABLE landbridge.service IS 'Identity of the service, and the version that migrated its database last.';
COMMENT ON COLUMN landbridge.service.id IS 'Also in the home of an embedded stack: a copied home is recognized by it.';
INSERT INTO landbridge.service DEFAULT VALUES;
