"""Since when each case waits, as a number that the order of the queue can be made of."""

from django.db import migrations, models
from django.db.models.functions import Extract, Now

import moderation.models


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0008_gone"),
    ]

    operations = [
        migrations.AddField(
            model_name="case",
            name="waits_from",
            field=models.FloatField(default=moderation.models.today, db_default=Extract(Now(), "epoch") / 86_400.0),
        ),
        migrations.RunSQL(
            "UPDATE moderation_case SET waits_from = extract(epoch FROM opened_at) / 86400", migrations.RunSQL.noop
        ),
    ]
