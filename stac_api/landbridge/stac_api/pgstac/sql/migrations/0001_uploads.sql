CREATE TABLE landbridge.uploads (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id text NOT NULL,
    image_id text NOT NULL,
    username text NOT NULL,
    status text NOT NULL DEFAULT 'transferring'
        CHECK (status IN ('transferring', 'pending', 'running', 'success', 'failure', 'canceled')),
    item jsonb NOT NULL,
    options jsonb NOT NULL DEFAULT '{}',
    files jsonb NOT NULL DEFAULT '[]',
    overwrite boolean NOT NULL DEFAULT false,
    created timestamptz NOT NULL DEFAULT now(),
    modified timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX uploads_product ON landbridge.uploads (product_id, id);
CREATE INDEX uploads_image ON landbridge.uploads (image_id);
CREATE INDEX uploads_unfinished ON landbridge.uploads (status)
    WHERE status IN ('transferring', 'pending', 'running');

CREATE TABLE landbridge.upload_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    upload_id bigint NOT NULL REFERENCES landbridge.uploads (id) ON DELETE CASCADE,
    event_datetime timestamptz NOT NULL DEFAULT clock_timestamp(),
    component text NOT NULL,
    component_id text NOT NULL,
    event_type text NOT NULL
        CHECK (event_type IN ('queue', 'cancel', 'run', 'complete', 'error', 'timeout', 'log', 'usage')),
    severity text NOT NULL
        CHECK (severity IN ('CRITICAL', 'ERROR', 'WARNING', 'INFO', 'DEBUG')),
    message text NOT NULL
);
CREATE INDEX upload_events_upload ON landbridge.upload_events (upload_id, id);
