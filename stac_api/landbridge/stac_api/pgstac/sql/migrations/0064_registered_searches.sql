-- Searches whose images are map layers: a layer's URL has the id of its search.

CREATE TABLE landbridge.registered_searches (
    id text PRIMARY KEY,
    search jsonb NOT NULL,
    username text NOT NULL,
    operator boolean NOT NULL,
    created timestamptz NOT NULL DEFAULT now(),
    last_used timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX registered_searches_user ON landbridge.registered_searches (username, last_used);
CREATE INDEX registered_searches_last_used ON landbridge.registered_searches (last_used);
COMMENT ON TABLE landbridge.registered_searches IS
    'Searches whose images are map layers. They hold conditions only: each caller sees the images that it can read.';
COMMENT ON COLUMN landbridge.registered_searches.id IS 'Hash of the owner and the search.';
COMMENT ON COLUMN landbridge.registered_searches.operator IS
    'An operator registered it; no user of the same name owns it.';
COMMENT ON COLUMN landbridge.registered_searches.last_used IS
    'Day of the last use, at which the least recently used are dropped.';
