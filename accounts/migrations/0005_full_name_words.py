from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_reports_deletion_export")]

    operations = [
        migrations.AddIndex(
            model_name="user",
            index=GinIndex(SearchVector("full_name", config="simple"), name="full_name_words"),
        ),
    ]
