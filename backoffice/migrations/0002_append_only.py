from django.db import migrations

# Whoever asks, the service's own role included: what stands in the log stays.
FORWARDS = """
CREATE FUNCTION backoffice_entry_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER entry_stays BEFORE UPDATE OR DELETE ON backoffice_entry
    FOR EACH ROW EXECUTE FUNCTION backoffice_entry_stays();
CREATE TRIGGER entries_stay BEFORE TRUNCATE ON backoffice_entry
    FOR EACH STATEMENT EXECUTE FUNCTION backoffice_entry_stays();
"""
BACKWARDS = """
DROP TRIGGER entry_stays ON backoffice_entry;
DROP TRIGGER entries_stay ON backoffice_entry;
DROP FUNCTION backoffice_entry_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0001_audit")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
