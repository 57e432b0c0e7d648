"""The rules an installation begins with, as moderation/spam/rules.py has their numbers; staff changes them."""

from django.db import migrations, models

FIRST = (
    ("Too many texts", "rate", {"texts": 30, "minutes": 10}),
    ("The same again and again", "repeated_text", {"times": 4, "hours": 24, "characters": 8}),
    ("Links from a new account", "new_account_links", {"account_hours": 48, "links": 1}),
    ("Hashtags without end", "hashtag_stuffing", {"hashtags": 25}),
)


def begin(apps, schema_editor):
    rules = apps.get_model("moderation", "SpamRule").objects
    for name, kind, numbers in FIRST:
        rules.get_or_create(name=name, defaults={"kind": kind, "numbers": numbers})


class Migration(migrations.Migration):
    dependencies = [("moderation", "0001_cases_decisions_and_prints")]

    operations = [
        migrations.CreateModel(
            name="SpamRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60, unique=True)),
                ("kind", models.CharField(max_length=30)),
                ("numbers", models.JSONField(default=dict)),
                ("is_on", models.BooleanField(default=True)),
                ("changed_at", models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.RunPython(begin, migrations.RunPython.noop),
    ]
