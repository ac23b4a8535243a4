-- Searches for damaged items, and repairs: `landbridge-server doctor`.

-- Return a value of a row with the lists filled in that pgstac's own dehydration damaged: it stored an element
-- that equals the base item's as null, and a null that was stored again as a marker. A row of ours has no null
-- beside an element of the base item: such items are stored whole.
CREATE OR REPLACE FUNCTION landbridge.fill_lists_from_base(stored jsonb, base jsonb) RETURNS jsonb AS $$
    SELECT CASE
        WHEN jsonb_typeof(stored) = 'object' AND jsonb_typeof(base) = 'object' THEN (
            SELECT coalesce(jsonb_object_agg(key, landbridge.fill_lists_from_base(value, base->key)), '{}')
            FROM jsonb_each(stored))
        WHEN jsonb_typeof(stored) = 'array' AND jsonb_typeof(base) = 'array'
            AND jsonb_array_length(stored) = jsonb_array_length(base) THEN (
            SELECT jsonb_agg(CASE WHEN value IN ('null', '"𒍟※"') THEN base->(n::int - 1)
                                  ELSE landbridge.fill_lists_from_base(value, base->(n::int - 1)) END ORDER BY n)
            FROM jsonb_array_elements(stored) WITH ORDINALITY AS element(value, n))
        ELSE stored
    END;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- Return the damaged items with their repaired assets. The assets are NULL if the base item does not tell the lost
-- values: it has no such list, or one of another length.
CREATE OR REPLACE FUNCTION landbridge.damaged_items() RETURNS TABLE (collection text, id text, assets jsonb) AS $$
    WITH suspected AS (
        SELECT i.collection, i.id, i.content->'assets' AS stored,
               pgstac.collection_base_item(i.collection, (i.content->>'pgstac:base_item')::int)->'assets' AS base
        FROM pgstac.items i
        WHERE i.content->'assets'
            @? 'strict $.** ? (@.type() == "array")[*] ? (@ == null || @ == "𒍟※")'
    ), repaired AS (
        SELECT s.*, landbridge.fill_lists_from_base(s.stored, s.base) AS assets FROM suspected s
    )
    SELECT r.collection, r.id, CASE WHEN r.assets @? 'strict $.** ? (@.type() == "array")[*] ? (@ == "𒍟※")'
        THEN NULL ELSE r.assets END
    FROM repaired r
    WHERE r.assets <> r.stored OR (
        r.assets @? 'strict $.** ? (@.type() == "array")[*] ? (@ == "𒍟※")'
        AND r.base IS NOT NULL  -- a row that holds the whole item may hold the marker as a value
    );
$$ LANGUAGE sql STABLE SET search_path TO pgstac, public;

-- Repair the damaged items that can be repaired; return their number.
CREATE OR REPLACE FUNCTION landbridge.repair_damaged_items() RETURNS bigint AS $$
    WITH repaired AS (
        UPDATE pgstac.items i SET content = jsonb_set(i.content, '{assets}', d.assets)
        FROM landbridge.damaged_items() d
        WHERE i.collection = d.collection AND i.id = d.id AND d.assets IS NOT NULL
        RETURNING 1
    )
    SELECT count(*) FROM repaired;
$$ LANGUAGE sql SET search_path TO pgstac, public;

-- Return the items with an unreadable geometry, and whether it can be repaired.
CREATE OR REPLACE FUNCTION landbridge.unreadable_items() RETURNS TABLE (collection text, id text, repairable boolean) AS $$
    SELECT i.collection, i.id, coalesce(landbridge.is_readable_geometry(landbridge.repaired_geometry(i.geometry)), false)
    FROM pgstac.items i WHERE NOT coalesce(landbridge.is_readable_geometry(i.geometry), false);
$$ LANGUAGE sql STABLE SET search_path TO pgstac, public;

CREATE OR REPLACE FUNCTION landbridge.repair_unreadable_items() RETURNS void AS $$
    UPDATE pgstac.items i SET geometry = landbridge.repaired_geometry(i.geometry)
    FROM landbridge.unreadable_items() u
    WHERE u.repairable AND i.collection = u.collection AND i.id = u.id;
$$ LANGUAGE sql SET search_path TO pgstac, public;
