-- `item_stats` and `extents`, kept by triggers on pgstac's `items`. Its partitions inherit those for each row, so
-- every writer keeps them current, pgstac's own Loader included. Our bulk loads have a faster one, for a statement.

-- Return the members of item_assets that decide which assets are files of the image, for `base_item_assets`.
CREATE OR REPLACE FUNCTION landbridge.size_members(assets jsonb) RETURNS jsonb AS $$
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

-- Return the size of an item's files: of the assets with a file index, or else of the data assets (the rules of
-- mappings/assets.py). `base` is the collection's row of `base_item_assets`: an asset leaves out what that says.
CREATE OR REPLACE FUNCTION landbridge.files_size(assets jsonb, base jsonb) RETURNS bigint AS $$
    WITH found AS (
        SELECT least(greatest(landbridge.as_number(whole->'file:size'), 0), 9e15) AS size,
               jsonb_typeof(whole->'catalog:file_index') = 'number' AS has_index,
               CASE WHEN jsonb_typeof(whole->'roles') = 'array' THEN whole->'roles' ELSE '[]' END AS roles,
               CASE WHEN jsonb_typeof(whole->'type') = 'string' AND whole->>'type' <> '𒍟※'
                   THEN lower(whole->>'type') ELSE '' END AS media_type,
               lower(coalesce(whole->>'href', '')) AS href,
               EXISTS (
                   SELECT FROM unnest(ARRAY['bands', 'eo:bands', 'raster:bands']) AS member
                   WHERE jsonb_typeof(whole->member) = 'array' AND whole->member <> '[]'
               ) AS has_bands
        FROM jsonb_each(CASE WHEN jsonb_typeof(assets) = 'object' THEN assets END) AS asset,
             LATERAL (SELECT coalesce(base->asset.key, '{}') || asset.value AS whole) AS merged
        WHERE jsonb_typeof(asset.value) = 'object'
    ), classified AS (
        SELECT size, coalesce(has_index, false) AS has_index, CASE
            WHEN roles ?| ARRAY['thumbnail', 'overview'] THEN false
            WHEN has_bands THEN true
            WHEN media_type <> '' THEN
                media_type ~ '^(image/|application/(x-hdf|hdf|netcdf|x-netcdf|x-zarr|vnd\+zarr|vnd\.zarr))'
                AND (roles ? 'data' OR NOT EXISTS (SELECT FROM jsonb_array_elements(roles) AS role
                                                   WHERE jsonb_typeof(role) = 'string')
                     OR media_type ~ 'tif|jp2')
            WHEN roles ? 'metadata' THEN false
            ELSE roles ? 'data' OR href ~ '\.(tif|tiff|jp2|img|hdf|h5|nc|zarr|vrt)$'
        END AS is_data
        FROM found
    )
    SELECT coalesce(CASE WHEN bool_or(has_index) THEN sum(trunc(size)) FILTER (WHERE has_index)
                         ELSE sum(trunc(size)) FILTER (WHERE is_data) END, 0)::bigint
    FROM classified;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- Return the size of an item's files by the rules of files_size. Assets with a file index are summed without a
-- look at their types: that halves the cost in a bulk load.
CREATE OR REPLACE FUNCTION landbridge.item_bytes(content jsonb, base jsonb, is_blob boolean) RETURNS bigint AS $$
DECLARE
    assets jsonb := CASE WHEN jsonb_typeof(content->'assets') = 'object' THEN content->'assets' END;
    total double precision;
BEGIN
    IF is_blob THEN
        RETURN trunc(least(greatest(coalesce(
            landbridge.as_number(assets->'data'->'file:size'), 0), 0), 9e15))::bigint;
    END IF;
    IF assets IS NULL OR NOT assets @? '$.*."file:size"' THEN
        RETURN 0;
    END IF;
    SELECT sum(trunc(least(greatest(landbridge.as_number(asset.value->'file:size'), 0), 9e15))) INTO total
    FROM jsonb_each(assets) AS asset
    WHERE jsonb_typeof(asset.value) = 'object'
        AND jsonb_typeof(coalesce(
            asset.value->'catalog:file_index', base->asset.key->'catalog:file_index')) = 'number'
    HAVING count(*) > 0;
    IF FOUND THEN
        RETURN coalesce(total, 0)::bigint;
    END IF;
    RETURN landbridge.files_size(assets, base);
END;
$$ LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE;

-- Return an item's row of `item_stats`.
CREATE OR REPLACE FUNCTION landbridge.stats_of_item(item pgstac.items) RETURNS landbridge.item_stats AS $$
DECLARE
    -- The concatenation unpacks the document once; each `item.content` would unpack it again.
    content jsonb := item.content || '{}';
    properties jsonb := content->'properties';
    base_id int := coalesce((content->>'pgstac:base_item')::int, 0);
    is_blob boolean := item.collection LIKE 'blobs:%';
    stats landbridge.item_stats;
    base jsonb;
BEGIN
    SELECT c.key, b.assets INTO stats.collection_key, base
    FROM pgstac.collections c
    LEFT JOIN landbridge.base_item_assets b ON b.collection_key = c.key AND b.base_item_id = base_id
    WHERE c.id = item.collection;
    IF base IS NULL AND NOT is_blob THEN
        base := landbridge.size_members(
            pgstac.collection_base_item(item.collection, nullif(base_id, 0))->'assets');
    END IF;
    stats.id := item.id;
    stats.datetime := item.datetime;
    stats.end_datetime := nullif(item.end_datetime, item.datetime);
    stats.created := landbridge.as_timestamptz(properties->'created');
    stats.updated := landbridge.as_timestamptz(properties->'updated');
    stats.published := landbridge.as_timestamptz(properties->'published');
    stats.bytes := landbridge.item_bytes(content, base, is_blob);
    IF is_blob THEN
        stats.namespace := landbridge.as_text(properties->'catalog:namespace');
    END IF;
    RETURN stats;
END;
$$ LANGUAGE plpgsql STABLE;

-- Raise an error if an invalid geometry would end searches: one open ring ends every search near it.
CREATE OR REPLACE FUNCTION landbridge.check_geometry(id text, collection text, geometry geometry)
RETURNS void AS $$
BEGIN
    PERFORM ST_Intersects(geometry, ST_Envelope(geometry));
EXCEPTION WHEN internal_error THEN
    RAISE EXCEPTION 'The geometry of item % in collection % is invalid: %', id, collection, SQLERRM
        USING ERRCODE = 'invalid_parameter_value';
END;
$$ LANGUAGE plpgsql;

-- Raise an error if an id is stored twice, in partitions of different years or months: each has a unique index of
-- its own only. Called if `item_stats` has had a row of an added item: of two writers at once, its key lets the
-- second one wait for the end of the first.
CREATE OR REPLACE FUNCTION landbridge.check_single(of_collection text, ids text[]) RETURNS void AS $$
DECLARE
    twice text;
BEGIN
    SELECT i.id INTO twice FROM pgstac.items i WHERE i.collection = of_collection AND i.id = ANY (ids)
    GROUP BY i.id HAVING count(*) > 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Item % exists in collection %.', twice, of_collection USING
            ERRCODE = 'unique_violation', DETAIL = format('Key (id)=(%s) already exists.', twice);
    END IF;
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE FUNCTION landbridge.update_item_stats() RETURNS trigger AS $$
DECLARE
    stats landbridge.item_stats;
    old_key bigint;
    area box2d;
    was_there boolean;
BEGIN
    IF TG_OP IN ('DELETE', 'UPDATE') THEN
        SELECT key INTO old_key FROM pgstac.collections WHERE id = OLD.collection;
        IF TG_OP = 'DELETE' OR (NEW.collection, NEW.id) <> (OLD.collection, OLD.id) THEN
            DELETE FROM landbridge.item_stats WHERE collection_key = old_key AND id = OLD.id;
        END IF;
        -- An item at the edge of the extent has gone: the next reader computes the extent again.
        IF TG_OP = 'DELETE' OR NEW.collection <> OLD.collection OR NOT NEW.geometry = OLD.geometry
            OR (NEW.datetime, NEW.end_datetime) <> (OLD.datetime, OLD.end_datetime)
        THEN
            UPDATE landbridge.extents SET stale = true
            WHERE collection_key = old_key AND NOT stale AND (
                (NOT ST_IsEmpty(OLD.geometry) AND (
                    ST_XMin(OLD.geometry) <= west OR ST_YMin(OLD.geometry) <= south
                    OR ST_XMax(OLD.geometry) >= east OR ST_YMax(OLD.geometry) >= north))
                OR OLD.datetime <= start_datetime OR OLD.end_datetime >= end_datetime
            );
        END IF;
    END IF;
    IF TG_OP = 'DELETE' THEN
        IF EXISTS (SELECT FROM landbridge.notification_cursors c WHERE c.collection = OLD.collection) THEN
            INSERT INTO landbridge.new_images (collection, item, deleted) VALUES (OLD.collection, OLD.id, true);
        END IF;
        RETURN OLD;
    END IF;

    IF NOT ST_IsValid(NEW.geometry) THEN
        PERFORM landbridge.check_geometry(NEW.id, NEW.collection, NEW.geometry);
    END IF;
    INSERT INTO landbridge.base_item_assets
    SELECT c.key, base.id,
           landbridge.size_members(pgstac.collection_base_item(NEW.collection, nullif(base.id, 0))->'assets')
    FROM pgstac.collections c,
         LATERAL (SELECT coalesce((NEW.content->>'pgstac:base_item')::int, 0) AS id) AS base
    WHERE c.id = NEW.collection AND NOT EXISTS (
        SELECT FROM landbridge.base_item_assets b WHERE b.collection_key = c.key AND b.base_item_id = base.id)
    ON CONFLICT DO NOTHING;
    stats := landbridge.stats_of_item(NEW);
    INSERT INTO landbridge.item_stats AS s SELECT stats.*
    ON CONFLICT (collection_key, id) DO UPDATE SET
        datetime = excluded.datetime, end_datetime = excluded.end_datetime, created = excluded.created,
        updated = excluded.updated, published = excluded.published, bytes = excluded.bytes,
        namespace = excluded.namespace
    RETURNING s.xmax <> 0 INTO was_there;
    IF was_there AND TG_OP = 'INSERT' THEN
        PERFORM landbridge.check_single(NEW.collection, ARRAY[NEW.id]);
    END IF;
    IF NOT ST_IsEmpty(NEW.geometry) THEN
        area := NEW.geometry::box2d;
        IF NOT EXISTS (
            SELECT FROM landbridge.extents
            WHERE collection_key = stats.collection_key AND west <= ST_XMin(area) AND south <= ST_YMin(area)
                AND east >= ST_XMax(area) AND north >= ST_YMax(area)
                AND start_datetime <= NEW.datetime AND end_datetime >= NEW.end_datetime
        ) THEN
            INSERT INTO landbridge.extents AS e VALUES (
                stats.collection_key, ST_XMin(NEW.geometry), ST_YMin(NEW.geometry), ST_XMax(NEW.geometry),
                ST_YMax(NEW.geometry), NEW.datetime, NEW.end_datetime)
            ON CONFLICT (collection_key) DO UPDATE SET
                west = least(e.west, excluded.west), south = least(e.south, excluded.south),
                east = greatest(e.east, excluded.east), north = greatest(e.north, excluded.north),
                start_datetime = least(e.start_datetime, excluded.start_datetime),
                end_datetime = greatest(e.end_datetime, excluded.end_datetime);
        END IF;
    END IF;
    -- Without a subscription to the collection, this is one look into an index. A function of its own would cost
    -- a bulk load as much again. Listeners hear of it once for each transaction, after it has committed.
    IF TG_OP = 'INSERT' AND EXISTS (
        SELECT FROM landbridge.notification_cursors c WHERE c.collection = NEW.collection
    ) THEN
        INSERT INTO landbridge.new_images (collection, item) VALUES (NEW.collection, NEW.id);
        PERFORM pg_notify('landbridge_new_images', '');
    END IF;
    RETURN NEW;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pgstac, public;

CREATE OR REPLACE TRIGGER landbridge_item_stats AFTER UPDATE OR DELETE ON pgstac.items
FOR EACH ROW EXECUTE FUNCTION landbridge.update_item_stats();
CREATE OR REPLACE TRIGGER landbridge_item_stats_insert AFTER INSERT ON pgstac.items
FOR EACH ROW WHEN (current_setting('landbridge.item_stats', true) IS DISTINCT FROM 'by statement')
EXECUTE FUNCTION landbridge.update_item_stats();

-- Do for all rows of a statement what `update_item_stats` does for one: 240 ms instead of 350 for 2,000. It
-- fires for statements on `items` itself, in transactions that have set `landbridge.item_stats`; other programs
-- write to the partitions.
CREATE OR REPLACE FUNCTION landbridge.insert_item_stats() RETURNS trigger AS $$
DECLARE
    again jsonb;  -- the ids by collection of items that had rows in item_stats
BEGIN
    PERFORM landbridge.check_geometry(a.id, a.collection, a.geometry)
    FROM added a WHERE NOT ST_IsValid(a.geometry);

    INSERT INTO landbridge.base_item_assets
    SELECT c.key, base.id,
           landbridge.size_members(pgstac.collection_base_item(c.id, nullif(base.id, 0))->'assets')
    FROM (SELECT DISTINCT a.collection, coalesce((a.content->>'pgstac:base_item')::int, 0) AS id FROM added a) AS base
    JOIN pgstac.collections c ON c.id = base.collection
    ON CONFLICT DO NOTHING;

    WITH stored AS (
        INSERT INTO landbridge.item_stats AS s
            (collection_key, id, datetime, end_datetime, created, updated, published, bytes, namespace)
        SELECT c.key, a.id, a.datetime, nullif(a.end_datetime, a.datetime),
               landbridge.as_timestamptz(a.properties->'created'), landbridge.as_timestamptz(a.properties->'updated'),
               landbridge.as_timestamptz(a.properties->'published'),
               landbridge.item_bytes(a.content, b.assets, a.is_blob),
               CASE WHEN a.is_blob THEN landbridge.as_text(a.properties->'catalog:namespace') END
        FROM (
            SELECT *, content->'properties' AS properties, collection LIKE 'blobs:%' AS is_blob,
                   coalesce((content->>'pgstac:base_item')::int, 0) AS base_id
            FROM added
        ) AS a
        JOIN pgstac.collections c ON c.id = a.collection
        LEFT JOIN landbridge.base_item_assets b ON b.collection_key = c.key AND b.base_item_id = a.base_id
        ON CONFLICT (collection_key, id) DO UPDATE SET
            datetime = excluded.datetime, end_datetime = excluded.end_datetime, created = excluded.created,
            updated = excluded.updated, published = excluded.published, bytes = excluded.bytes,
            namespace = excluded.namespace
        RETURNING s.collection_key, s.id, s.xmax <> 0 AS was_there
    )
    SELECT jsonb_object_agg(of_collection.id, of_collection.ids) INTO again FROM (
        SELECT c.id, jsonb_agg(stored.id) AS ids FROM stored JOIN pgstac.collections c ON c.key = stored.collection_key
        WHERE stored.was_there GROUP BY 1
    ) AS of_collection;
    PERFORM landbridge.check_single(e.key, ARRAY(SELECT jsonb_array_elements_text(e.value)))
    FROM jsonb_each(again) AS e;

    INSERT INTO landbridge.extents AS e
    SELECT c.key, a.west, a.south, a.east, a.north, a.start_datetime, a.end_datetime
    FROM (
        SELECT collection, min(ST_XMin(geometry)) AS west, min(ST_YMin(geometry)) AS south,
               max(ST_XMax(geometry)) AS east, max(ST_YMax(geometry)) AS north,
               min(datetime) AS start_datetime, max(end_datetime) AS end_datetime
        FROM added WHERE NOT ST_IsEmpty(geometry) GROUP BY 1
    ) AS a
    JOIN pgstac.collections c ON c.id = a.collection
    WHERE NOT EXISTS (
        SELECT FROM landbridge.extents known
        WHERE known.collection_key = c.key AND known.west <= a.west AND known.south <= a.south
            AND known.east >= a.east AND known.north >= a.north
            AND known.start_datetime <= a.start_datetime AND known.end_datetime >= a.end_datetime
    )
    ON CONFLICT (collection_key) DO UPDATE SET
        west = least(e.west, excluded.west), south = least(e.south, excluded.south),
        east = greatest(e.east, excluded.east), north = greatest(e.north, excluded.north),
        start_datetime = least(e.start_datetime, excluded.start_datetime),
        end_datetime = greatest(e.end_datetime, excluded.end_datetime);

    -- In the order of the statement, which a join would not keep.
    INSERT INTO landbridge.new_images (collection, item)
    SELECT a.collection, a.id FROM (SELECT row_number() OVER () AS place, collection, id FROM added) AS a
    WHERE a.collection IN (SELECT c.collection FROM landbridge.notification_cursors c)
    ORDER BY a.place;
    IF FOUND THEN
        PERFORM pg_notify('landbridge_new_images', '');
    END IF;
    RETURN NULL;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pgstac, public;

CREATE OR REPLACE TRIGGER landbridge_item_stats_added AFTER INSERT ON pgstac.items
REFERENCING NEW TABLE AS added FOR EACH STATEMENT
WHEN (current_setting('landbridge.item_stats', true) = 'by statement')
EXECUTE FUNCTION landbridge.insert_item_stats();

-- pgstac drops the partition of a deleted collection, and no trigger on rows fires.
CREATE OR REPLACE FUNCTION landbridge.delete_collection_stats() RETURNS trigger AS $$
BEGIN
    DELETE FROM landbridge.item_stats WHERE collection_key = OLD.key;
    PERFORM landbridge.delete_item_counts(OLD.key);
    DELETE FROM landbridge.extents WHERE collection_key = OLD.key;
    DELETE FROM landbridge.base_item_assets WHERE collection_key = OLD.key;
    RETURN OLD;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pgstac, public;

CREATE OR REPLACE TRIGGER landbridge_item_stats AFTER DELETE ON pgstac.collections
FOR EACH ROW EXECUTE FUNCTION landbridge.delete_collection_stats();

-- TRUNCATE fires no trigger on rows either.
CREATE OR REPLACE FUNCTION landbridge.truncate_item_stats() RETURNS trigger AS $$
BEGIN
    TRUNCATE landbridge.item_stats, landbridge.extents;
    RETURN NULL;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pgstac, public;

CREATE OR REPLACE TRIGGER landbridge_item_stats_truncate AFTER TRUNCATE ON pgstac.items
FOR EACH STATEMENT EXECUTE FUNCTION landbridge.truncate_item_stats();

-- Compute a collection's extent again. The lock waits for the writers of its items: an item of an unfinished
-- transaction would be left out.
CREATE OR REPLACE FUNCTION landbridge.refresh_extent(key bigint) RETURNS void AS $$
BEGIN
    IF to_regclass(format('pgstac._items_%s', refresh_extent.key)) IS NOT NULL THEN
        EXECUTE format('LOCK TABLE pgstac._items_%s IN SHARE MODE', refresh_extent.key);
    END IF;
    -- Coordinates that no collection could show are left out.
    INSERT INTO landbridge.extents AS e
    SELECT refresh_extent.key, min(ST_XMin(i.geometry)), min(ST_YMin(i.geometry)), max(ST_XMax(i.geometry)),
           max(ST_YMax(i.geometry)), min(i.datetime), max(i.end_datetime)
    FROM pgstac.items i JOIN pgstac.collections c ON c.id = i.collection
    WHERE c.key = refresh_extent.key AND NOT ST_IsEmpty(i.geometry) AND landbridge.is_readable_geometry(i.geometry)
    HAVING count(*) > 0
    ON CONFLICT (collection_key) DO UPDATE SET
        west = excluded.west, south = excluded.south, east = excluded.east, north = excluded.north,
        start_datetime = excluded.start_datetime, end_datetime = excluded.end_datetime, stale = false;
    IF NOT FOUND THEN
        DELETE FROM landbridge.extents WHERE collection_key = refresh_extent.key;
    END IF;
END;
$$ LANGUAGE plpgsql;
