from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0002_devices")]

    operations = [
        migrations.AddIndex(
            model_name="update",
            index=models.Index(fields=["photo_id"], name="update_of_photo"),
        ),
    ]
