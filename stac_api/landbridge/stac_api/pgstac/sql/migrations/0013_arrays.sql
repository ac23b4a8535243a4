-- CQL2 compares scalars, but a property may hold an array where nobody expects one: two arrays are equal or not,
-- as JSON has it, and only equal ones have an order.
CREATE OR REPLACE FUNCTION landbridge.compared(one jsonb, other jsonb) RETURNS integer AS $$
    SELECT CASE
        WHEN jsonb_typeof(one) IS DISTINCT FROM jsonb_typeof(other) THEN NULL
        WHEN jsonb_typeof(one) = 'string' THEN CASE
            WHEN (one #>> '{}') COLLATE "C" < (other #>> '{}') THEN -1
            WHEN one = other THEN 0 ELSE 1 END
        WHEN jsonb_typeof(one) IN ('number', 'boolean') THEN CASE
            WHEN one < other THEN -1 WHEN one = other THEN 0 ELSE 1 END
        WHEN jsonb_typeof(one) = 'array' AND one = other THEN 0
    END;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- NULL for values of different types and for objects.
CREATE FUNCTION landbridge.alike(one jsonb, other jsonb) RETURNS boolean AS $$
    SELECT CASE
        WHEN jsonb_typeof(one) IS DISTINCT FROM jsonb_typeof(other) THEN NULL
        WHEN jsonb_typeof(one) IN ('string', 'number', 'boolean', 'array') THEN one = other
    END;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;
