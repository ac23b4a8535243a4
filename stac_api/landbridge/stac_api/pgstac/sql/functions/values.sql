-- JSON values as SQL values, for filters and sorts.
--
-- A value of another type gives NULL, never an error: one odd document must not break all searches.
-- No function here is STRICT, so that the planner can inline its body.

CREATE OR REPLACE FUNCTION landbridge.as_number(value jsonb) RETURNS double precision AS $$
    -- A double cannot hold numbers beyond 1.8e308 or closer to 0 than 1e-307: the cast would be an error.
    SELECT CASE WHEN jsonb_typeof(value) = 'number' THEN
        CASE WHEN abs(value::numeric) BETWEEN 1e-300 AND 1e308 THEN value::numeric::double precision
             WHEN abs(value::numeric) < 1e-300 THEN 0::double precision END
    END;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

CREATE OR REPLACE FUNCTION landbridge.as_text(value jsonb) RETURNS text AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'string' THEN value #>> '{}' END;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

CREATE OR REPLACE FUNCTION landbridge.as_boolean(value jsonb) RETURNS boolean AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'boolean' THEN value = 'true'::jsonb END;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

CREATE OR REPLACE FUNCTION landbridge.as_array(value jsonb) RETURNS jsonb AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'array' THEN value END;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- The time of an RFC 3339 date and time, or the first moment in UTC of a date. The pattern knows the calendar:
-- catching the error of a cast would keep the whole query from running in parallel.
CREATE OR REPLACE FUNCTION landbridge.as_timestamptz(value jsonb) RETURNS timestamptz AS $$
DECLARE
    given text := CASE WHEN jsonb_typeof(value) = 'string' THEN value #>> '{}' END;
BEGIN
    -- Groups that capture, and a look ahead for the year 0, would take half as long again.
    IF given NOT LIKE '0000%' AND given ~ '^(?:\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))|(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29)(?:[Tt ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:[Zz]|[+-](?:0\d|1[0-4]):[0-5]\d))?$' THEN
        RETURN (CASE WHEN length(given) = 10 THEN given || 'T00:00:00Z' ELSE given END)::timestamptz;
    END IF;
    RETURN NULL;
END;
$$ LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE;
