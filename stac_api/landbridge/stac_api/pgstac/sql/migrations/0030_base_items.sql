-- The tag of a collection's empty base item, made if there is none. Items that pgstac's hydration would not bring
-- back as they were are stored whole against it. Two made at once do no harm.
CREATE FUNCTION landbridge.whole_base_item(owner text) RETURNS integer AS $$
DECLARE
    tag integer;
BEGIN
    SELECT id INTO tag FROM pgstac.base_items WHERE collection = owner AND base_item = '{}' ORDER BY id LIMIT 1;
    IF NOT FOUND THEN
        -- Items without a tag are hydrated by the first row of their collection.
        INSERT INTO pgstac.base_items (collection, base_item)
        SELECT id, base_item FROM pgstac.collections c
        WHERE id = owner AND NOT EXISTS (SELECT FROM pgstac.base_items WHERE collection = owner);
        INSERT INTO pgstac.base_items (collection, base_item) VALUES (owner, '{}') RETURNING id INTO tag;
    END IF;
    RETURN tag;
END;
$$ LANGUAGE plpgsql SET search_path TO pgstac, public;

-- Partitions are made and dropped by one transaction at a time: doing so locks `items` and `collections`, each
-- in an order that two of them would deadlock in, and pgstac goes on after a deadlock as if the partition was made.
CREATE FUNCTION landbridge.lock_partitions() RETURNS void AS $$
    SELECT pg_advisory_xact_lock(hashtextextended('landbridge partitions', 0));
$$ LANGUAGE sql;

-- Makes what partitions of a collection are needed for items of these times. Without a period of its own, a
-- collection has one for all of time: no later write has to widen its constraint under a lock.
CREATE FUNCTION landbridge.open_partitions(owner text, starts timestamptz[] DEFAULT '{}', ends timestamptz[] DEFAULT '{}')
RETURNS void AS $$
DECLARE
    period text := (SELECT partition_trunc FROM pgstac.collections WHERE id = owner);
    always tstzrange := tstzrange('0001-01-01Z', '9999-12-31Z', '[]');
BEGIN
    PERFORM landbridge.lock_partitions();
    IF period IS NULL THEN
        PERFORM pgstac.check_partition(owner, always, always);
    ELSE
        PERFORM pgstac.check_partition(owner, tstzrange(min(s), max(s), '[]'), tstzrange(min(e), max(e), '[]'))
        FROM unnest(starts, ends) AS t(s, e) GROUP BY date_trunc(period, s) ORDER BY min(s);
    END IF;
END;
$$ LANGUAGE plpgsql SET search_path TO pgstac, public SET timezone TO 'UTC';
