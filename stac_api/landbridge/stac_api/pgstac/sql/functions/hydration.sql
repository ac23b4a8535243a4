-- pgstac stores an item without the values that its collection's base item has (dehydration). These functions
-- read such rows, so that a filter finds the values that the API shows.

-- Return a stored value with the members that only the base item has, as the API hydrates items. Elements of two
-- lists are merged only if both are objects.
CREATE OR REPLACE FUNCTION landbridge.merge_base_value(stored jsonb, base jsonb) RETURNS jsonb AS $$
    SELECT CASE jsonb_typeof(stored)
        WHEN 'object' THEN (
            SELECT coalesce(jsonb_object_agg(
                key, CASE WHEN s.value IS NULL THEN b.value ELSE landbridge.merge_base_value(s.value, b.value) END), '{}')
            FROM jsonb_each(stored) AS s
            FULL JOIN jsonb_each(CASE WHEN jsonb_typeof(base) = 'object' THEN base END) AS b USING (key)
            WHERE s.value IS DISTINCT FROM '"𒍟※"')
        WHEN 'array' THEN (
            SELECT coalesce(jsonb_agg(CASE
                WHEN jsonb_typeof(value) <> 'object' THEN value
                WHEN jsonb_typeof(base) <> 'array' OR jsonb_array_length(base) <> jsonb_array_length(stored)
                    THEN landbridge.merge_base_value(value, NULL)
                ELSE landbridge.merge_base_value(value, base->(n::int - 1)) END ORDER BY n), '[]')
            FROM jsonb_array_elements(stored) WITH ORDINALITY AS element(value, n))
        ELSE stored
    END;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- Return the value at a path into an item, NULL if the item has none. The high cost makes the planner test other
-- conditions first.
CREATE OR REPLACE FUNCTION landbridge.hydrated_value(content jsonb, collection_id text, path text[]) RETURNS jsonb AS $$
DECLARE
    found jsonb := content;
    base jsonb;
    base_item_id text := content->>'pgstac:base_item';
    key text;
BEGIN
    FOREACH key IN ARRAY path LOOP
        found := found->key;
    END LOOP;
    -- The row itself has the value. Filters only ask whether an object exists, so objects need no merging.
    IF found <> '"𒍟※"' AND NOT (jsonb_typeof(found) = 'array' AND found @? '$[*] ? (@.type() == "object")') THEN
        RETURN found;
    END IF;
    IF base_item_id IS NULL OR base_item_id ~ '^\d{1,9}$' THEN
        base := pgstac.collection_base_item(collection_id, base_item_id::int);
    END IF;
    IF base IS NULL OR base = '{}' THEN
        RETURN found;  -- the row holds the whole item
    END IF;
    found := content;
    FOREACH key IN ARRAY path LOOP
        IF jsonb_typeof(found) IS DISTINCT FROM 'object' THEN
            RETURN NULL;
        ELSIF found ? key THEN
            found := found->key;
            base := base->key;
        ELSE
            found := base->key;
            base := NULL;
        END IF;
        IF found = '"𒍟※"' THEN
            RETURN NULL;
        END IF;
    END LOOP;
    RETURN CASE WHEN jsonb_typeof(found) = 'array' THEN landbridge.merge_base_value(found, base) ELSE found END;
END;
$$ LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1000;

-- Return the id of a collection's empty base item; create it if it is missing. An item that hydration would not
-- restore exactly is stored whole, against this base item. Two created at the same time do no harm.
CREATE OR REPLACE FUNCTION landbridge.empty_base_item(collection_id text) RETURNS integer AS $$
DECLARE
    base_item_id integer;
BEGIN
    SELECT id INTO base_item_id FROM pgstac.base_items
    WHERE collection = collection_id AND base_item = '{}' ORDER BY id LIMIT 1;
    IF NOT FOUND THEN
        -- Items without a base item's id are hydrated by the first base item of their collection.
        INSERT INTO pgstac.base_items (collection, base_item)
        SELECT c.id, c.base_item FROM pgstac.collections c
        WHERE c.id = collection_id AND NOT EXISTS (SELECT FROM pgstac.base_items WHERE collection = collection_id);
        INSERT INTO pgstac.base_items (collection, base_item) VALUES (collection_id, '{}') RETURNING id INTO base_item_id;
    END IF;
    RETURN base_item_id;
END;
$$ LANGUAGE plpgsql SET search_path TO pgstac, public;
