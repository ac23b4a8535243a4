-- The facts of 0011 at half their cost, which was half of a bulk load's. A document is read out of its row once
-- (each `NEW.content` would unpack it again), and the sizes of assets with an index of ours are added up without
-- a look at their types.

-- The size of an item's files, given the reduced assets of its base item; the rules are those of size_of.
CREATE FUNCTION landbridge.bytes_of(content jsonb, base jsonb, is_blob boolean) RETURNS bigint AS $$
DECLARE
    assets jsonb := CASE WHEN jsonb_typeof(content->'assets') = 'object' THEN content->'assets' END;
    total double precision;
BEGIN
    IF is_blob THEN
        RETURN trunc(least(greatest(coalesce(
            landbridge.number(assets->'data'->'file:size'), 0), 0), 9e15))::bigint;
    END IF;
    IF assets IS NULL OR NOT assets @? '$.*."file:size"' THEN
        RETURN 0;
    END IF;
    SELECT sum(trunc(least(greatest(landbridge.number(asset.value->'file:size'), 0), 9e15))) INTO total
    FROM jsonb_each(assets) AS asset
    WHERE jsonb_typeof(asset.value) = 'object'
        AND jsonb_typeof(coalesce(
            asset.value->'catalog:file_index', base->asset.key->'catalog:file_index')) = 'number'
    HAVING count(*) > 0;
    IF FOUND THEN
        RETURN coalesce(total, 0)::bigint;
    END IF;
    RETURN landbridge.size_of(assets, base);
END;
$$ LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE;

-- An item's row of facts.
CREATE OR REPLACE FUNCTION landbridge.fact_of(item pgstac.items) RETURNS landbridge.facts AS $$
DECLARE
    content jsonb := item.content || '{}';
    properties jsonb := content->'properties';
    base_tag int := coalesce((content->>'pgstac:base_item')::int, 0);
    is_blob boolean := item.collection LIKE 'blobs:%';
    fact landbridge.facts;
    base jsonb;
BEGIN
    SELECT c.key, b.assets INTO fact.collection, base
    FROM pgstac.collections c LEFT JOIN landbridge.bases b ON b.collection = c.key AND b.tag = base_tag
    WHERE c.id = item.collection;
    IF base IS NULL AND NOT is_blob THEN
        base := landbridge.reduced(
            pgstac.collection_base_item(item.collection, nullif(base_tag, 0))->'assets');
    END IF;
    fact.id := item.id;
    fact.datetime := item.datetime;
    fact.created := landbridge.instant(properties->'created');
    fact.updated := landbridge.instant(properties->'updated');
    fact.published := landbridge.instant(properties->'published');
    fact.bytes := landbridge.bytes_of(content, base, is_blob);
    IF is_blob THEN
        fact.namespace := landbridge.string(properties->'catalog:namespace');
    END IF;
    RETURN fact;
END;
$$ LANGUAGE plpgsql STABLE;

CREATE OR REPLACE FUNCTION landbridge.follow_item() RETURNS trigger AS $$
DECLARE
    fact landbridge.facts;
    owner bigint;
    area box2d;
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
    SELECT c.key, tag, landbridge.reduced(pgstac.collection_base_item(NEW.collection, nullif(tag, 0))->'assets')
    FROM pgstac.collections c, LATERAL (SELECT coalesce((NEW.content->>'pgstac:base_item')::int, 0) AS tag) AS t
    WHERE c.id = NEW.collection
        AND NOT EXISTS (SELECT FROM landbridge.bases b WHERE b.collection = c.key AND b.tag = t.tag)
    ON CONFLICT DO NOTHING;
    fact := landbridge.fact_of(NEW);
    INSERT INTO landbridge.facts SELECT fact.*
    ON CONFLICT (collection, id) DO UPDATE SET
        datetime = excluded.datetime, created = excluded.created, updated = excluded.updated,
        published = excluded.published, bytes = excluded.bytes, namespace = excluded.namespace;
    IF NOT ST_IsEmpty(NEW.geometry) THEN
        area := NEW.geometry::box2d;
        IF NOT EXISTS (
            SELECT FROM landbridge.extents
            WHERE collection = fact.collection AND west <= ST_XMin(area) AND south <= ST_YMin(area)
                AND east >= ST_XMax(area) AND north >= ST_YMax(area)
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
    END IF;
    RETURN NEW;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER SET search_path TO pgstac, public;
