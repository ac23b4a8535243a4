CREATE TABLE landbridge.blob_uploads (
    id uuid PRIMARY KEY,
    item jsonb NOT NULL,
    username text NOT NULL,
    -- Where data was begun to be put; all but the one that became the blob's is to be deleted some day.
    paths text[] NOT NULL DEFAULT '{}',
    committed text,
    modified timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX blob_uploads_modified ON landbridge.blob_uploads (modified);

CREATE TABLE landbridge.blob_deletions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ids text[] NOT NULL,
    paths text[] NOT NULL,
    status text NOT NULL DEFAULT 'RUNNING' CHECK (status IN ('RUNNING', 'SUCCESS', 'FAILURE')),
    start_datetime timestamptz NOT NULL DEFAULT now(),
    end_datetime timestamptz,
    errors text[] NOT NULL DEFAULT '{}'
);
CREATE INDEX blob_deletions_running ON landbridge.blob_deletions (start_datetime) WHERE status = 'RUNNING';
