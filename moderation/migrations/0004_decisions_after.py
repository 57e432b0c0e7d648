from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0003_what_was_upheld_stays_hidden"),
    ]

    operations = [
        # With a default in the database: a release that does not know the column goes on writing rows.
        migrations.AddField(
            model_name="decision",
            name="after",
            field=models.JSONField(db_default={}, default=dict),
        ),
    ]
