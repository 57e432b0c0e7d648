from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0003_linked_services")]

    operations = [
        migrations.AddIndex(
            model_name="update",
            index=models.Index(fields=["photo_id"], name="update_of_photo"),
        ),
    ]
