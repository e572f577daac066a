/** Files of the PostgreSQL service. Pure. */
import { safeAbsolute, safeAddress, safeCount, safeSubnet } from "../../provisioner/model/safe.ts";
import { CERTIFICATE_SLOT, DATA_MOUNT, SOCKET_FOLDER } from "./names.ts";

export type PostgresInput = {
  readonly version: number;
  readonly memoryBytes: number;
  readonly address: string;
  /** The site's network: who may come in over TLS. */
  readonly network: string;
  /** `/dev/disk/by-id/virtio-SERIAL` */
  readonly device: string;
};

const MIB = 1024 ** 2;
const mib = (bytes: number): string => `${Math.max(1, Math.floor(bytes / MIB))}MB`;
export const MAX_CONNECTIONS = 100;

const slot = `/etc/croft/slots/${CERTIFICATE_SLOT}/current`;

/** Memory follows the machine's size: a quarter shared, the rest left to the page cache and connections. */
export const renderConf = (input: PostgresInput): string =>
  [
    "# Written by croft.",
    `listen_addresses = '127.0.0.1,${safeAddress(input.address)}'`,
    "port = 5432",
    `unix_socket_directories = '${SOCKET_FOLDER}'`,
    `max_connections = ${MAX_CONNECTIONS}`,
    "superuser_reserved_connections = 5",
    `shared_buffers = ${mib(input.memoryBytes / 4)}`,
    `effective_cache_size = ${mib(input.memoryBytes * 0.6)}`,
    `work_mem = ${mib(input.memoryBytes / 4 / MAX_CONNECTIONS)}`,
    `maintenance_work_mem = ${mib(input.memoryBytes / 16)}`,
    "wal_level = replica",
    "fsync = on",
    "synchronous_commit = on",
    "full_page_writes = on",
    `max_wal_size = ${mib(Math.min(input.memoryBytes, 1024 * MIB))}`,
    "password_encryption = scram-sha-256",
    "ssl = on",
    `ssl_cert_file = '${slot}/chain.pem'`,
    `ssl_key_file = '${slot}/key.pem'`,
    "ssl_min_protocol_version = 'TLSv1.2'",
    `hba_file = '/etc/croft/postgres/pg_hba.conf'`,
    `ident_file = '/etc/croft/postgres/pg_ident.conf'`,
    "log_destination = 'stderr'",
    "logging_collector = off",
    "log_line_prefix = '%m [%p] %q%u@%d '",
    "log_connections = off",
    "log_lock_waits = on",
    "log_min_duration_statement = 1000",
    "idle_in_transaction_session_timeout = '10min'",
    "jit = off",
    "timezone = 'UTC'",
    "log_timezone = 'UTC'",
    "",
  ].join("\n");

export const renderHba = (input: Pick<PostgresInput, "network">): string =>
  [
    "# Written by croft: the machine's own root through the socket, everybody else by TLS and SCRAM.",
    "local   all all peer map=croft",
    `hostssl all all ${safeSubnet(input.network)} scram-sha-256`,
    "",
  ].join("\n");

export const renderIdent = (): string => ["# Written by croft.", "croft root postgres", "croft postgres postgres", ""].join("\n");

export const renderMount = (input: Pick<PostgresInput, "device">): string => `[Unit]
Description=Data of PostgreSQL
Before=local-fs.target

[Mount]
What=${safeAbsolute(input.device)}
Where=${DATA_MOUNT}
Type=ext4
Options=noatime,nosuid,nodev

[Install]
WantedBy=multi-user.target
`;

/** `/var/lib/croft/postgres` as a unit name. */
export const MOUNT_UNIT = "var-lib-croft-postgres.mount";

const data = (version: number): string => `${DATA_MOUNT}/${safeCount(version)}`;
const programs = (version: number): string => `/usr/lib/postgresql/${safeCount(version)}/bin`;

/** Refuses to make a cluster where the disk is not mounted: an empty folder must never look like an empty database. */
export const renderPrepare = (input: Pick<PostgresInput, "version">): string => `#!/bin/sh
# Written by croft. Makes the cluster once, on the data disk and nowhere else.
set -eu
findmnt --mountpoint ${DATA_MOUNT} > /dev/null || { echo "the data disk is not mounted at ${DATA_MOUNT}" >&2; exit 1; }
data=${data(input.version)}
if [ ! -f "$data/PG_VERSION" ]; then
  rm -rf "$data.new"
  install -d -m 0700 -o postgres -g postgres "$data.new"
  setpriv --reuid=postgres --regid=postgres --init-groups ${programs(input.version)}/initdb --pgdata="$data.new" --data-checksums --encoding=UTF8 --locale=C.UTF-8 --auth-local=peer --auth-host=scram-sha-256 > /dev/null
  sync -f "$data.new"
  mv -T "$data.new" "$data"
fi
`;

export const renderUnit = (input: Pick<PostgresInput, "version">): string => `[Unit]
Description=PostgreSQL ${safeCount(input.version)}
After=network.target ${MOUNT_UNIT}
Requires=${MOUNT_UNIT}
StartLimitIntervalSec=60
StartLimitBurst=10

[Service]
Type=notify
User=postgres
Group=postgres
ExecStartPre=+/bin/sh /usr/lib/croft/postgres-prepare
ExecStart=${programs(input.version)}/postgres -D ${data(input.version)} -c config_file=/etc/croft/postgres/postgresql.conf
ExecReload=/bin/kill -HUP $MAINPID
KillMode=mixed
KillSignal=SIGINT
TimeoutStartSec=120
TimeoutStopSec=60
Restart=on-failure
RestartSec=1
RuntimeDirectory=croft-postgres
RuntimeDirectoryMode=0755
OOMScoreAdjust=-900
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ReadWritePaths=${DATA_MOUNT}
ProtectHome=yes
ProtectProc=invisible
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=no
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=no
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
DevicePolicy=closed
KeyringMode=private
IPAddressDeny=any
IPAddressAllow=localhost link-local 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16

[Install]
WantedBy=multi-user.target
`;
