-- Geometries that PostGIS stores but cannot write or compare: nested collections, curves, another reference
-- system, coordinates that are not finite. The API refuses them; an item that already has one must not end
-- all searches. GEOS also fails on some valid GeoJSON, such as overlapping parts.

-- Return the nearest readable geometry: longitude and latitude, without curves, collections flattened.
CREATE OR REPLACE FUNCTION landbridge.repaired_geometry(shape geometry) RETURNS geometry AS $$
    SELECT CASE
        WHEN GeometryType(flat.shape) <> 'GEOMETRYCOLLECTION' THEN flat.shape
        ELSE coalesce((SELECT ST_ForceCollection(ST_Collect(part.geom)) FROM ST_Dump(flat.shape) AS part), flat.shape)
    END
    FROM (SELECT ST_SetSRID(CASE WHEN ST_HasArc(shape) THEN ST_CurveToLine(shape) ELSE shape END, 4326) AS shape) AS flat;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path TO public;

-- Return GeoJSON, of the repaired geometry if the stored one fails; NULL if that fails too. Numbers from 1e-8 on are
-- written without exponent, so that all their 17 digits need 25 places.
CREATE OR REPLACE FUNCTION landbridge.safe_geojson(shape geometry) RETURNS json AS $$
BEGIN
    RETURN ST_AsGeoJSON(shape, 25)::json;
EXCEPTION WHEN OTHERS THEN
    BEGIN
        RETURN ST_AsGeoJSON(landbridge.repaired_geometry(shape), 25)::json;
    EXCEPTION WHEN OTHERS THEN
        RETURN NULL;
    END;
END;
$$ LANGUAGE plpgsql IMMUTABLE SET search_path TO public;

-- Spatial predicates for searches: those of PostGIS under our schema's name, with the cost that they have for the
-- footprints of images. PostGIS's own, 10,000 for each, makes the planner read the index of times to the last of
-- 100,000 rows in order to save 200 calls: 7 ms instead of 0.7. Written in PL/pgSQL, because the planner would put
-- the body of an SQL function in its place, at its cost. They use no index: write `a && b` beside them.
CREATE OR REPLACE FUNCTION landbridge.st_contains(a geometry, b geometry) RETURNS boolean
AS $$ BEGIN RETURN public.st_contains(a, b); END; $$ LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 500;

CREATE OR REPLACE FUNCTION landbridge.st_crosses(a geometry, b geometry) RETURNS boolean
AS $$ BEGIN RETURN public.st_crosses(a, b); END; $$ LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 500;

CREATE OR REPLACE FUNCTION landbridge.st_disjoint(a geometry, b geometry) RETURNS boolean
AS $$ BEGIN RETURN public.st_disjoint(a, b); END; $$ LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 500;

CREATE OR REPLACE FUNCTION landbridge.st_equals(a geometry, b geometry) RETURNS boolean
AS $$ BEGIN RETURN public.st_equals(a, b); END; $$ LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 500;

CREATE OR REPLACE FUNCTION landbridge.st_intersects(a geometry, b geometry) RETURNS boolean
AS $$ BEGIN RETURN public.st_intersects(a, b); END; $$ LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 500;

CREATE OR REPLACE FUNCTION landbridge.st_overlaps(a geometry, b geometry) RETURNS boolean
AS $$ BEGIN RETURN public.st_overlaps(a, b); END; $$ LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 500;

CREATE OR REPLACE FUNCTION landbridge.st_touches(a geometry, b geometry) RETURNS boolean
AS $$ BEGIN RETURN public.st_touches(a, b); END; $$ LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 500;

CREATE OR REPLACE FUNCTION landbridge.st_within(a geometry, b geometry) RETURNS boolean
AS $$ BEGIN RETURN public.st_within(a, b); END; $$ LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 500;

-- Return the result of a PostGIS predicate such as st_intersects. If it fails, apply it to the repaired, valid
-- geometries; NULL if that fails too.
CREATE OR REPLACE FUNCTION landbridge.safe_spatial_predicate(predicate text, a geometry, b geometry)
RETURNS boolean AS $$
DECLARE
    result boolean;
BEGIN
    EXECUTE format('SELECT public.%I($1, $2)', predicate) INTO result USING a, b;
    RETURN result;
EXCEPTION WHEN OTHERS THEN
    BEGIN
        EXECUTE format('SELECT public.%I($1, $2)', predicate) INTO result
        USING ST_MakeValid(landbridge.repaired_geometry(a)), ST_MakeValid(landbridge.repaired_geometry(b));
        RETURN result;
    EXCEPTION WHEN OTHERS THEN
        RETURN NULL;
    END;
END;
$$ LANGUAGE plpgsql IMMUTABLE SET search_path TO public;

CREATE OR REPLACE FUNCTION landbridge.is_readable_geometry(shape geometry) RETURNS boolean AS $$
    SELECT ST_SRID(shape) = 4326 AND NOT ST_HasArc(shape) AND (ST_IsEmpty(shape) OR (
            ST_XMin(shape) >= -1e6 AND ST_XMax(shape) <= 1e6 AND ST_YMin(shape) >= -1e6 AND ST_YMax(shape) <= 1e6))
        AND (GeometryType(shape) <> 'GEOMETRYCOLLECTION' OR NOT EXISTS (
            SELECT FROM generate_series(1, ST_NumGeometries(shape)) AS n
            WHERE GeometryType(ST_GeometryN(shape, n)) = 'GEOMETRYCOLLECTION'));
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path TO public;

-- Return the area of the first bbox of a collection's extent. pgstac's collection_geom takes a box across the
-- antimeridian for the rest of the Earth, and reads the third of six numbers, a height, as the east.
CREATE OR REPLACE FUNCTION landbridge.extent_area(extent jsonb) RETURNS public.geometry AS $$
    WITH given AS (
        SELECT (box->>0)::float8 AS west, (box->>1)::float8 AS south, (box->>half)::float8 AS east,
               (box->>(half + 1))::float8 AS north
        FROM (
            SELECT extent->'spatial'->'bbox'->0 AS box, jsonb_array_length(extent->'spatial'->'bbox'->0) / 2 AS half
            WHERE jsonb_typeof(extent->'spatial'->'bbox'->0) = 'array'
        ) AS box
    ), spans AS (
        SELECT south, north, west - 360 * floor((west + 180) / 360) AS west,
               least(CASE WHEN east < west THEN east + 360 ELSE east END - west, 360) AS width
        FROM given
    )
    SELECT CASE
        WHEN width = 360 THEN ST_MakeEnvelope(-180, south, 180, north, 4326)
        WHEN west + width <= 180 THEN ST_MakeEnvelope(west, south, west + width, north, 4326)
        ELSE ST_Collect(ST_MakeEnvelope(west, south, 180, north, 4326),
                        ST_MakeEnvelope(-180, south, west + width - 360, north, 4326))
    END FROM spans;
$$ LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path TO public;
