/** The part of the on-machine script that looks: one line per thing, in words that `parseView` reads. It changes nothing. */

export const OBSERVE = `same_file() { # MODE OWNER SHA PATH
  [ -f "$4" ] && [ ! -L "$4" ] && [ "$(sha256sum < "$4" | cut -d' ' -f1)" = "$3" ] && [ "$(stat -c '%a %U:%G' "$4")" = "\${1#0} $2" ]
}

# What the manifest says of directories and files, with one program for each question and not one for each file.
observe_files() { # MANIFEST
  manifest=$1
  set --
  while read -r type a b c d <&3; do
    case $type in
    d) if [ -e "$c" ] || [ -L "$c" ]; then set -- "$@" "$c"; else say "directory missing - $c"; fi ;;
    esac
  done 3< "$manifest"
  [ $# = 0 ] || stat -c 'directory %04a %U:%G %n' "$@" 2>/dev/null
  set --
  while read -r type a b c d <&3; do
    [ "$type" = f ] || continue
    if [ -f "$d" ] && [ ! -L "$d" ]; then set -- "$@" "$d"
    elif [ -e "$d" ] || [ -L "$d" ]; then say "file changed $d"
    else say "file missing $d"
    fi
  done 3< "$manifest"
  [ $# != 0 ] || return 0
  { stat -c 'is %04a:%U:%G %n' "$@"; sha256sum "$@"; } 2>/dev/null | awk '
    $1 == "is" { is[$3] = $2; next }
    $1 != "f" && NF == 2 { sum[$2] = $1; next }
    $1 == "f" && $5 in is { print "file", sum[$5] != $4 ? "changed" : is[$5] != $2 ":" $3 ? is[$5] : $4, $5 }
  ' - "$manifest"
}

# Files below the folders of administrators that change a unit and are not of the generation.
drop_ins() { # UNITS
  for file in $(systemctl show -p DropInPaths --value "$@" 2>/dev/null); do
    case $file in
    /etc/systemd/* | /run/systemd/*) grep -qs "^f .* $file$" "$base/current/manifest" || say "$file" ;;
    esac
  done
}

# One word for each unit; one that systemd cannot read ends a question about several.
enabled_words() { # UNITS
  words=$(systemctl is-enabled "$@" 2>/dev/null)
  if [ "$(say "$words" | wc -l)" = $# ]; then say "$words"; return; fi
  for unit; do
    word=$(systemctl is-enabled "$unit" 2>/dev/null)
    say "\${word:-no}"
  done
}

observe_units() { # UNITS
  [ $# != 0 ] || return 0
  foreign=$(drop_ins "$@")
  {
    printf '%s\\n' "$@"
    enabled_words "$@"
    systemctl is-active "$@"
    [ -z "$foreign" ] || for unit; do [ -z "$(drop_ins "$unit")" ] || say "$unit"; done
  } | awk -v count=$# '
    { word[NR] = $0 }
    NR > 3 * count { overridden[$0] }
    END { for (i = 1; i <= count; i++) print "unit", word[2 * count + i], word[i] in overridden ? "overridden" : word[count + i], word[i] }
  '
}

# Files of Debian packages that are not as the packages brought them. Times of inodes cannot be set by hand: what is younger than
# the file system, made with the image, is compared with the packages' own lists; all else is as it was, and is not read.
observe_packages() { # MANIFEST
  {
    # What croft writes over a package's file is judged with the generation's files.
    sed -n 's/^f .* /own /p' "$1"
    find /usr /etc -xdev \\( -path /usr/lib/croft -o -path /etc/croft \\) -prune -o -newerct "@$(($(stat -c %W /) + 2))" -printf '%y %p\\n'
    dpkg-query -W -f '\${Conffiles}\\n' | sed -n 's|^ /\\([^ ]*\\) \\([0-9a-f]\\{32\\}\\)$|sum \\2 \\1|p'
  } | awk '
    function say(type, sum, path) {
      # Documentation is left out of images.
      if (!(path in own) && path !~ "^/usr/share/(doc|man|locale)/") print type, sum, path
    }
    $1 == "own" { own[$2]; next }
    $1 == "f" { files[substr($2, 2)] = 1; next }
    $1 == "d" { folders[$2] = 1; next }
    $1 == "sum" { if ($3 in files) say("sum", $2, "/" $3); next }
    NF == 2 && $2 in files { say("sum", $1, "/" $2); next }
    { folder = $0; sub("/[^/]*$", "", folder); if (folder in folders) say("there", "-", $0) }
  ' - /var/lib/dpkg/info/*.md5sums /var/lib/dpkg/info/*.list | sort -u | while read -r type sum path; do
    if [ ! -e "$path" ] && [ ! -L "$path" ]; then say "package missing $path"
    elif [ "$type" = sum ]; then
      case $(md5sum < "$path") in "$sum "*) ;; *) say "package changed $path" ;; esac
    fi
  done
}

# The rules in force, named by the file they come from: what a reload of that very file left.
firewall_note() { say "$base/firewall-$(sha256sum < /etc/nftables.conf | cut -c1-16)"; }
firewall_now() { nft -s list ruleset 2>/dev/null | sha256sum | cut -c1-16; }
firewall_intact() { [ "$(cat "$(firewall_note)" 2>/dev/null)" = "$(firewall_now)" ]; }

# Whether the files of each slot are those that were written, and their modes.
observe_slots() {
  {
    find "$slots"/*/current/ -type f -printf 'mode %#m:%u:%g %H\\n' 2>/dev/null | sort -u
    for slot in "$slots"/*/; do
      [ -d "$slot" ] || continue
      version=$(link_of "\${slot}current")
      state=ok
      (cd "\${slot}current" 2>/dev/null && sha256sum --check --status "../$version.sum" 2>/dev/null) || state=changed
      say "$state $version $slot"
    done
  } | awk '
    $1 == "mode" { modes[$3] = modes[$3] == "" ? $2 : modes[$3] "," $2; next }
    { path = $3 "current/"; split($3, parts, "/"); name = parts[length(parts) - 1]; print "slot", $1, $2, modes[path], name }
  '
}

observe() {
  current=$(link_of "$base/current")
  say "boot $(cat /proc/sys/kernel/random/boot_id)"
  say "current $current"
  say "pending $(pending_of)"
  if [ "$current" != - ]; then
    observe_files "$base/$current/manifest"
    observe_units $(awk '$1 == "u" && $3 == "start" { print $2 }' "$base/$current/manifest")
    observe_packages "$base/$current/manifest"
    if firewall_intact; then say 'firewall intact'; else say 'firewall changed'; fi
  fi
  observe_slots
  say "disk $(df --output=avail -B1 / | tail -n 1)"
  say "systemd $(systemctl is-system-running)"
}
`;
