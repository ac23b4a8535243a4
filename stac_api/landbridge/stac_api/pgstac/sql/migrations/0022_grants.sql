-- Who may do what with which collection: the strongest role that its lists give to each subject (as in
-- mappings/access.py). Kept by a trigger on pgstac's collections, so by whatever way they are written. What a
-- caller may see is one scan of the primary key.
CREATE TYPE landbridge.role AS ENUM ('reader', 'writer', 'owner');

CREATE TABLE landbridge.grants (
    subject text NOT NULL,
    collection text NOT NULL,
    role landbridge.role NOT NULL,
    PRIMARY KEY (subject, collection) INCLUDE (role)
);
CREATE INDEX grants_collection ON landbridge.grants (collection);

-- Addresses have no case.
CREATE FUNCTION landbridge.subject(written text) RETURNS text AS $$
    SELECT CASE WHEN written LIKE 'email:%' THEN landbridge.folded(written) ELSE written END;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- The subjects in the lists of a collection's document, or of a blob's properties. No caller answers to a text
-- that is longer than an index takes.
CREATE FUNCTION landbridge.granted(holder jsonb) RETURNS TABLE (subject text, role landbridge.role) AS $$
    SELECT landbridge.subject(entry #>> '{}'), max(list.role)
    FROM (VALUES ('catalog:owners', 'owner'::landbridge.role), ('catalog:writers', 'writer'),
                 ('catalog:readers', 'reader')) AS list (name, role),
         LATERAL jsonb_array_elements(landbridge.members(holder->list.name)) AS entry
    WHERE jsonb_typeof(entry) = 'string' AND octet_length(entry #>> '{}') <= 1000
    GROUP BY 1;
$$ LANGUAGE sql STABLE PARALLEL SAFE;

-- What of a list the subjects may see: owners all, others the entries that let them in.
CREATE FUNCTION landbridge.visible(list jsonb, owners jsonb, subjects text[]) RETURNS jsonb AS $$
    SELECT CASE WHEN landbridge.members(list) IS NULL OR landbridge.members(owners) ?| subjects THEN list
        ELSE coalesce((
            SELECT jsonb_agg(entry) FROM jsonb_array_elements(landbridge.members(list)) AS entry
            WHERE jsonb_typeof(entry) = 'string' AND landbridge.subject(entry #>> '{}') = ANY (subjects)
        ), '[]') END;
$$ LANGUAGE sql STABLE PARALLEL SAFE;

CREATE FUNCTION landbridge.follow_lists() RETURNS trigger AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.id = OLD.id
        AND NEW.content->'catalog:owners' IS NOT DISTINCT FROM OLD.content->'catalog:owners'
        AND NEW.content->'catalog:writers' IS NOT DISTINCT FROM OLD.content->'catalog:writers'
        AND NEW.content->'catalog:readers' IS NOT DISTINCT FROM OLD.content->'catalog:readers'
    THEN
        RETURN NULL;
    END IF;
    IF TG_OP IN ('DELETE', 'UPDATE') THEN
        DELETE FROM landbridge.grants WHERE collection = OLD.id;
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        INSERT INTO landbridge.grants SELECT g.subject, NEW.id, g.role FROM landbridge.granted(NEW.content) g;
    END IF;
    PERFORM pg_notify('landbridge_grants', '');
    RETURN NULL;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pgstac, public;

CREATE TRIGGER landbridge_lists AFTER INSERT OR UPDATE OR DELETE ON pgstac.collections
FOR EACH ROW EXECUTE FUNCTION landbridge.follow_lists();

CREATE FUNCTION landbridge.forget_lists() RETURNS trigger AS $$
BEGIN
    TRUNCATE landbridge.grants;
    PERFORM pg_notify('landbridge_grants', '');
    RETURN NULL;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pgstac, public;

CREATE TRIGGER landbridge_lists_truncation AFTER TRUNCATE ON pgstac.collections
FOR EACH STATEMENT EXECUTE FUNCTION landbridge.forget_lists();

INSERT INTO landbridge.grants
SELECT g.subject, c.id, g.role FROM pgstac.collections c, landbridge.granted(c.content) g;

-- Blobs have lists of their own: who may read each, and where its data is, which is read by that name. The rows
-- follow those of the facts, of which only blobs have a namespace; so writes of images do nothing more.
CREATE TABLE landbridge.blob_grants (
    collection bigint NOT NULL,  -- pgstac.collections.key
    id text NOT NULL,
    subjects text[] NOT NULL,
    href text,  -- of data in our store
    PRIMARY KEY (collection, id)
);
CREATE INDEX blob_grants_subjects ON landbridge.blob_grants USING gin (subjects);
CREATE INDEX blob_grants_href ON landbridge.blob_grants USING hash (href);

CREATE FUNCTION landbridge.blob_href(content jsonb) RETURNS text AS $$
    SELECT CASE WHEN content->'assets'->'data'->>'href' LIKE '/assets/%'
        THEN content->'assets'->'data'->>'href' END;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION landbridge.follow_blob() RETURNS trigger AS $$
DECLARE
    content jsonb;
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM landbridge.blob_grants WHERE collection = OLD.collection AND id = OLD.id;
        RETURN NULL;
    END IF;
    -- Its own partition, which no plan has to find among thousands.
    EXECUTE format('SELECT content FROM pgstac._items_%s WHERE id = $1', NEW.collection) INTO content USING NEW.id;
    INSERT INTO landbridge.blob_grants VALUES (
        NEW.collection, NEW.id,
        ARRAY(SELECT g.subject FROM landbridge.granted(content->'properties') g),
        landbridge.blob_href(content))
    ON CONFLICT (collection, id) DO UPDATE SET subjects = excluded.subjects, href = excluded.href;
    RETURN NULL;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pgstac, public;

CREATE TRIGGER landbridge_blob_made AFTER INSERT ON landbridge.facts
FOR EACH ROW WHEN (NEW.namespace IS NOT NULL) EXECUTE FUNCTION landbridge.follow_blob();
CREATE TRIGGER landbridge_blob_changed AFTER UPDATE ON landbridge.facts
FOR EACH ROW WHEN (NEW.namespace IS NOT NULL OR OLD.namespace IS NOT NULL)
EXECUTE FUNCTION landbridge.follow_blob();
CREATE TRIGGER landbridge_blob_deleted AFTER DELETE ON landbridge.facts
FOR EACH ROW WHEN (OLD.namespace IS NOT NULL) EXECUTE FUNCTION landbridge.follow_blob();

CREATE FUNCTION landbridge.forget_blobs() RETURNS trigger AS $$
BEGIN
    TRUNCATE landbridge.blob_grants;
    RETURN NULL;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pgstac, public;

CREATE TRIGGER landbridge_blobs_truncation AFTER TRUNCATE ON landbridge.facts
FOR EACH STATEMENT EXECUTE FUNCTION landbridge.forget_blobs();

INSERT INTO landbridge.blob_grants
SELECT c.key, i.id, ARRAY(SELECT g.subject FROM landbridge.granted(i.content->'properties') g),
       landbridge.blob_href(i.content)
FROM pgstac.items i JOIN pgstac.collections c ON c.id = i.collection
WHERE i.collection = ANY (ARRAY(SELECT id FROM pgstac.collections WHERE id LIKE 'blobs:%'))
    AND landbridge.string(i.content->'properties'->'catalog:namespace') IS NOT NULL;

-- Who began a deletion may see how it goes.
ALTER TABLE landbridge.blob_deletions ADD COLUMN username text;
