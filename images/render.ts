/** The command that builds an image's tree, as data. Pure. */
import type { Recipe } from "./recipe.ts";

/** Where this host gets Debian packages from: read from its own apt configuration. */
export type Mirror = { readonly main: string; readonly security: string; readonly keyring: string };

const COMPONENT = "main";

const source = (site: string, suite: string, keyring: string, options = ""): string =>
  `deb [signed-by=${keyring}${options}] ${site} ${suite} ${COMPONENT}`;

/** Unstable's index lives a week; a mirror that lags is still signed, and the pin below limits what it serves. */
const LAGGING = " check-valid-until=no";

export const renderSources = (recipe: Recipe, mirror: Mirror): string =>
  [
    source(mirror.main, recipe.suite, mirror.keyring),
    source(mirror.main, `${recipe.suite}-updates`, mirror.keyring),
    source(mirror.security, `${recipe.suite}-security`, mirror.keyring),
    ...(recipe.unstable.length === 0 ? [] : [source(mirror.main, "sid", mirror.keyring, LAGGING)]),
    "",
  ].join("\n");

/** Unstable serves only the named packages and what shares their source. */
export const renderPins = (recipe: Recipe): string =>
  [
    "Package: *\nPin: release n=sid\nPin-Priority: 50\n",
    ...recipe.unstable.map((name) => `Package: ${name}\nPin: release n=sid\nPin-Priority: 990\n`),
  ].join("\n");

/** Files laid into the tree before packages are unpacked, by path. */
export const renderBefore = (recipe: Recipe): Readonly<Record<string, string>> => ({
  ...recipe.before,
  ...(recipe.unstable.length === 0 ? {} : { "/etc/apt/preferences.d/croft": renderPins(recipe) }),
});

const FINISH = `
set -eu
tree=$1
systemctl --root="$tree" enable systemd-networkd.service systemd-network-generator.service ssh.service croft-boot.service croft-host-key.service >/dev/null 2>&1
systemctl --root="$tree" disable ssh.socket >/dev/null 2>&1 || true
rm -f "$tree"/etc/ssh/ssh_host_* "$tree"/etc/hostname "$tree"/etc/resolv.conf
: > "$tree/etc/machine-id"
rm -rf "$tree"/var/lib/dbus/machine-id "$tree"/var/cache/apt/* "$tree"/var/lib/apt/lists/* "$tree"/var/log/apt "$tree"/var/log/dpkg.log
mkdir -p "$tree/etc/croft/slots" "$tree/etc/croft/secrets" "$tree/var/lib/croft/generations" "$tree/var/lib/croft/releases"
chmod 0755 "$tree/etc/croft" "$tree/etc/croft/slots"
chmod 0700 "$tree/etc/croft/secrets" "$tree/var/lib/croft/generations"
ln -s slots/authority/current/authority.pem "$tree/etc/croft/authority.pem"
: > "$tree/etc/resolv.conf"
`;

/** Run with the tree as its first argument after all packages are configured. */
export const renderFinish = (recipe: Recipe): string =>
  [
    FINISH.trim(),
    ...recipe.masked.map((unit) => `ln -sf /dev/null "$tree/etc/systemd/system/${unit}"`),
    `chroot "$tree" dpkg-query -W -f '\${Package} \${Version} \${Architecture}\\n' > "$tree/../packages.txt"`,
    "",
  ].join("\n");
