-- Values outside of `properties` for filters and sorts: rows hold them without what their base item says already, and
-- with markers for members that only the base item has. What is shown of an item is what a filter finds.

-- A value with what its base item has beyond it, as the API hydrates items: elements of lists only if both are objects.
CREATE FUNCTION landbridge.merged(mine jsonb, base jsonb) RETURNS jsonb AS $$
    SELECT CASE jsonb_typeof(mine)
        WHEN 'object' THEN (
            SELECT coalesce(jsonb_object_agg(
                key, CASE WHEN m.value IS NULL THEN b.value ELSE landbridge.merged(m.value, b.value) END), '{}')
            FROM jsonb_each(mine) AS m
            FULL JOIN jsonb_each(CASE WHEN jsonb_typeof(base) = 'object' THEN base END) AS b USING (key)
            WHERE m.value IS DISTINCT FROM '"𒍟※"')
        WHEN 'array' THEN (
            SELECT coalesce(jsonb_agg(CASE
                WHEN jsonb_typeof(value) <> 'object' THEN value
                WHEN jsonb_typeof(base) <> 'array' OR jsonb_array_length(base) <> jsonb_array_length(mine)
                    THEN landbridge.merged(value, NULL)
                ELSE landbridge.merged(value, base->(n::int - 1)) END ORDER BY n), '[]')
            FROM jsonb_array_elements(mine) WITH ORDINALITY AS element(value, n))
        ELSE mine
    END;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- The value at a path into an item, NULL if the item has none. Costly: planned after the other conditions.
CREATE FUNCTION landbridge.hydrated(content jsonb, owner text, path text[]) RETURNS jsonb AS $$
DECLARE
    mine jsonb := content;
    base jsonb;
    tag text := content->>'pgstac:base_item';
    key text;
BEGIN
    FOREACH key IN ARRAY path LOOP
        mine := mine->key;
    END LOOP;
    -- What the row says by itself. Of an object, filters see only that it is there: it needs no merging.
    IF mine <> '"𒍟※"' AND NOT (jsonb_typeof(mine) = 'array' AND mine @? '$[*] ? (@.type() == "object")') THEN
        RETURN mine;
    END IF;
    IF tag IS NULL OR tag ~ '^\d{1,9}$' THEN
        base := pgstac.collection_base_item(owner, tag::int);
    END IF;
    IF base IS NULL OR base = '{}' THEN
        RETURN mine;  -- stored whole
    END IF;
    mine := content;
    FOREACH key IN ARRAY path LOOP
        IF jsonb_typeof(mine) IS DISTINCT FROM 'object' THEN
            RETURN NULL;
        ELSIF mine ? key THEN
            mine := mine->key;
            base := base->key;
        ELSE
            mine := base->key;
            base := NULL;
        END IF;
        IF mine = '"𒍟※"' THEN
            RETURN NULL;
        END IF;
    END LOOP;
    RETURN CASE WHEN jsonb_typeof(mine) = 'array' THEN landbridge.merged(mine, base) ELSE mine END;
END;
$$ LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1000;
