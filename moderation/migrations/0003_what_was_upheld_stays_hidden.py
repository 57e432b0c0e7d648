from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0002_first_rules"),
        ("accounts", "0009_moderation"),
    ]

    operations = [
        # Public lists no longer leave out what was upheld, but what is hidden: what staff upheld before there were
        # decisions stays out of them.
        migrations.RunSQL(
            "INSERT INTO accounts_hiddenphoto (photo_id, since)"
            " SELECT DISTINCT target_id, now() FROM accounts_report AS report"
            " WHERE kind = 'media' AND review = 'upheld' AND NOT EXISTS (SELECT FROM moderation_decision AS decision"
            " WHERE decision.kind = 'media' AND decision.target_id = report.target_id)"
            " ON CONFLICT DO NOTHING",
            migrations.RunSQL.noop,
        ),
    ]
