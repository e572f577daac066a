/** The script that runs on a machine. POSIX sh; it travels on standard input with every call and is itself a file of each generation. */

import { OBSERVE } from "./agent-observe.ts";

export const AGENT_PATH = "/usr/lib/croft/agent";

/**
 * Verbs: `observe`, `restore`, `stage ID`, `activate ID`, `confirm ID`, `revert`, `boot`, `slot …`, `unslot NAME`, `probe`.
 * Manifest lines of a generation, words without spaces:
 *
 *     d MODE OWNER PATH            a directory
 *     f MODE OWNER SHA256 PATH     a file, its content in files/SHA256
 *     u NAME START ONCHANGE PATHS  a unit, in order; PATHS joined by commas or -
 *     p SECONDS UNIT NAME          a probe, its script in probes/NAME
 */
export const AGENT = `set -u
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
umask 022
base=/var/lib/croft/generations
slots=/etc/croft/slots
risky='^/etc/(nftables\\.conf$|ssh/|systemd/network/)'

say() { printf '%s\\n' "$*"; }
fail() { printf 'croft-failed %s\\n' "$*"; }
link_of() { readlink "$1" 2>/dev/null || say -; }
pending_of() { cat "$base/pending" 2>/dev/null || say -; }

# The log of a unit for whoever reads why it failed.
explain() {
  say 'croft-log'
  [ "$1" = - ] || journalctl --no-pager --quiet --output=cat --lines=25 --unit="$1" 2>/dev/null
}

${OBSERVE}
stage() { # ID, tar on standard input
  mkdir -p "$base" && chmod 0700 "$base"
  rm -rf "$base/$1.new"
  if [ -d "$base/$1" ]; then cat > /dev/null; return 0; fi
  mkdir "$base/$1.new" && tar -x -f - -C "$base/$1.new" && sync -f "$base/$1.new" && mv "$base/$1.new" "$base/$1"
}

# Puts the files of a generation in place; leaves the paths that changed in $changes.
install_files() { # NEW OLD
  changes=$(mktemp)
  while read -r type a b c d <&3; do
    case $type in
    d) install -d -m "$a" -o "\${b%:*}" -g "\${b#*:}" "$c" || return 1 ;;
    f)
      same_file "$a" "$b" "$c" "$d" && continue
      mkdir -p "$(dirname "$d")" || return 1
      install -m "$a" -o "\${b%:*}" -g "\${b#*:}" "$base/$1/files/$c" "$d.croft-new" && mv -T "$d.croft-new" "$d" || return 1
      say "$d" >> "$changes" ;;
    esac
  done 3< "$base/$1/manifest"
}

# Stops units and removes files that only the old generation has.
remove_old() { # NEW OLD
  [ "$2" != - ] && [ -f "$base/$2/manifest" ] || return 0
  while read -r type a b c d <&3; do
    case $type in
    u) grep -q "^u $a " "$base/$1/manifest" || systemctl disable --quiet --now "$a" 2>/dev/null ;;
    esac
  done 3< "$base/$2/manifest"
  while read -r type a b c d <&3; do
    case $type in
    f) awk -v path="$d" '$1 == "f" && $5 == path { found = 1 } END { exit !found }' "$base/$1/manifest" || { rm -f "$d"; say "$d" >> "$changes"; } ;;
    esac
  done 3< "$base/$2/manifest"
}

any_changed() { # comma-joined paths
  [ "$1" != - ] || return 1
  printf '%s' "$1" | tr , '\\n' | grep -qxFf "$changes"
}

start_units() { # ID
  firewall_intact || say /etc/nftables.conf >> "$changes"
  grep -q '^/etc/systemd/' "$changes" && systemctl daemon-reload
  while read -r type name start onchange paths <&3; do
    [ "$type" = u ] && [ "$start" = start ] || continue
    case $(systemctl is-enabled "$name" 2>/dev/null) in masked*) systemctl unmask --quiet "$name"; systemctl unmask --quiet --runtime "$name" ;; esac
    for file in $(drop_ins "$name"); do
      rm -f "$file"
      say "/etc/systemd/system/$name" >> "$changes"
      systemctl daemon-reload
    done
    systemctl enable --quiet "$name" 2>/dev/null || { fail unit "$name" cannot be enabled; return 1; }
    if grep -qxF "/etc/systemd/system/$name" "$changes"; then action=restart
    elif any_changed "$paths"; then action=$onchange
    else action=start
    fi
    [ "$action" = reload ] && ! systemctl is-active --quiet "$name" && action=restart
    [ "$action" = start ] && systemctl reset-failed "$name" 2>/dev/null
    if ! systemctl "$action" "$name"; then
      fail unit "$name" did not "$action"
      explain "$name"
      return 1
    fi
  done 3< "$base/$1/manifest"
  grep -qxF /etc/nftables.conf "$changes" || return 0
  rm -f "$base"/firewall-*
  firewall_now > "$(firewall_note)"
}

# Files of packages as the image has them, tar on standard input; a unit whose program was replaced below it starts anew.
restore() {
  tar -x -p -f - -C / --unlink-first || return 1
  for unit in $(awk '$1 == "u" && $3 == "start" { print $2 }' "$base/current/manifest" 2>/dev/null); do
    pid=$(systemctl show -p MainPID --value "$unit")
    case $(readlink "/proc/$pid/exe") in *'(deleted)') systemctl restart "$unit" ;; esac
  done
  return 0
}

run_probes() { # ID
  while read -r type seconds unit name <&3; do
    [ "$type" = p ] || continue
    deadline=$(($(date +%s) + seconds))
    until output=$(timeout "$seconds" sh "$base/$1/probes/$name" 2>&1 < /dev/null); do
      if [ "$(date +%s)" -ge "$deadline" ]; then
        fail probe "$name" did not succeed in "$seconds" s
        say "$output" | tail -n 5
        explain "$unit"
        return 1
      fi
      sleep 0.1
    done
  done 3< "$base/$1/manifest"
}

finish() { # ID
  ln -sfn "$1" "$base/current.new" && mv -T "$base/current.new" "$base/current" && sync -f "$base" && rm -f "$base/pending" && sync -f "$base"
  systemctl stop croft-revert.timer 2>/dev/null
  kept=$(ls -1dt "$base"/*/ 2>/dev/null | grep -v "/$1/" | tail -n +3)
  [ -z "$kept" ] || rm -rf $kept
}

go_back() { # FROM
  previous=$(link_of "$base/current")
  if [ "$previous" = - ]; then rm -f "$base/pending"; return 0; fi
  install_files "$previous" && remove_old "$previous" "$1" && start_units "$previous"
  rm -f "$base/pending"
  sync -f "$base"
}

activate() { # ID
  alone || return 1
  previous=$(link_of "$base/current")
  printf '%s\\n' "$1" > "$base/pending.new" && sync -f "$base" && mv "$base/pending.new" "$base/pending" && sync -f "$base"
  if install_files "$1" && remove_old "$1" "$previous" && guard "$1" "$previous" && start_units "$1" && run_probes "$1"; then
    if [ "$guarded" = yes ]; then say croft-confirm; else finish "$1"; fi
    return 0
  fi
  systemctl stop croft-revert.timer 2>/dev/null
  go_back "$1" > /dev/null 2>&1
  return 3
}

# A change that could cut the operator off undoes itself unless somebody confirms it; so does one that comes while such a change
# is not confirmed yet, since its files are in place already and would show no risk.
guard() { # ID PREVIOUS
  guarded=no
  [ "$2" != - ] || return 0
  systemctl is-active --quiet croft-revert.timer || grep -qE "$risky" "$changes" || return 0
  guarded=yes
  cp "$base/$1/agent" /run/croft-revert.sh
  systemctl stop croft-revert.timer 2>/dev/null
  systemctl reset-failed croft-revert.service 2>/dev/null
  systemd-run --quiet --unit=croft-revert --on-active=60 --timer-property=AccuracySec=100ms sh /run/croft-revert.sh revert
}

revert() {
  from=$(pending_of)
  [ "$from" = - ] || go_back "$from"
}

# A generation that was being activated when the machine went down is taken back before its units start.
boot() {
  from=$(pending_of)
  previous=$(link_of "$base/current")
  [ "$from" != - ] && [ "$previous" != - ] && install_files "$previous"
  [ "$from" = - ] || { rm -f "$base/pending"; systemctl daemon-reload; }
  return 0
}

# One change takes effect at a time: each is tested and proven with what the others left, never with half of them.
alone() {
  exec 9> /run/croft-agent.lock
  flock -w 100 9 || { fail another change of this machine has not ended for 100 s; return 1; }
}

write_slot() { # NAME VERSION MODE OWNER UNIT ACTION CHECK, tar on standard input
  dir=$slots/$1
  mkdir -p "$dir" && rm -rf "$dir/$2.new" || return 1
  umask 077
  mkdir "$dir/$2.new" && tar -x -f - -C "$dir/$2.new" || return 1
  chown -R "$4" "$dir/$2.new" && find "$dir/$2.new" -type f -exec chmod "$3" {} +
  # A folder is open to whom its files are: read bits become search bits too.
  find "$dir/$2.new" -type d -exec chmod "$(printf '%s' "$3" | sed 's/[46]/5/g; s/^05/07/')" {} +
  (cd "$dir/$2.new" && find . -type f -exec sha256sum {} +) > "$dir/$2.sum" || return 1
  sync -f "$dir/$2.new"
  alone || return 1
  previous=$(link_of "$dir/current")
  if [ "$previous" = "$2" ]; then rm -rf "$dir/$2.old"; mv "$dir/$2" "$dir/$2.old"; else rm -rf "\${dir:?}/$2"; fi
  mv "$dir/$2.new" "$dir/$2" && rm -rf "$dir/$2.old"
  ln -sfn "$2" "$dir/current.new" && mv -T "$dir/current.new" "$dir/current" && sync -f "$dir" || return 1
  if [ "$5" != - ] && systemctl is-active --quiet "$5"; then
    if ! { [ "$7" = - ] || output=$(sh -c "$7" 2>&1); } || ! systemctl "$6" "$5"; then
      fail slot "$1" was refused by "$5"
      say "\${output:-}" | tail -n 10
      explain "$5"
      if [ "$previous" != - ] && [ "$previous" != "$2" ]; then
        ln -sfn "$previous" "$dir/current.new" && mv -T "$dir/current.new" "$dir/current"
        systemctl "$6" "$5" > /dev/null 2>&1
      fi
      return 3
    fi
  fi
  for old in $(ls -1dt "$dir"/*/ | sed 's|/$||' | grep -v "/current$" | grep -v "/$2$" | tail -n +2); do rm -rf "$old" "$old.sum"; done
}

remove_slot() { # NAME
  rm -rf "\${slots:?}/$1"
}

verb=$1
shift
case $verb in
observe) observe ;;
restore) restore ;;
stage) stage "$@" ;;
activate) activate "$@" ;;
confirm) if [ "$(pending_of)" = "$1" ]; then finish "$1"; else fail generation "$1" was taken back before it was confirmed; exit 3; fi ;;
revert) revert ;;
boot) boot ;;
probe) run_probes "$(link_of "$base/current")" ;;
slot) write_slot "$@" ;;
unslot) remove_slot "$@" ;;
*) say "unknown verb $verb" >&2; exit 64 ;;
esac
`;
