-- Values of JSON as SQL values, for filters and sorts. What is not of the type asked for is NULL, never an
-- error: one odd document must not break the searches of everyone else. None is STRICT, so that the planner
-- can put its body in its place.

CREATE OR REPLACE FUNCTION landbridge.number(value jsonb) RETURNS double precision AS $$
    -- What a double cannot hold would be an error: beyond 1.8e308, and closer to 0 than 1e-307.
    SELECT CASE WHEN jsonb_typeof(value) = 'number' THEN
        CASE WHEN abs(value::numeric) BETWEEN 1e-300 AND 1e308 THEN value::numeric::double precision
             WHEN abs(value::numeric) < 1e-300 THEN 0::double precision END
    END;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

CREATE OR REPLACE FUNCTION landbridge.string(value jsonb) RETURNS text AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'string' THEN value #>> '{}' END;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

CREATE OR REPLACE FUNCTION landbridge.truth(value jsonb) RETURNS boolean AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'boolean' THEN value = 'true'::jsonb END;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

CREATE OR REPLACE FUNCTION landbridge.members(value jsonb) RETURNS jsonb AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'array' THEN value END;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- The instant of an RFC 3339 date and time, or of a date (its first moment in UTC). The pattern knows the
-- calendar: catching the error of a cast would keep whole queries from running in parallel.
CREATE OR REPLACE FUNCTION landbridge.instant(value jsonb) RETURNS timestamptz AS $$
DECLARE
    written text := CASE WHEN jsonb_typeof(value) = 'string' THEN value #>> '{}' END;
BEGIN
    IF written ~ '^((?!0000)\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|1\d|2[0-8]))|(\d\d(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)-02-29)([Tt ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?([Zz]|[+-](0\d|1[0-4]):[0-5]\d))?$' THEN
        RETURN (CASE WHEN length(written) = 10 THEN written || 'T00:00:00Z' ELSE written END)::timestamptz;
    END IF;
    RETURN NULL;
END;
$$ LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE;

-- Less (-1), equal (0) or more (1); NULL for values of different types and for those without an order.
CREATE OR REPLACE FUNCTION landbridge.compared(one jsonb, other jsonb) RETURNS integer AS $$
    SELECT CASE
        WHEN jsonb_typeof(one) IS DISTINCT FROM jsonb_typeof(other) THEN NULL
        WHEN jsonb_typeof(one) = 'string' THEN CASE
            WHEN (one #>> '{}') COLLATE "C" < (other #>> '{}') THEN -1
            WHEN one = other THEN 0 ELSE 1 END
        WHEN jsonb_typeof(one) IN ('number', 'boolean') THEN CASE
            WHEN one < other THEN -1 WHEN one = other THEN 0 ELSE 1 END
    END;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- Arithmetic that has no errors: what a double cannot hold, or has no value, is NULL.
CREATE OR REPLACE FUNCTION landbridge.tame(value double precision) RETURNS boolean AS $$
    SELECT value = 0 OR abs(value) BETWEEN 1e-150 AND 1e150;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

CREATE OR REPLACE FUNCTION landbridge.computed(operator text, one double precision, other double precision)
RETURNS double precision AS $$
    SELECT CASE
        WHEN NOT landbridge.tame(one) OR NOT landbridge.tame(other) THEN NULL
        WHEN operator = '+' THEN one + other
        WHEN operator = '-' THEN one - other
        WHEN operator = '*' THEN one * other
        WHEN operator = '/' THEN one / nullif(other, 0)
        WHEN operator = 'div' THEN trunc(one / nullif(other, 0))
        WHEN operator = '%' THEN one - other * trunc(one / nullif(other, 0))
        WHEN operator = '^' AND one = 0 THEN CASE WHEN other = 0 THEN 1 WHEN other > 0 THEN 0 END
        WHEN operator = '^' AND (one > 0 OR other = trunc(other)) AND abs(other * ln(abs(one))) < 690
            THEN one ^ other
    END;
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;

-- Letters without case. A database made with the C locale folds ASCII only, so Unicode's rules come from ICU,
-- where the server was built with it.
DO $do$
DECLARE
    rules text := coalesce(
        (SELECT 'pg_catalog.' || quote_ident(collname) FROM pg_collation
         WHERE collname IN ('und-x-icu', 'C.utf8', 'C.UTF-8') AND collencoding IN (-1, pg_char_to_encoding('UTF8'))
         ORDER BY collname = 'und-x-icu' DESC LIMIT 1),
        'pg_catalog."default"'
    );
BEGIN
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION landbridge.folded(value text) RETURNS text AS '
        '$$ SELECT lower(value COLLATE %s) COLLATE "C" $$ LANGUAGE sql IMMUTABLE PARALLEL SAFE', rules
    );
END;
$do$;

-- Letters without accents: taken apart, and what is not spacing left out.
CREATE OR REPLACE FUNCTION landbridge.unaccented(value text) RETURNS text AS $$
    SELECT regexp_replace(normalize(value, NFD), '[\u0300-\u036f]', '', 'g') COLLATE "C";
$$ LANGUAGE sql IMMUTABLE PARALLEL SAFE;
