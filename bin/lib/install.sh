# Sourced by the commands of bin/: installs what is missing, once. Plain bash; nothing is needed beforehand.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LOCAL=$ROOT/.local
VENV=$LOCAL/venv
PACKAGES="python3 python3-venv postgresql-15 postgresql-client-15 pgbouncer redis-server memcached
gearman-job-server gearman-tools nginx-light ca-certificates curl"

die() {  # one clear sentence, exit code 2
  echo "${0##*/}: $*" >&2
  exit 2
}

say() { printf '%-24s' "$1"; STEP_STARTED=$SECONDS; }
said() { printf '%6d.0 s\n' $((SECONDS - STEP_STARTED)); }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_be_root() { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }

missing_packages() {
  local package
  for package in $PACKAGES "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package"
  done
}

# The servers' account must be able to reach the state; below a closed home directory it cannot.
place_local() {
  [ -e "$LOCAL" ] || [ -L "$LOCAL" ] && return
  if [ "$(id -u)" = 0 ]; then
    local folder=$ROOT
    while [ "$folder" != / ]; do
      if [ $((0$(stat -c %a "$folder") & 1)) = 0 ]; then
        local place=/var/lib/instagram-local/$(printf %s "$ROOT" | sha256sum | cut -c1-12)
        mkdir -p "$place" || die "$place cannot be made."
        chmod 755 /var/lib/instagram-local "$place"
        ln -s "$place" "$LOCAL"
        echo "$folder is closed to the servers' account: the data centre lives in $place (.local points there)"
        return
      fi
      folder=$(dirname "$folder")
    done
  fi
  mkdir -p "$LOCAL" 2>/dev/null || die "$ROOT cannot be written; clone to a directory that is yours."
}

install_packages() {
  local missing
  missing=$(missing_packages "$@")
  [ -z "$missing" ] && return
  can_be_root || die "these Debian packages are missing and only root can install them: $(echo $missing)"
  say "Debian packages"
  # Debian would start each server on its usual port, and make a PostgreSQL cluster: ours run elsewhere.
  as_root mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] ||
    echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
  local held=
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    held=1
    printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
    as_root chmod 755 /usr/sbin/policy-rc.d
  fi
  local log=$LOCAL/apt.log rc=0
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >"$log" 2>&1 &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >>"$log" 2>&1 || rc=1
  [ -z "$held" ] || as_root rm -f /usr/sbin/policy-rc.d
  [ $rc = 0 ] && [ -z "$(missing_packages "$@")" ] ||
    die "Debian packages could not be installed (no network, or no such package); apt's own words are in $log"
  said
}

install_account() {
  [ "$(id -u)" = 0 ] || return 0
  local user=${STACK_USER:-instagram}
  id "$user" >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin "$user" ||
    die "the account $user, which the servers run as, could not be made."
}

install_venv() {
  local want
  want=$(cat "$ROOT"/requirements.txt "$ROOT"/requirements-dev.txt | sha256sum | cut -c1-16)
  [ "$(cat "$VENV/installed" 2>/dev/null)" = "$want" ] && return
  say "Python packages"
  [ -x "$VENV/bin/python" ] || /usr/bin/python3 -m venv "$VENV" || die "the virtual environment $VENV could not be made."
  "$VENV/bin/pip" install --quiet --disable-pip-version-check -r "$ROOT/requirements-dev.txt" >"$LOCAL/pip.log" 2>&1 ||
    die "Python packages could not be installed (no network?); pip's own words are in $LOCAL/pip.log"
  echo "$want" >"$VENV/installed"
  said
}

check_space() {
  local free wanted=${STACK_MIN_FREE_MB:-3000}
  free=$(df -Pm "$ROOT" | awk 'NR == 2 {print $4}')
  [ "$free" -ge "$wanted" ] || die "only $free MB are free below $ROOT; $wanted MB are needed."
}

install_all() {
  [ -w "$ROOT" ] || die "$ROOT cannot be written; clone to a directory that is yours."
  check_space
  place_local
  install_packages "$@"
  install_account
  install_venv
}

demo_packages() {
  # A clone with ../shared/data has photographs; others take them from Debian.
  [ -d "$ROOT/../shared/data/photos" ] || [ ! -f "$ROOT/stack/demo-packages.txt" ] ||
    grep -v '^#' "$ROOT/stack/demo-packages.txt"
}
