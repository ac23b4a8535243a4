-- Who tried to change what. Rows are only ever added: whoever wants to remove old ones has to disable the trigger.
CREATE TABLE landbridge.audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    time timestamptz NOT NULL,
    request_id uuid NOT NULL,
    username text NOT NULL,
    org text,
    credential text,
    method text NOT NULL,
    action text NOT NULL,
    targets text[] NOT NULL,
    status integer NOT NULL,
    address text
);
CREATE INDEX audit_time ON landbridge.audit (time);
CREATE INDEX audit_user ON landbridge.audit (username, id);
CREATE INDEX audit_targets ON landbridge.audit USING gin (targets);

CREATE FUNCTION landbridge.refuse_change() RETURNS trigger AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: its rows are only ever added', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END;
$$ LANGUAGE plpgsql;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON landbridge.audit
FOR EACH STATEMENT EXECUTE FUNCTION landbridge.refuse_change();
