/** The part of the on-machine script that looks: one line per thing, in words that `parseView` reads. It changes nothing. */

export const OBSERVE = `same_content() { # SHA PATH
  [ -f "$2" ] && [ ! -L "$2" ] && [ "$(sha256sum < "$2" | cut -d' ' -f1)" = "$1" ]
}

same_file() { # MODE OWNER SHA PATH
  same_content "$3" "$4" && [ "$(stat -c '%a %U:%G' "$4")" = "\${1#0} $2" ]
}

observe_file() { # MODE OWNER SHA PATH
  if same_file "$@"; then say "file $3 $4"
  elif same_content "$3" "$4"; then say "file $(stat -c '%04a:%U:%G' "$4") $4"
  elif [ -e "$4" ] || [ -L "$4" ]; then say "file changed $4"
  else say "file missing $4"
  fi
}

# Files below the folders of administrators that change a unit and are not of the generation.
drop_ins() { # UNIT
  for file in $(systemctl show -p DropInPaths --value "$1" 2>/dev/null); do
    case $file in
    /etc/systemd/* | /run/systemd/*) grep -qs "^f .* $file$" "$base/current/manifest" || say "$file" ;;
    esac
  done
}

observe_unit() { # UNIT
  enabled=$(systemctl is-enabled "$1" 2>/dev/null)
  [ -z "$(drop_ins "$1")" ] || enabled=overridden
  say "unit $(systemctl is-active "$1") \${enabled:-no} $1"
}

# Files of Debian packages that are not as the packages brought them. Times of inodes cannot be set by hand: what is younger than
# the file system, made with the image, is compared with the packages' own lists; all else is as it was, and is not read.
observe_packages() { # MANIFEST
  {
    find /usr /etc -xdev \\( -path /usr/lib/croft -o -path /etc/croft \\) -prune -o -newerct "@$(($(stat -c %W /) + 2))" -printf '%y %p\\n'
    dpkg-query -W -f '\${Conffiles}\\n' | sed -n 's|^ /\\([^ ]*\\) \\([0-9a-f]\\{32\\}\\)$|sum \\2 \\1|p'
  } | awk '
    $1 == "f" { files[substr($2, 2)] = 1; next }
    $1 == "d" { folders[$2] = 1; next }
    $1 == "sum" { if ($3 in files) print "sum", $2, "/" $3; next }
    NF == 2 && $2 in files { print "sum", $1, "/" $2; next }
    { folder = $0; sub("/[^/]*$", "", folder); if (folder in folders) print "there -", $0 }
  ' - /var/lib/dpkg/info/*.md5sums /var/lib/dpkg/info/*.list | sort -u | while read -r type sum path; do
    # Documentation is left out of images; what croft writes over a package's file is judged with the generation's files.
    case $path in /usr/share/doc/* | /usr/share/man/* | /usr/share/locale/*) continue ;; esac
    grep -q "^f .* $path$" "$1" && continue
    if [ ! -e "$path" ] && [ ! -L "$path" ]; then say "package missing $path"
    elif [ "$type" = sum ] && [ "$(md5sum < "$path" | cut -c1-32)" != "$sum" ]; then say "package changed $path"
    fi
  done
}

# The rules in force, named by the file they come from: what a reload of that very file left.
firewall_note() { say "$base/firewall-$(sha256sum < /etc/nftables.conf | cut -c1-16)"; }
firewall_now() { nft -s list ruleset 2>/dev/null | sha256sum | cut -c1-16; }
firewall_intact() { [ "$(cat "$(firewall_note)" 2>/dev/null)" = "$(firewall_now)" ]; }

observe() {
  current=$(link_of "$base/current")
  say "boot $(cat /proc/sys/kernel/random/boot_id)"
  say "current $current"
  say "pending $(pending_of)"
  if [ "$current" != - ]; then
    while read -r type a b c d <&3; do
      case $type in
      d) say "directory $(stat -c '%04a %U:%G' "$c" 2>/dev/null || say missing -) $c" ;;
      f) observe_file "$a" "$b" "$c" "$d" ;;
      u) [ "$b" != start ] || observe_unit "$a" ;;
      esac
    done 3< "$base/$current/manifest"
    observe_packages "$base/$current/manifest"
    if firewall_intact; then say 'firewall intact'; else say 'firewall changed'; fi
  fi
  for slot in "$slots"/*/; do
    [ -d "$slot" ] || continue
    version=$(link_of "\${slot}current")
    state=ok
    (cd "\${slot}current" 2>/dev/null && sha256sum --check --status "../$version.sum" 2>/dev/null) || state=changed
    say "slot $state $version $(find "\${slot}current/" -type f -printf '%#m:%u:%g\n' 2>/dev/null | sort -u | paste -sd, -) $(basename "$slot")"
  done
  say "disk $(df --output=avail -B1 / | tail -n 1)"
  say "systemd $(systemctl is-system-running)"
}
`;
