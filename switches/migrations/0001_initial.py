import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=30)),
                ("target", models.CharField(blank=True, max_length=63)),
                ("on", models.BooleanField()),
                ("reason", models.CharField(max_length=200)),
                ("by", models.CharField(max_length=100)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("until", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name_plural": "switches",
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["name", "target", "-id"], name="switches_latest")],
            },
        ),
    ]
