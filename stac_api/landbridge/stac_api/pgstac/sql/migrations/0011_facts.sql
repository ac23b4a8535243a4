-- What summaries add up, one narrow row for each item; a month of five million items is counted in the index.
-- The rows are kept by a trigger on pgstac's items, which its partitions inherit, so by whatever way items are
-- written, pgstac's own Loader included.
CREATE TABLE landbridge.facts (
    collection bigint NOT NULL,  -- pgstac.collections.key
    id text NOT NULL,
    datetime timestamptz NOT NULL,
    created timestamptz,
    updated timestamptz,
    published timestamptz,
    bytes bigint NOT NULL,
    namespace text,  -- of blobs
    PRIMARY KEY (collection, id)
);
CREATE INDEX facts_datetime ON landbridge.facts (collection, datetime) INCLUDE (bytes);
-- Without these the planner takes each row for a group of its own, and counts with one core.
CREATE STATISTICS landbridge.facts_years ON (date_trunc('year', datetime AT TIME ZONE 'UTC')) FROM landbridge.facts;
CREATE STATISTICS landbridge.facts_quarters
    ON (date_trunc('quarter', datetime AT TIME ZONE 'UTC')) FROM landbridge.facts;
CREATE STATISTICS landbridge.facts_months ON (date_trunc('month', datetime AT TIME ZONE 'UTC')) FROM landbridge.facts;
CREATE STATISTICS landbridge.facts_weeks ON (date_trunc('week', datetime AT TIME ZONE 'UTC')) FROM landbridge.facts;
CREATE STATISTICS landbridge.facts_days ON (date_trunc('day', datetime AT TIME ZONE 'UTC')) FROM landbridge.facts;

-- What the items of a collection cover. A deletion at the edge leaves that to be found anew.
CREATE TABLE landbridge.extents (
    collection bigint PRIMARY KEY,
    west double precision NOT NULL,
    south double precision NOT NULL,
    east double precision NOT NULL,
    north double precision NOT NULL,
    start_datetime timestamptz NOT NULL,
    end_datetime timestamptz NOT NULL,
    stale boolean NOT NULL DEFAULT false
);

-- What the item_assets of a collection say that decides which assets are files, by the tag of the base item that
-- an item was stored against; 0 for none. A base item never changes, and whole it is read in a millisecond.
CREATE TABLE landbridge.bases (
    collection bigint NOT NULL,
    tag integer NOT NULL,
    assets jsonb NOT NULL,
    PRIMARY KEY (collection, tag)
);

CREATE FUNCTION landbridge.reduced(assets jsonb) RETURNS jsonb AS $$
    SELECT coalesce(jsonb_object_agg(asset.key, jsonb_strip_nulls(jsonb_build_object(
        'catalog:file_index', asset.value->'catalog:file_index',
        'roles', asset.value->'roles',
        'type', asset.value->'type',
        'bands', CASE WHEN EXISTS (
            SELECT FROM unnest(ARRAY['bands', 'eo:bands', 'raster:bands']) AS member
            WHERE jsonb_typeof(asset.value->member) = 'array' AND asset.value->member <> '[]'
        ) THEN '[true]'::jsonb END
    ))), '{}')
    FROM jsonb_each(CASE WHEN jsonb_typeof(assets) = 'object' THEN assets END) AS asset
    WHERE jsonb_typeof(asset.value) = 'object';
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- The size of an item's files: those with an index of ours, else its data assets (as in mappings/assets.py).
-- An asset says nothing that the collection's item_assets, `base`, say already.
CREATE FUNCTION landbridge.size_of(assets jsonb, base jsonb) RETURNS bigint AS $$
    WITH found AS (
        SELECT least(greatest(landbridge.number(whole->'file:size'), 0), 9e15) AS size,
               jsonb_typeof(whole->'catalog:file_index') = 'number' AS indexed,
               CASE WHEN jsonb_typeof(whole->'roles') = 'array' THEN whole->'roles' ELSE '[]' END AS roles,
               CASE WHEN jsonb_typeof(whole->'type') = 'string' AND whole->>'type' <> '𒍟※'
                   THEN lower(whole->>'type') ELSE '' END AS kind,
               lower(coalesce(whole->>'href', '')) AS href,
               EXISTS (
                   SELECT FROM unnest(ARRAY['bands', 'eo:bands', 'raster:bands']) AS member
                   WHERE jsonb_typeof(whole->member) = 'array' AND whole->member <> '[]'
               ) AS banded
        FROM jsonb_each(CASE WHEN jsonb_typeof(assets) = 'object' THEN assets END) AS asset,
             LATERAL (SELECT coalesce(base->asset.key, '{}') || asset.value AS whole) AS merged
        WHERE jsonb_typeof(asset.value) = 'object'
    ), judged AS (
        SELECT size, coalesce(indexed, false) AS indexed, CASE
            WHEN roles ?| ARRAY['thumbnail', 'overview'] THEN false
            WHEN banded THEN true
            WHEN kind <> '' THEN
                kind ~ '^(image/|application/(x-hdf|hdf|netcdf|x-netcdf|x-zarr|vnd\+zarr|vnd\.zarr))'
                AND (roles ? 'data' OR NOT EXISTS (SELECT FROM jsonb_array_elements(roles) AS role
                                                   WHERE jsonb_typeof(role) = 'string')
                     OR kind ~ 'tif|jp2')
            WHEN roles ? 'metadata' THEN false
            ELSE roles ? 'data' OR href ~ '\.(tif|tiff|jp2|img|hdf|h5|nc|zarr|vrt)$'
        END AS data
        FROM found
    )
    SELECT coalesce(CASE WHEN bool_or(indexed) THEN sum(trunc(size)) FILTER (WHERE indexed)
                         ELSE sum(trunc(size)) FILTER (WHERE data) END, 0)::bigint
    FROM judged;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- An item's row of facts.
CREATE FUNCTION landbridge.fact_of(item pgstac.items) RETURNS landbridge.facts AS $$
DECLARE
    fact landbridge.facts;
    properties jsonb := item.content->'properties';
    base_tag int := coalesce((item.content->>'pgstac:base_item')::int, 0);
    base jsonb;
BEGIN
    SELECT c.key, b.assets INTO fact.collection, base
    FROM pgstac.collections c LEFT JOIN landbridge.bases b ON b.collection = c.key AND b.tag = base_tag
    WHERE c.id = item.collection;
    fact.id := item.id;
    fact.datetime := item.datetime;
    fact.created := landbridge.instant(properties->'created');
    fact.updated := landbridge.instant(properties->'updated');
    fact.published := landbridge.instant(properties->'published');
    IF item.collection LIKE 'blobs:%' THEN
        fact.namespace := landbridge.string(properties->'catalog:namespace');
        fact.bytes := trunc(least(greatest(coalesce(
            landbridge.number(item.content->'assets'->'data'->'file:size'), 0), 0), 9e15))::bigint;
    ELSIF NOT item.content->'assets' @? '$.*."file:size"' THEN
        fact.bytes := 0;
    ELSE
        base := coalesce(base, landbridge.reduced(
            pgstac.collection_base_item(item.collection, nullif(base_tag, 0))->'assets'));
        fact.bytes := landbridge.size_of(item.content->'assets', base);
    END IF;
    RETURN fact;
END;
$$ LANGUAGE plpgsql STABLE;

CREATE FUNCTION landbridge.follow_item() RETURNS trigger AS $$
DECLARE
    fact landbridge.facts;
    owner bigint;
    base_tag int;
BEGIN
    IF TG_OP IN ('DELETE', 'UPDATE') THEN
        SELECT key INTO owner FROM pgstac.collections WHERE id = OLD.collection;
        IF TG_OP = 'DELETE' OR (NEW.collection, NEW.id) <> (OLD.collection, OLD.id) THEN
            DELETE FROM landbridge.facts WHERE collection = owner AND id = OLD.id;
        END IF;
        IF TG_OP = 'DELETE' OR NEW.collection <> OLD.collection OR NOT NEW.geometry = OLD.geometry
            OR (NEW.datetime, NEW.end_datetime) <> (OLD.datetime, OLD.end_datetime)
        THEN
            UPDATE landbridge.extents SET stale = true
            WHERE collection = owner AND NOT stale AND (
                (NOT ST_IsEmpty(OLD.geometry) AND (
                    ST_XMin(OLD.geometry) <= west OR ST_YMin(OLD.geometry) <= south
                    OR ST_XMax(OLD.geometry) >= east OR ST_YMax(OLD.geometry) >= north))
                OR OLD.datetime <= start_datetime OR OLD.end_datetime >= end_datetime
            );
        END IF;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    base_tag := coalesce((NEW.content->>'pgstac:base_item')::int, 0);

    -- One open ring would end every search near it with an error, for everybody.
    IF NOT ST_IsValid(NEW.geometry) THEN
        BEGIN
            PERFORM ST_Intersects(NEW.geometry, ST_Envelope(NEW.geometry));
        EXCEPTION WHEN internal_error THEN
            RAISE EXCEPTION 'The geometry of item % in collection % is none: %', NEW.id, NEW.collection, SQLERRM
                USING ERRCODE = 'invalid_parameter_value';
        END;
    END IF;
    INSERT INTO landbridge.bases
    SELECT key, base_tag, landbridge.reduced(
        pgstac.collection_base_item(NEW.collection, nullif(base_tag, 0))->'assets')
    FROM pgstac.collections c
    WHERE c.id = NEW.collection
        AND NOT EXISTS (SELECT FROM landbridge.bases b WHERE b.collection = c.key AND b.tag = base_tag)
    ON CONFLICT DO NOTHING;
    fact := landbridge.fact_of(NEW);
    INSERT INTO landbridge.facts SELECT fact.*
    ON CONFLICT (collection, id) DO UPDATE SET
        datetime = excluded.datetime, created = excluded.created, updated = excluded.updated,
        published = excluded.published, bytes = excluded.bytes, namespace = excluded.namespace;
    IF NOT ST_IsEmpty(NEW.geometry) AND NOT EXISTS (
        SELECT FROM landbridge.extents
        WHERE collection = fact.collection AND west <= ST_XMin(NEW.geometry) AND south <= ST_YMin(NEW.geometry)
            AND east >= ST_XMax(NEW.geometry) AND north >= ST_YMax(NEW.geometry)
            AND start_datetime <= NEW.datetime AND end_datetime >= NEW.end_datetime
    ) THEN
        INSERT INTO landbridge.extents AS e VALUES (
            fact.collection, ST_XMin(NEW.geometry), ST_YMin(NEW.geometry), ST_XMax(NEW.geometry),
            ST_YMax(NEW.geometry), NEW.datetime, NEW.end_datetime)
        ON CONFLICT (collection) DO UPDATE SET
            west = least(e.west, excluded.west), south = least(e.south, excluded.south),
            east = greatest(e.east, excluded.east), north = greatest(e.north, excluded.north),
            start_datetime = least(e.start_datetime, excluded.start_datetime),
            end_datetime = greatest(e.end_datetime, excluded.end_datetime);
    END IF;
    RETURN NEW;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pgstac, public;

CREATE TRIGGER landbridge_follow AFTER INSERT OR UPDATE OR DELETE ON pgstac.items
FOR EACH ROW EXECUTE FUNCTION landbridge.follow_item();

-- A deleted collection's partition is dropped, which no row's trigger sees.
CREATE FUNCTION landbridge.follow_collection() RETURNS trigger AS $$
BEGIN
    DELETE FROM landbridge.facts WHERE collection = OLD.key;
    DELETE FROM landbridge.extents WHERE collection = OLD.key;
    DELETE FROM landbridge.bases WHERE collection = OLD.key;
    RETURN OLD;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pgstac, public;

CREATE TRIGGER landbridge_follow AFTER DELETE ON pgstac.collections
FOR EACH ROW EXECUTE FUNCTION landbridge.follow_collection();

-- Nor a truncated one's.
CREATE FUNCTION landbridge.follow_truncation() RETURNS trigger AS $$
BEGIN
    TRUNCATE landbridge.facts, landbridge.extents;
    RETURN NULL;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pgstac, public;

CREATE TRIGGER landbridge_follow_truncation AFTER TRUNCATE ON pgstac.items
FOR EACH STATEMENT EXECUTE FUNCTION landbridge.follow_truncation();

-- Finds a collection's extent anew. Writers of its items are waited for and held up meanwhile: one that had not
-- ended yet would have its item left out.
CREATE FUNCTION landbridge.refresh_extent(owner bigint) RETURNS void AS $$
BEGIN
    IF to_regclass(format('pgstac._items_%s', owner)) IS NOT NULL THEN
        EXECUTE format('LOCK TABLE pgstac._items_%s IN SHARE MODE', owner);
    END IF;
    INSERT INTO landbridge.extents AS e
    SELECT owner, min(ST_XMin(i.geometry)), min(ST_YMin(i.geometry)), max(ST_XMax(i.geometry)),
           max(ST_YMax(i.geometry)), min(i.datetime), max(i.end_datetime)
    FROM pgstac.items i JOIN pgstac.collections c ON c.id = i.collection
    WHERE c.key = owner AND NOT ST_IsEmpty(i.geometry)
    HAVING count(*) > 0
    ON CONFLICT (collection) DO UPDATE SET
        west = excluded.west, south = excluded.south, east = excluded.east, north = excluded.north,
        start_datetime = excluded.start_datetime, end_datetime = excluded.end_datetime, stale = false;
    IF NOT FOUND THEN
        DELETE FROM landbridge.extents WHERE collection = owner;
    END IF;
END;
$$ LANGUAGE plpgsql;

INSERT INTO landbridge.facts SELECT (landbridge.fact_of(i)).* FROM pgstac.items i;
SELECT landbridge.refresh_extent(key) FROM pgstac.collections;
