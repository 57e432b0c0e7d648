import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_full_name_words"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        # PostgreSQL takes nothing less than IMMUTABLE into an index; the text is UTF-8 whatever the database's encoding.
        migrations.RunSQL(
            "CREATE FUNCTION accounts_sha256(content text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE"
            " AS $$ SELECT pg_catalog.sha256(pg_catalog.convert_to(content, 'UTF8')) $$",
            "DROP FUNCTION accounts_sha256(text)",
        ),
        migrations.CreateModel(
            name="LookedUp",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.BinaryField(max_length=16)),
                ("looked_up_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name="SeenLogin",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.BinaryField(max_length=16)),
                ("last_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
            ],
        ),
        migrations.AddField(
            model_name="user",
            name="email_confirmed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(
                models.Func("email", function="accounts_sha256", output_field=models.BinaryField()),
                name="user_email_hash",
            ),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(
                models.Func(
                    models.Func(
                        models.F("phone"),
                        models.Value("[^0-9]"),
                        models.Value(""),
                        models.Value("g"),
                        function="regexp_replace",
                        output_field=models.CharField(),
                    ),
                    function="accounts_sha256",
                    output_field=models.BinaryField(),
                ),
                condition=models.Q(("phone", ""), _negated=True),
                name="user_phone_hash",
            ),
        ),
        migrations.AddField(
            model_name="lookedup",
            name="user",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name="seenlogin",
            name="user",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name="lookedup",
            constraint=models.UniqueConstraint(fields=("code", "user"), name="one_row_per_code_and_person"),
        ),
        migrations.AddConstraint(
            model_name="seenlogin",
            constraint=models.UniqueConstraint(fields=("user", "code"), name="one_row_per_person_and_login"),
        ),
    ]
