-- Whether the MD5 of what an upload has committed is still to be worked out, which a job does for large data.
ALTER TABLE landbridge.blob_uploads ADD COLUMN hash_due boolean NOT NULL DEFAULT false;
CREATE INDEX blob_uploads_hash_due ON landbridge.blob_uploads (committed) WHERE hash_due;
