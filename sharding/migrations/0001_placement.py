from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Placement",
            fields=[
                ("logical_shard", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("server", models.CharField(max_length=63)),
            ],
        ),
    ]
