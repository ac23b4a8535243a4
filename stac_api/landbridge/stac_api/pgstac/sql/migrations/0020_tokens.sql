-- API tokens. Of the secret only its digest is kept: it is random and long, so no salt and no slow hash adds anything.
CREATE TABLE landbridge.tokens (
    id text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{16}$'),
    digest bytea NOT NULL CHECK (length(digest) = 32),
    label text NOT NULL,
    username text NOT NULL,
    org text,
    groups text[] NOT NULL,
    email text,
    rights text[] NOT NULL CHECK (rights <> '{}' AND rights <@ ARRAY['read', 'write']),
    created timestamptz NOT NULL DEFAULT now(),
    expires timestamptz,
    revoked timestamptz
);
