"""Linked accounts at other services."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0002_devices"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="LinkedService",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "service",
                    models.CharField(
                        choices=[
                            ("twitter", "Twitter"),
                            ("facebook", "Facebook"),
                            ("tumblr", "Tumblr"),
                            ("flickr", "Flickr"),
                            ("foursquare", "Foursquare"),
                            ("posterous", "Posterous"),
                        ],
                        max_length=10,
                    ),
                ),
                ("account", models.CharField(max_length=100)),
                ("credentials", models.TextField()),
                ("linked_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("user", "service"), name="one_link_per_person_and_service")
                ],
            },
        ),
    ]
