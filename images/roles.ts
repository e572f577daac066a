/** What an image holds: packages and hooks of the base and of each role. Pure lists. */

export type PackageSource = "stable" | "unstable";

export type Role = {
  readonly name: string;
  readonly packages: readonly string[];
  /** Packages taken from Debian unstable, with what they pull in from there. */
  readonly unstable?: readonly string[];
  /** Stock units that croft's own units replace. */
  readonly masked?: readonly string[];
  /** Files written before packages are unpacked. */
  readonly before?: Readonly<Record<string, string>>;
  /** Artifacts of the catalogue and where in the image their file goes, or the folder of an archive. */
  readonly artifacts?: Readonly<Record<string, string>>;
  /** Commands of POSIX sh run inside the image once everything else is in place. */
  readonly after?: string;
};

const QUIET_UNITS = [
  "apt-daily.timer",
  "apt-daily-upgrade.timer",
  "dpkg-db-backup.timer",
  "e2scrub_all.timer",
  "fstrim.timer",
  "e2scrub_reap.service",
  "console-getty.service",
  "getty@tty1.service",
  "cloud-init-hotplugd.socket",
  "systemd-pcrphase.service",
] as const;

const SSHD = `# croft: keys only; streams to UNIX sockets, which sshd permits only together with local forwarding.
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowTcpForwarding local
AllowStreamLocalForwarding yes
AllowAgentForwarding no
X11Forwarding no
MaxSessions 64
MaxStartups 64:30:128
UseDNS no
PrintMotd no
`;

const CLOUD_INIT = `# croft: the address comes with the kernel command line, the seed with the NoCloud disk.
datasource_list: [ NoCloud ]
network: { config: disabled }
ssh_genkeytypes: [ ed25519 ]
ssh_deletekeys: true
ssh: { emit_keys_to_console: false }
preserve_hostname: false
manage_etc_hosts: false
system_info: { default_user: ~ }
users: []
disable_root: false
`;

/** Runs the agent that each generation installs; the condition holds only after a crash while activating. */
const BOOT_GUARD = `[Unit]
Description=Take back a croft generation that was not finished
DefaultDependencies=no
After=local-fs.target systemd-tmpfiles-setup.service
Before=sysinit.target
ConditionPathExists=/var/lib/croft/generations/pending

[Service]
Type=oneshot
ExecStart=/bin/sh /usr/lib/croft/agent boot

[Install]
WantedBy=sysinit.target
`;

/**
 * Shows the new host key on the console, whence croft pins it, as soon as cloud-init has made it: cloud-init itself shows it two
 * stages after sshd is up. One write, so that nothing comes in between.
 */
const HOST_KEY = `[Unit]
Description=Show the SSH host key on the console
After=cloud-init-network.service
ConditionPathExists=/etc/ssh/ssh_host_ed25519_key.pub

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'printf "\\n-----BEGIN SSH HOST KEY KEYS-----\\n%%s\\n-----END SSH HOST KEY KEYS-----\\n" "$$(cat /etc/ssh/ssh_host_ed25519_key.pub)" > /dev/console'

[Install]
WantedBy=multi-user.target
`;

export const BASE: Role = {
  name: "base",
  packages: [
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "cloud-init",
    "iproute2",
    "nftables",
    "curl",
    "ca-certificates",
    "procps",
  ],
  masked: QUIET_UNITS,
  before: {
    "/etc/ssh/sshd_config.d/10-croft.conf": SSHD,
    "/etc/cloud/cloud.cfg.d/90-croft.cfg": CLOUD_INIT,
    "/etc/systemd/system/croft-boot.service": BOOT_GUARD,
    "/etc/systemd/system/croft-host-key.service": HOST_KEY,
    "/etc/systemd/system.conf.d/10-croft.conf": "[Manager]\nDefaultTimeoutStopSec=20s\nDefaultTimerAccuracySec=100ms\n",
  },
};

export const ROLES: Readonly<Record<string, Role>> = {
  gateway: { name: "gateway", packages: [], unstable: ["nginx", "nginx-common", "libpcre2-8-0"], masked: ["nginx.service"] },
  // Options that Keycloak takes only when it is built; what it writes while it runs lies in its unit's own folder.
  keycloak: {
    name: "keycloak",
    packages: ["openjdk-21-jre-headless"],
    // Java's package links its manual pages, whose folders images leave out.
    before: { "/usr/share/man/man1/.keep": "" },
    artifacts: { keycloak: "/opt/keycloak" },
    after: `JAVA_OPTS_APPEND=-XX:-UsePerfData /opt/keycloak/bin/kc.sh build --db=postgres --health-enabled=true --metrics-enabled=true
rm -rf /opt/keycloak/data
ln -s /var/lib/croft-keycloak /opt/keycloak/data`,
  },
  node: {
    name: "node",
    packages: ["libatomic1"],
    artifacts: { node: "/usr/local/bin/node" },
  },
  minio: { name: "minio", packages: [], artifacts: { minio: "/usr/local/bin/minio" } },
  seaweedfs: { name: "seaweedfs", packages: [], artifacts: { seaweedfs: "/usr/local/bin/weed" } },
  postgres: {
    name: "postgres",
    packages: ["postgresql-17"],
    masked: ["postgresql.service", "postgresql@17-main.service"],
    before: { "/etc/postgresql-common/createcluster.conf": "create_main_cluster = false\n" },
  },
};
