-- Access lists in tables, kept by triggers: `grants` for collections, `blob_grants` for blobs.

-- Normalize a subject of an access list: email addresses ignore case.
CREATE OR REPLACE FUNCTION landbridge.normalize_subject(subject text) RETURNS text AS $$
    SELECT CASE WHEN subject LIKE 'email:%' THEN landbridge.fold_case(subject) ELSE subject END;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- Return the subjects in the access lists of a collection's document, or of a blob's properties, each with its
-- strongest role. Entries that are too long for an index are left out: no caller has such a subject.
CREATE OR REPLACE FUNCTION landbridge.listed_subjects(document jsonb)
RETURNS TABLE (subject text, role landbridge.role) AS $$
    SELECT landbridge.normalize_subject(entry #>> '{}'), max(list.role)
    FROM (VALUES ('catalog:owners', 'owner'::landbridge.role), ('catalog:writers', 'writer'),
                 ('catalog:readers', 'reader')) AS list (name, role),
         LATERAL jsonb_array_elements(landbridge.as_array(document->list.name)) AS entry
    WHERE jsonb_typeof(entry) = 'string' AND octet_length(entry #>> '{}') <= 1000
    GROUP BY 1;
$$ LANGUAGE sql STABLE PARALLEL SAFE;

-- Return the entries of an access list that a caller may see: owners all, others their own.
CREATE OR REPLACE FUNCTION landbridge.visible_entries(list jsonb, owners jsonb, subjects text[]) RETURNS jsonb AS $$
    SELECT CASE WHEN landbridge.as_array(list) IS NULL OR landbridge.as_array(owners) ?| subjects THEN list
        ELSE coalesce((
            SELECT jsonb_agg(entry) FROM jsonb_array_elements(landbridge.as_array(list)) AS entry
            WHERE jsonb_typeof(entry) = 'string' AND landbridge.normalize_subject(entry #>> '{}') = ANY (subjects)
        ), '[]') END;
$$ LANGUAGE sql STABLE PARALLEL SAFE;

CREATE OR REPLACE FUNCTION landbridge.update_grants() RETURNS trigger AS $$
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
        INSERT INTO landbridge.grants SELECT s.subject, NEW.id, s.role FROM landbridge.listed_subjects(NEW.content) s;
    END IF;
    PERFORM pg_notify('landbridge_grants', '');
    RETURN NULL;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pgstac, public;

CREATE OR REPLACE TRIGGER landbridge_grants AFTER INSERT OR UPDATE OR DELETE ON pgstac.collections
FOR EACH ROW EXECUTE FUNCTION landbridge.update_grants();

CREATE OR REPLACE FUNCTION landbridge.truncate_grants() RETURNS trigger AS $$
BEGIN
    TRUNCATE landbridge.grants;
    PERFORM pg_notify('landbridge_grants', '');
    RETURN NULL;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pgstac, public;

CREATE OR REPLACE TRIGGER landbridge_grants_truncate AFTER TRUNCATE ON pgstac.collections
FOR EACH STATEMENT EXECUTE FUNCTION landbridge.truncate_grants();

-- The href of a blob's data in our store, NULL if the data lies elsewhere.
CREATE OR REPLACE FUNCTION landbridge.blob_href(content jsonb) RETURNS text AS $$
    SELECT CASE WHEN content->'assets'->'data'->>'href' LIKE '/assets/%'
        THEN content->'assets'->'data'->>'href' END;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- Follows the rows of `item_stats`, in which only blobs have a namespace: writes of images cost nothing more.
CREATE OR REPLACE FUNCTION landbridge.update_blob_grants() RETURNS trigger AS $$
DECLARE
    content jsonb;
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM landbridge.blob_grants WHERE collection_key = OLD.collection_key AND id = OLD.id;
        RETURN NULL;
    END IF;
    -- Reads the collection's own partition, so that the planner need not look at thousands.
    EXECUTE format('SELECT content FROM pgstac._items_%s WHERE id = $1', NEW.collection_key) INTO content USING NEW.id;
    INSERT INTO landbridge.blob_grants VALUES (
        NEW.collection_key, NEW.id,
        ARRAY(SELECT s.subject FROM landbridge.listed_subjects(content->'properties') s),
        landbridge.blob_href(content))
    ON CONFLICT (collection_key, id) DO UPDATE SET subjects = excluded.subjects, href = excluded.href;
    RETURN NULL;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pgstac, public;

CREATE OR REPLACE TRIGGER landbridge_blob_grants_insert AFTER INSERT ON landbridge.item_stats
FOR EACH ROW WHEN (NEW.namespace IS NOT NULL) EXECUTE FUNCTION landbridge.update_blob_grants();
CREATE OR REPLACE TRIGGER landbridge_blob_grants_update AFTER UPDATE ON landbridge.item_stats
FOR EACH ROW WHEN (NEW.namespace IS NOT NULL OR OLD.namespace IS NOT NULL)
EXECUTE FUNCTION landbridge.update_blob_grants();
CREATE OR REPLACE TRIGGER landbridge_blob_grants_delete AFTER DELETE ON landbridge.item_stats
FOR EACH ROW WHEN (OLD.namespace IS NOT NULL) EXECUTE FUNCTION landbridge.update_blob_grants();

CREATE OR REPLACE FUNCTION landbridge.truncate_blob_grants() RETURNS trigger AS $$
BEGIN
    TRUNCATE landbridge.blob_grants;
    RETURN NULL;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pgstac, public;

CREATE OR REPLACE TRIGGER landbridge_blob_grants_truncate AFTER TRUNCATE ON landbridge.item_stats
FOR EACH STATEMENT EXECUTE FUNCTION landbridge.truncate_blob_grants();
