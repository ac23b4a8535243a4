-- Geometries that PostGIS stores and then can't write or compare: a collection in a collection, a curve, one of
-- another reference system, coordinates that are not finite. None gets in by the API; one that is there already
-- must not end the searches of everybody. GEOS also fails over valid GeoJSON, such as parts that overlap.

-- The nearest that can be read: in longitude and latitude, without curves, collections flat.
CREATE FUNCTION landbridge.mended(shape geometry) RETURNS geometry AS $$
    SELECT CASE
        WHEN GeometryType(flat.shape) <> 'GEOMETRYCOLLECTION' THEN flat.shape
        ELSE coalesce((SELECT ST_ForceCollection(ST_Collect(part.geom)) FROM ST_Dump(flat.shape) AS part), flat.shape)
    END
    FROM (SELECT ST_SetSRID(CASE WHEN ST_HasArc(shape) THEN ST_CurveToLine(shape) ELSE shape END, 4326) AS shape) AS flat;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path TO public;

-- GeoJSON, of the nearest geometry that has it; NULL if none has.
CREATE FUNCTION landbridge.geojson(shape geometry) RETURNS json AS $$
BEGIN
    RETURN ST_AsGeoJSON(shape, 20)::json;
EXCEPTION WHEN OTHERS THEN
    BEGIN
        RETURN ST_AsGeoJSON(landbridge.mended(shape), 20)::json;
    EXCEPTION WHEN OTHERS THEN
        RETURN NULL;
    END;
END;
$$ LANGUAGE plpgsql IMMUTABLE SET search_path TO public;

-- A predicate of PostGIS, such as st_intersects; if it fails, of the nearest valid geometries; NULL if that fails.
CREATE FUNCTION landbridge.related(predicate text, one geometry, other geometry) RETURNS boolean AS $$
DECLARE
    found boolean;
BEGIN
    EXECUTE format('SELECT public.%I($1, $2)', predicate) INTO found USING one, other;
    RETURN found;
EXCEPTION WHEN OTHERS THEN
    BEGIN
        EXECUTE format('SELECT public.%I($1, $2)', predicate) INTO found
        USING ST_MakeValid(landbridge.mended(one)), ST_MakeValid(landbridge.mended(other));
        RETURN found;
    EXCEPTION WHEN OTHERS THEN
        RETURN NULL;
    END;
END;
$$ LANGUAGE plpgsql IMMUTABLE SET search_path TO public;

CREATE FUNCTION landbridge.is_readable(shape geometry) RETURNS boolean AS $$
    SELECT ST_SRID(shape) = 4326 AND NOT ST_HasArc(shape) AND (ST_IsEmpty(shape) OR (
            ST_XMin(shape) >= -1e6 AND ST_XMax(shape) <= 1e6 AND ST_YMin(shape) >= -1e6 AND ST_YMax(shape) <= 1e6))
        AND (GeometryType(shape) <> 'GEOMETRYCOLLECTION' OR NOT EXISTS (
            SELECT FROM generate_series(1, ST_NumGeometries(shape)) AS n
            WHERE GeometryType(ST_GeometryN(shape, n)) = 'GEOMETRYCOLLECTION'));
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path TO public;

-- The items whose geometry can't be read, and whether it can be mended.
CREATE FUNCTION landbridge.unreadable_items() RETURNS TABLE (collection text, id text, mendable boolean) AS $$
    SELECT i.collection, i.id, coalesce(landbridge.is_readable(landbridge.mended(i.geometry)), false)
    FROM pgstac.items i WHERE NOT coalesce(landbridge.is_readable(i.geometry), false);
$$ LANGUAGE sql STABLE SET search_path TO pgstac, public;

CREATE FUNCTION landbridge.mend_geometries() RETURNS void AS $$
    UPDATE pgstac.items i SET geometry = landbridge.mended(i.geometry)
    FROM landbridge.unreadable_items() u
    WHERE u.mendable AND i.collection = u.collection AND i.id = u.id;
$$ LANGUAGE sql SET search_path TO pgstac, public;

-- Extents take no coordinates that no collection could show.
CREATE OR REPLACE FUNCTION landbridge.refresh_extent(owner bigint) RETURNS void AS $$
BEGIN
    IF to_regclass(format('pgstac._items_%s', owner)) IS NOT NULL THEN
        EXECUTE format('LOCK TABLE pgstac._items_%s IN SHARE MODE', owner);
    END IF;
    INSERT INTO landbridge.extents AS e
    SELECT owner, min(ST_XMin(i.geometry)), min(ST_YMin(i.geometry)), max(ST_XMax(i.geometry)),
           max(ST_YMax(i.geometry)), min(i.datetime), max(i.end_datetime)
    FROM pgstac.items i JOIN pgstac.collections c ON c.id = i.collection
    WHERE c.key = owner AND NOT ST_IsEmpty(i.geometry) AND landbridge.is_readable(i.geometry)
    HAVING count(*) > 0
    ON CONFLICT (collection) DO UPDATE SET
        west = excluded.west, south = excluded.south, east = excluded.east, north = excluded.north,
        start_datetime = excluded.start_datetime, end_datetime = excluded.end_datetime, stale = false;
    IF NOT FOUND THEN
        DELETE FROM landbridge.extents WHERE collection = owner;
    END IF;
END;
$$ LANGUAGE plpgsql;

UPDATE landbridge.extents SET stale = true
WHERE NOT (west >= -1e6 AND south >= -1e6 AND east <= 1e6 AND north <= 1e6);
