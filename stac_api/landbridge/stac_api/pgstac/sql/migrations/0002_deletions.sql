CREATE TABLE landbridge.deletions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product_id text NOT NULL,
    status text NOT NULL DEFAULT 'RUNNING' CHECK (status IN ('RUNNING', 'SUCCESS', 'FAILURE')),
    start_datetime timestamptz NOT NULL DEFAULT now(),
    end_datetime timestamptz,
    objects_deleted bigint NOT NULL DEFAULT 0,
    errors jsonb NOT NULL DEFAULT '[]'
);
CREATE INDEX deletions_product ON landbridge.deletions (product_id, id);
CREATE UNIQUE INDEX deletions_running ON landbridge.deletions (product_id) WHERE status = 'RUNNING';
