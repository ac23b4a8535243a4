-- The audit table only grows: to remove old rows, an operator has to disable the trigger first.

CREATE OR REPLACE FUNCTION landbridge.refuse_change() RETURNS trigger AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: its rows are only ever added', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON landbridge.audit
FOR EACH STATEMENT EXECUTE FUNCTION landbridge.refuse_change();
