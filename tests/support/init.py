"""What a bare host has of systemd: enough of systemctl and journalctl that an operator's verbs can be tried there.

A chroot has no init. Units are started as their unit file has them, by their account, with their line; what they say
lies where the group systemd-journal reads it. Nothing is begun again when it ends, nothing is shut in.
"""

from tests.support.bare import BareHost

_SYSTEMCTL = r"""#!/bin/bash
set -eu
verb=$1 name=${*: -1}
name=${name#instagram@}
pidfile=/run/units/$name.pid log=/var/log/units/$name.log
pid() { cat "$pidfile" 2>/dev/null || true; }
runs() { [ -n "$(pid)" ] && [ -d "/proc/$(pid)" ]; }
line() { sed -n "s/^$1=//p" /etc/systemd/system/instagram@.service | sed "s/%i/$name/"; }
start() {
  mkdir -p /run/units /var/log/units
  [ -e "$log" ] || install -m 640 -g systemd-journal /dev/null "$log"
  setsid setpriv --reuid "$(line User)" --regid "$(line Group)" --init-groups -- \
    $(line ExecStart) >>"$log" 2>&1 </dev/null &
  echo $! >"$pidfile"
}
stop() {
  runs || return 0
  kill -TERM "$(pid)"
  for _ in {1..300}; do runs || return 0; sleep 0.1; done
  kill -KILL "$(pid)"
}
case $verb in
  restart) stop; start ;;
  reload-or-restart) if runs; then kill -HUP "$(pid)"; else start; fi ;;
  status | is-active) if runs; then echo active; else echo inactive; exit 3; fi ;;
  show)
    printf 'MainPID=%s\nNRestarts=0\n' "$(pid)"
    if runs; then echo ActiveState=active; else echo ActiveState=inactive; fi
    ;;
  *) echo "systemctl: no $verb here" >&2; exit 1 ;;
esac
"""
_JOURNALCTL = r"""#!/bin/bash
# journalctl -u instagram@UNIT -r -o cat --no-pager
exec tac "/var/log/units/${2#instagram@}.log"
"""


def install(host: BareHost) -> None:
    """Put both there. A host that is provisioned afterwards finds the group that reads the journal."""
    for name, text in (("systemctl", _SYSTEMCTL), ("journalctl", _JOURNALCTL)):
        path = host.root / "usr/bin" / name
        path.write_text(text)
        path.chmod(0o755)
    host.run("groupadd", "--system", "--force", "systemd-journal")
