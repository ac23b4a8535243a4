-- The area of a collection's own extent. pgstac's collection_geom takes a box that crosses the antimeridian for
-- the rest of the Earth, and of a box of six numbers a height for the east.
CREATE FUNCTION landbridge.extent_area(extent jsonb) RETURNS public.geometry AS $$
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
