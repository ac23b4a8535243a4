-- Items that pgstac's dehydration has damaged: in a list of an asset, an element that equals the base item's was
-- stored as null, and a null that was stored again as a marker. Of the rows that are stored by now, a null beside an
-- element of the base item is nothing else: items that have one are stored whole.

-- What a row has of a value, its lists filled from the base item.
CREATE FUNCTION landbridge.filled(mine jsonb, base jsonb) RETURNS jsonb AS $$
    SELECT CASE
        WHEN jsonb_typeof(mine) = 'object' AND jsonb_typeof(base) = 'object' THEN (
            SELECT coalesce(jsonb_object_agg(key, landbridge.filled(value, base->key)), '{}') FROM jsonb_each(mine))
        WHEN jsonb_typeof(mine) = 'array' AND jsonb_typeof(base) = 'array'
            AND jsonb_array_length(mine) = jsonb_array_length(base) THEN (
            SELECT jsonb_agg(CASE WHEN value IN ('null', '"𒍟※"') THEN base->(n::int - 1)
                                  ELSE landbridge.filled(value, base->(n::int - 1)) END ORDER BY n)
            FROM jsonb_array_elements(mine) WITH ORDINALITY AS element(value, n))
        ELSE mine
    END;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- The items that are damaged, with their assets as they should be stored; NULL for those that no base item mends:
-- a marker in a list that the base item has not, or that it has with another length, says nothing.
CREATE FUNCTION landbridge.damaged_items() RETURNS TABLE (collection text, id text, assets jsonb) AS $$
    WITH suspected AS (
        SELECT i.collection, i.id, i.content->'assets' AS stored,
               pgstac.collection_base_item(i.collection, (i.content->>'pgstac:base_item')::int)->'assets' AS base
        FROM pgstac.items i
        WHERE i.content->'assets'
            @? 'strict $.** ? (@.type() == "array")[*] ? (@ == null || @ == "𒍟※")'
    ), mended AS (
        SELECT s.*, landbridge.filled(s.stored, s.base) AS assets FROM suspected s
    )
    SELECT m.collection, m.id, CASE WHEN m.assets @? 'strict $.** ? (@.type() == "array")[*] ? (@ == "𒍟※")'
        THEN NULL ELSE m.assets END
    FROM mended m
    WHERE m.assets <> m.stored OR (
        m.assets @? 'strict $.** ? (@.type() == "array")[*] ? (@ == "𒍟※")'
        AND m.base IS NOT NULL  -- one that is stored whole says what it says
    );
$$ LANGUAGE sql STABLE SET search_path TO pgstac, public;

-- Mends what can be mended; returns the number of items.
CREATE FUNCTION landbridge.mend_items() RETURNS bigint AS $$
    WITH mended AS (
        UPDATE pgstac.items i SET content = jsonb_set(i.content, '{assets}', d.assets)
        FROM landbridge.damaged_items() d
        WHERE i.collection = d.collection AND i.id = d.id AND d.assets IS NOT NULL
        RETURNING 1
    )
    SELECT count(*) FROM mended;
$$ LANGUAGE sql SET search_path TO pgstac, public;

SELECT landbridge.mend_items();

-- What each file has of its own is no longer left to the base item: who looks for files or counts bytes reads the
-- rows as they are.
WITH bases AS (
    SELECT c.id AS collection, NULL::int AS tag, pgstac.collection_base_item(c.id)->'assets' AS assets
    FROM pgstac.collections c
    UNION ALL
    SELECT b.collection, b.id, b.base_item->'assets' FROM pgstac.base_items b
), files AS (
    SELECT b.collection, b.tag, jsonb_object_agg(asset.key, jsonb_strip_nulls(jsonb_build_object(
        'href', asset.value->'href',
        'file:size', asset.value->'file:size',
        'file:checksum', asset.value->'file:checksum'
    ))) AS assets
    FROM bases b, jsonb_each(CASE WHEN jsonb_typeof(b.assets) = 'object' THEN b.assets END) AS asset
    WHERE jsonb_typeof(asset.value) = 'object' AND asset.value ?| ARRAY['href', 'file:size', 'file:checksum']
    GROUP BY b.collection, b.tag
)
UPDATE pgstac.items i SET content = jsonb_set(i.content, '{assets}', (i.content->'assets') || (
    SELECT jsonb_object_agg(asset.key, CASE WHEN jsonb_typeof(i.content->'assets'->asset.key) = 'string'
        THEN i.content->'assets'->asset.key  -- a marker
        ELSE asset.value || coalesce(i.content->'assets'->asset.key, '{}') END)
    FROM jsonb_each(f.assets) AS asset))
FROM files f
WHERE i.collection = f.collection AND (i.content->>'pgstac:base_item')::int IS NOT DISTINCT FROM f.tag
    AND jsonb_typeof(i.content->'assets') = 'object';
