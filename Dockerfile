# Our own code, and the two servers without an official image, from the same Debian packages that bin/up installs.
# docker-compose.yml says what of it each container runs, and how its health is asked.
FROM debian:12-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-venv ca-certificates \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY requirements.txt ./
# pip stays behind: nothing is installed where the service runs.
RUN python3 -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --no-compile -r requirements.txt \
 && /venv/bin/pip uninstall --yes pip

FROM debian:12-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 pgbouncer gearman-job-server ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin instagram
COPY --from=build /venv /venv
WORKDIR /srv/instagram
COPY . .
ENV PATH=/venv/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    STATE_DIR=/state DJANGO_SETTINGS_MODULE=instagram.settings.development
USER instagram
