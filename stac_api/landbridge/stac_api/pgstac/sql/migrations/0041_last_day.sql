-- As before, but all of time ends with the last moment of the last day, not with the first one.
-- Makes what partitions of a collection are needed for items of these times. Without a period of its own, a
-- collection has one for all of time: no later write has to widen its constraint under a lock.
CREATE OR REPLACE FUNCTION landbridge.open_partitions(owner text, starts timestamptz[] DEFAULT '{}', ends timestamptz[] DEFAULT '{}')
RETURNS void AS $$
DECLARE
    period text := (SELECT partition_trunc FROM pgstac.collections WHERE id = owner);
    always tstzrange := tstzrange('0001-01-01Z', '9999-12-31T23:59:59.999999Z', '[]');
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
