# Our own code, and the two servers without an official image, from the same Debian packages that bin/up installs.
FROM debian:12-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-venv pgbouncer gearman-job-server ca-certificates \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/instagram
COPY requirements.txt requirements-dev.txt ./
# psutil: what stack/ needs beyond the service.
RUN python3 -m venv /venv \
 && /venv/bin/pip install --no-cache-dir -r requirements.txt "$(grep '^psutil=' requirements-dev.txt)"
COPY . .
RUN useradd --system --no-create-home --shell /usr/sbin/nologin instagram
ENV PATH=/venv/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin PYTHONUNBUFFERED=1 STATE_DIR=/state \
    DJANGO_SETTINGS_MODULE=instagram.settings.development
USER instagram
