-- Notifications of new images: where they go, who asked for which, and what is left to deliver.

CREATE TABLE landbridge.notification_destinations (
    id text PRIMARY KEY,
    username text NOT NULL,
    operator boolean NOT NULL,
    url text NOT NULL,
    headers jsonb NOT NULL DEFAULT '{}',
    secret bytea NOT NULL,
    properties jsonb NOT NULL DEFAULT '{}',
    created timestamptz NOT NULL DEFAULT now(),
    modified timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX notification_destinations_user ON landbridge.notification_destinations (username);
COMMENT ON TABLE landbridge.notification_destinations IS 'Addresses to which notifications are sent.';
COMMENT ON COLUMN landbridge.notification_destinations.operator IS
    'An operator made it; no user of the same name owns it.';
COMMENT ON COLUMN landbridge.notification_destinations.headers IS
    'Headers sent with each request; their values are secrets.';
COMMENT ON COLUMN landbridge.notification_destinations.secret IS 'Key of the signatures; no answer shows it again.';

CREATE TABLE landbridge.notification_subscriptions (
    id text PRIMARY KEY,
    key bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    username text NOT NULL,
    operator boolean NOT NULL,
    subjects text[] NOT NULL,
    credential text,
    trusted_until timestamptz,
    products text[] NOT NULL,
    geometry jsonb,
    filter jsonb,
    destination_id text NOT NULL REFERENCES landbridge.notification_destinations,
    base_url text NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    expires timestamptz,
    suspended text,
    properties jsonb NOT NULL DEFAULT '{}',
    created timestamptz NOT NULL DEFAULT now(),
    modified timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX notification_subscriptions_user ON landbridge.notification_subscriptions (username);
CREATE INDEX notification_subscriptions_destination ON landbridge.notification_subscriptions (destination_id);
COMMENT ON TABLE landbridge.notification_subscriptions IS 'Requests to be notified of new images of products.';
COMMENT ON COLUMN landbridge.notification_subscriptions.key IS 'Part of the ids of events; never used again.';
COMMENT ON COLUMN landbridge.notification_subscriptions.operator IS
    'An operator made it, so it sees all images; no user of the same name owns it.';
COMMENT ON COLUMN landbridge.notification_subscriptions.subjects IS
    'Entries of access lists that match the owner, as of the owner''s last change.';
COMMENT ON COLUMN landbridge.notification_subscriptions.credential IS
    'The API token of the owner''s last change; nothing is sent once it is revoked or has expired.';
COMMENT ON COLUMN landbridge.notification_subscriptions.trusted_until IS
    'Time until which claims of an OpenID Connect token count; the owner''s next change renews it.';
COMMENT ON COLUMN landbridge.notification_subscriptions.filter IS 'CQL2 JSON.';
COMMENT ON COLUMN landbridge.notification_subscriptions.base_url IS 'Address of the API in links.';
COMMENT ON COLUMN landbridge.notification_subscriptions.suspended IS
    'Why the server sends nothing, until the owner''s next change.';

CREATE TABLE landbridge.notification_cursors (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscription_id text NOT NULL REFERENCES landbridge.notification_subscriptions ON DELETE CASCADE,
    collection text NOT NULL,
    after_image bigint NOT NULL,
    position bigint NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    next_attempt timestamptz,
    last_error text,
    last_delivered timestamptz,
    UNIQUE (subscription_id, collection)
);
CREATE INDEX notification_cursors_collection ON landbridge.notification_cursors (collection);
COMMENT ON TABLE landbridge.notification_cursors IS
    'Progress of each active subscription in each of its products. New images of other products are not recorded.';
COMMENT ON COLUMN landbridge.notification_cursors.after_image IS 'new_images.id at the start; older images are not sent.';
COMMENT ON COLUMN landbridge.notification_cursors.position IS 'new_images.position up to which all is delivered.';
COMMENT ON COLUMN landbridge.notification_cursors.attempts IS 'Failed attempts at the next image.';

CREATE TABLE landbridge.new_images (
    id bigint GENERATED ALWAYS AS IDENTITY,
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    collection text NOT NULL,
    item text NOT NULL,
    deleted boolean NOT NULL DEFAULT false,
    created timestamptz NOT NULL DEFAULT now(),
    position bigint
);
CREATE SEQUENCE landbridge.new_image_positions;
CREATE INDEX new_images_unordered ON landbridge.new_images (collection, transaction_id) WHERE position IS NULL;
CREATE UNIQUE INDEX new_images_position ON landbridge.new_images (collection, position) WHERE position IS NOT NULL;
COMMENT ON TABLE landbridge.new_images IS
    'New images of products with a subscription, written by a trigger in the transaction of the image.';
COMMENT ON COLUMN landbridge.new_images.deleted IS
    'An image was deleted: one of the same id that its transaction stores later is not new.';
COMMENT ON COLUMN landbridge.new_images.position IS
    'Place in the order of delivery; NULL while a transaction that began earlier may still add images.';

CREATE TABLE landbridge.dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscription_id text NOT NULL REFERENCES landbridge.notification_subscriptions ON DELETE CASCADE,
    collection text NOT NULL,
    item text NOT NULL,
    image bigint NOT NULL,
    position bigint NOT NULL,
    created timestamptz NOT NULL,
    attempts integer NOT NULL,
    error text NOT NULL,
    failed timestamptz NOT NULL DEFAULT now(),
    retry boolean NOT NULL DEFAULT false,
    UNIQUE (subscription_id, image)
);
CREATE INDEX dead_letters_retry ON landbridge.dead_letters (subscription_id, collection) WHERE retry;
CREATE INDEX dead_letters_failed ON landbridge.dead_letters (failed);
COMMENT ON TABLE landbridge.dead_letters IS 'Notifications that were given up.';
COMMENT ON COLUMN landbridge.dead_letters.image IS 'new_images.id';
COMMENT ON COLUMN landbridge.dead_letters.created IS 'Time at which the image was stored.';
COMMENT ON COLUMN landbridge.dead_letters.retry IS 'The owner asked for another attempt.';
