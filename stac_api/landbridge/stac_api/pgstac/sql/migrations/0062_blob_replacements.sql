-- An upload of a blob may replace the blob that has its id.
ALTER TABLE landbridge.blob_uploads
    ADD COLUMN overwrite boolean NOT NULL DEFAULT false,
    ADD COLUMN subjects text[];
COMMENT ON COLUMN landbridge.blob_uploads.overwrite IS 'The upload replaces a blob of the same id.';
COMMENT ON COLUMN landbridge.blob_uploads.subjects IS
    'Subjects of the caller, one of which must own the blob that is replaced; NULL for an operator.';
