# Sourced by the commands of bin/: installs what is missing, once. Plain bash; nothing is needed beforehand.
# Whatever only a person can put right ends it with one sentence and exit code 2.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
COMMAND=bin/$(basename "$0")
export DEBIAN_FRONTEND=noninteractive

die() {
  echo "$COMMAND: $*" >&2
  exit 2
}

# A setting: from the environment, else from .env, else the default (the same as in instagram/settings/parts/).
setting() {
  local value=${!1:-}
  [ -n "$value" ] || value=$(sed -n "s/^ *$1 *= *[\"']\{0,1\}\([^\"']*\)[\"']\{0,1\} *$/\1/p" "$ROOT/.env" 2>/dev/null | tail -1)
  echo "${value:-$2}"
}

LOCAL=$ROOT/.local
STATE_DIR=$(setting STATE_DIR "$LOCAL")
STACK_USER=$(setting STACK_USER instagram)
STACK_MIN_FREE_MB=$(setting STACK_MIN_FREE_MB 3000)
export STATE_DIR

# One line a step, with its seconds.
step() {
  local began=${EPOCHREALTIME/[.,]/} what=$1
  shift
  "$@"
  local took=$(((${EPOCHREALTIME/[.,]/} - began) / 100000))
  printf '%-24s%6s s\n' "$what" "$((took / 10)).$((took % 10))"
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

can_be_root() {
  [ "$(id -u)" = 0 ] && return
  command -v sudo >/dev/null || return 1
  sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }
}

# The first folder on the way to $1 that is closed to the servers' account, if any.
closed_folder() {
  local folder
  folder=$(readlink -m "$1")
  while [ "$folder" != / ]; do
    if [ -d "$folder" ] && [ $((0$(stat -c %a "$folder") & 1)) = 0 ]; then
      echo "$folder"
      return
    fi
    folder=$(dirname "$folder")
  done
}

# Make a folder for data. PostgreSQL, PgBouncer and memcached refuse to run as root, and the account that runs them for
# root must reach their data: what lies below a closed folder (/root) is kept elsewhere, a link stands in its place.
place() {
  local folder=$1 closed elsewhere
  # Made under a tight umask, it is closed itself; that we can change.
  [ "$(id -u)" != 0 ] || [ ! -d "$folder" ] || chmod a+rx "$folder"
  if [ "$(id -u)" = 0 ] && closed=$(closed_folder "$folder") && [ -n "$closed" ]; then
    elsewhere=/var/lib/instagram-local/$(printf %s "$folder" | sha256sum | cut -c1-12)
    mkdir -p "$elsewhere" "$(dirname "$folder")" 2>/dev/null || die "$elsewhere cannot be made."
    chmod 755 /var/lib/instagram-local "$elsewhere"
    if [ -d "$folder" ]; then
      cp -a "$folder/." "$elsewhere/" && rm -rf "$folder" || die "$folder cannot be moved to $elsewhere."
    fi
    ln -sfn "$elsewhere" "$folder"
    echo "$closed is closed to the account that runs the servers: $folder is now a link to $elsewhere."
  fi
  mkdir -p "$folder" 2>/dev/null && [ -w "$folder" ] ||
    die "$folder cannot be written by $(id -un): use a directory of your own, for the clone or as STATE_DIR."
}

check_space() {
  local free
  free=$(df -Pm "$1" | awk 'NR == 2 {print $4}')
  [ "$free" -ge "$STACK_MIN_FREE_MB" ] ||
    die "only $free MB are free below $1, but $STACK_MIN_FREE_MB MB are needed (STACK_MIN_FREE_MB)."
}

# The packages among these that are not installed.
missing_packages() {
  { dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true; } |
    awk -v wanted="$*" '$2 == "installed" {there[$1]} END {n = split(wanted, w, " "); for (i = 1; i <= n; i++) if (!(w[i] in there)) print w[i]}'
}

# Why an installer failed, from its own words in a file.
reason() {
  if grep -qi 'no space left' "$1"; then
    echo "the disk is full"
  elif grep -qiE 'could not resolve|temporary failure|could not connect|cannot connect|connection (refused|failed|timed)|max retries|network is unreachable|failed to fetch|unable to connect|no matching distribution|unable to locate package|has no installation candidate' "$1"; then
    echo "no package registry could be reached, or it lacks a package; is there a network?"
  else
    echo "something else went wrong."
  fi
}

apt_install() {
  local log=$LOCAL/apt.log policy=/usr/sbin/policy-rc.d rc=0 service
  # Debian would make a PostgreSQL cluster and start every server on its usual port; ours run elsewhere, as ours.
  if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    as_root mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
  fi
  [ ! -e $policy ] || as_root mv $policy $policy.before-instagram
  printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
  as_root chmod 755 $policy
  trap 'restore_policy' EXIT
  # An update that fails in part may still do: the installation decides.
  as_root apt-get update -q >"$log" 2>&1 || true
  as_root apt-get install -y -q --no-install-recommends -o Dpkg::Options::=--force-confold "$@" >>"$log" 2>&1 || rc=1
  restore_policy
  trap - EXIT
  [ $rc = 0 ] || die "the Debian packages $* could not be installed: $(reason "$log") apt's own words: $log"
  if [ -d /run/systemd/system ]; then
    for service in postgresql pgbouncer redis-server memcached gearman-job-server nginx haproxy ssh munin-node; do
      case " $* " in *" $service"*|*" open$service-server "*) as_root systemctl disable -q "$service" 2>/dev/null || true ;; esac
    done
  fi
}

restore_policy() {
  as_root rm -f /usr/sbin/policy-rc.d
  [ ! -e /usr/sbin/policy-rc.d.before-instagram ] ||
    as_root mv /usr/sbin/policy-rc.d.before-instagram /usr/sbin/policy-rc.d
}

install_packages() {
  local wanted missing
  wanted=$(grep -v '^#' "$ROOT/bin/lib/packages.txt" | tr '\n' ' ')
  missing=$(missing_packages $wanted "$@" | tr '\n' ' ')
  missing=${missing% }
  [ -n "$missing" ] || return 0
  can_be_root || die "Debian packages are missing and only root can install them: sudo apt-get install $missing"
  step "Debian packages" apt_install $missing
}

install_account() {
  [ "$(id -u)" = 0 ] || return 0
  id "$STACK_USER" >/dev/null 2>&1 ||
    useradd --system --no-create-home --shell /usr/sbin/nologin "$STACK_USER" 2>/dev/null ||
    die "the account $STACK_USER, which shall run the servers, could not be made."
}

pip_install() {
  local log=$LOCAL/pip.log
  if [ ! -x "$VENV/bin/pip" ] || [ "$(cat "$VENV/python-version" 2>/dev/null)" != "$(/usr/bin/python3 -V)" ]; then
    /usr/bin/python3 -m venv --clear "$VENV" >"$log" 2>&1 ||
      die "the virtual environment $VENV could not be made: $(reason "$log") Python's own words: $log"
    /usr/bin/python3 -V >"$VENV/python-version"
  fi
  "$VENV/bin/python" -m pip install --disable-pip-version-check --no-input --retries 2 --progress-bar off \
    -r "$ROOT/requirements-dev.txt" >"$log" 2>&1 ||
    die "the Python packages could not be installed: $(reason "$log") pip's own words: $log"
}

# What is installed is remembered by the checksum of what was asked for.
install_venv() {
  local wanted
  wanted=$({ /usr/bin/python3 -V; cat "$ROOT/requirements.txt" "$ROOT/requirements-dev.txt"; } | sha256sum)
  [ "$(cat "$VENV/installed" 2>/dev/null)" = "$wanted" ] && return
  step "Python packages" pip_install
  echo "$wanted" >"$VENV/installed"
}

# Everything, then PYTHON runs our code. Arguments: further Debian packages.
install_all() {
  place "$LOCAL"
  [ "$STATE_DIR" = "$LOCAL" ] || place "$STATE_DIR"
  # Resolved, for the servers' account may not be able to follow a link from a closed folder.
  VENV=$(readlink -f "$LOCAL")/venv PYTHON=$(readlink -f "$LOCAL")/venv/bin/python
  STATE_DIR=$(readlink -f "$STATE_DIR")
  check_space "$LOCAL"
  exec {lock}>"$LOCAL/install.lock"
  flock "$lock"
  install_packages "$@"
  install_account
  install_venv
  exec {lock}>&-
}

# Only find what is installed; fails when that is not everything.
find_installed() {
  VENV=$(readlink -m "$LOCAL")/venv PYTHON=$(readlink -m "$LOCAL")/venv/bin/python
  STATE_DIR=$(readlink -m "$STATE_DIR")
  [ -f "$VENV/installed" ]
}

# Debian packages with photographs for the demo; a clone beside shared/data has better ones.
demo_packages() {
  [ -d "$ROOT/../shared/data/photos" ] || [ -e "$STATE_DIR/demo.json" ] || grep -v '^#' "$ROOT/stack/demo-packages.txt"
}
