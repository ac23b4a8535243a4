-- What the store no longer needs, or will not need from a time on unless a row is taken back: written before
-- an object is, and in the transaction that makes an object superfluous, so that whatever dies in between
-- leaves nothing in the store that is not found here. A path that ends in a slash is all below it.
CREATE TABLE landbridge.discards (
    path text PRIMARY KEY,
    upload_id bigint,
    due timestamptz NOT NULL DEFAULT now(),
    -- What was put for an upload may still arrive after it was deleted: a request that the client had given up.
    emptied timestamptz
);
CREATE INDEX discards_due ON landbridge.discards (due);
CREATE INDEX discards_upload ON landbridge.discards (upload_id) WHERE upload_id IS NOT NULL;
CREATE INDEX uploads_ended ON landbridge.uploads (modified) WHERE status IN ('success', 'failure', 'canceled');
