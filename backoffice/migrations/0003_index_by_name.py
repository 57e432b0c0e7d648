from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("backoffice", "0002_append_only")]

    operations = [
        migrations.AddIndex(model_name="entry", index=models.Index(fields=["actor_name", "-id"], name="audit_by_name"))
    ]
