/** Files of the object store on its machine. Pure. */
import { renderSandbox } from "../../provisioner/machine/sandbox.ts";
import {
  ADMIN_KEY,
  ADMIN_SECRET,
  DATA_MOUNT,
  IDENTITY_FOLDER,
  MOUNT_UNIT,
  PORT,
  PROBE_BUCKET,
  REGION,
  STATE_FOLDER,
  readerKeyName,
} from "./names.ts";
import type { AppBucket, ProgramName, Reader } from "./section.ts";

export type StoreInput = {
  readonly program: ProgramName;
  readonly address: string;
  readonly memoryBytes: number;
  /** `/dev/disk/by-id/virtio-SERIAL` */
  readonly device: string;
};

const MIB = 1024 ** 2;

/** SeaweedFS has no way to sync what comes in by S3, neither objects nor their names, so its disk writes everything at once. */
const mountOptions = (program: ProgramName): string => `noatime,nosuid,nodev,noexec${program === "seaweedfs" ? ",sync" : ""}`;

export const renderMount = (input: Pick<StoreInput, "program" | "device">): string => `[Unit]
Description=Data of the object store
Before=local-fs.target

[Mount]
What=${input.device}
Where=${DATA_MOUNT}
Type=ext4
Options=${mountOptions(input.program)}

[Install]
WantedBy=multi-user.target
`;

/** What the program learns who may come in from. MinIO's users are resources of their own. */
export const identityFile = (program: ProgramName): string => (program === "minio" ? "environment" : "identities.json");

/** As both programs would take an empty or foreign file for an open or a well-known door, this pattern must be in it. */
const identityPattern = (program: ProgramName): string =>
  program === "minio"
    ? "^MINIO_ROOT_PASSWORD=[A-Za-z0-9]{32}$"
    : `^\\{"identities":\\[\\{"name":"${ADMIN_KEY}","credentials":\\[\\{"accessKey":"${ADMIN_KEY}","secretKey":"[A-Za-z0-9]{32}"\\}\\],`;

/** Of SeaweedFS alone: MinIO says so itself. */
export const READY = "/usr/lib/croft/objects-ready";

const ACTIONS = ["Read", "Write", "List", "Tagging"] as const;
const identity = (name: string, secret: string, actions: readonly string[]) => ({
  name,
  credentials: [{ accessKey: name, secretKey: `{{secret ${secret}}}` }],
  actions,
});

/** Templates of the identity slot. */
export const renderIdentity = (
  program: ProgramName,
  buckets: readonly AppBucket[],
  readers: readonly Reader[] = [],
): Readonly<Record<string, string>> => {
  if (program === "minio") {
    return { [identityFile(program)]: `MINIO_ROOT_USER=${ADMIN_KEY}\nMINIO_ROOT_PASSWORD={{secret ${ADMIN_SECRET}}}\n` };
  }
  const identities = [
    identity(ADMIN_KEY, ADMIN_SECRET, ["Admin", ...ACTIONS]),
    ...buckets.map(({ full, secret }) =>
      identity(
        full,
        secret,
        ACTIONS.map((action) => `${action}:${full}`),
      ),
    ),
    ...readers.map(({ bucket: { full }, secret }) => identity(readerKeyName(full, "home"), secret, [`Read:${full}`])),
  ];
  return { [identityFile(program)]: `${JSON.stringify({ identities })}\n` };
};

/** Runs as root before each start: neither an unmounted disk nor a doubtful identity file ever gets a server. */
export const renderGuard = (program: ProgramName): string => `#!/bin/sh
# Written by croft. Refuses to start the store where its disk or its identities are not what they must be.
set -eu
findmnt --mountpoint \${2:-${DATA_MOUNT}} > /dev/null || { echo "the data disk is not mounted at \${2:-${DATA_MOUNT}}" >&2; exit 1; }
file=\${1:-${IDENTITY_FOLDER}}/${identityFile(program)}
grep -Eq '${identityPattern(program)}' "$file" || { echo "$file holds no identity: the store would let everybody in, so it is not started" >&2; exit 1; }
`;

const minioProgram = (input: StoreInput): string => `Type=notify
ExecStart=/usr/local/bin/minio server --address ${input.address}:${PORT} /var/lib/${STATE_FOLDER}/minio
Environment=MINIO_CONFIG_ENV_FILE=%d/identity
Environment=MINIO_REGION=${REGION} MINIO_BROWSER=off MINIO_UPDATE=off MINIO_CALLHOME_ENABLE=off
Environment=MINIO_FS_OSYNC=on
Environment=MINIO_API_STALE_UPLOADS_EXPIRY=24h MINIO_API_STALE_UPLOADS_CLEANUP_INTERVAL=1h
Environment=GOMEMLIMIT=${Math.floor(input.memoryBytes / 4 / MIB)}MiB`;

/** Where SeaweedFS's parts speak to each other; each has another port 10,000 higher. */
export const SEAWEED_PORTS = { master: 9330, volume: 9340, filer: 9350 } as const;

/** A bucket takes one volume at a time and as many as the disk has room for: by default seven at once, of a number that small disks do not have. */
const VOLUMES = "-volume.max=10000 -master.volumeSizeLimitMB=1024";

/** One master alone need not wait for votes: with the usual ten seconds a restart takes twenty. */
const ALONE = "-master.electionTimeout=1s -volume.preStopSeconds=0 -master.telemetry=false";

/** Everything but the S3 port stays on the loopback; its administration by gRPC is behind the machine's firewall. */
const seaweedServer = (input: StoreInput): string =>
  [
    `/usr/local/bin/weed server -dir=/var/lib/${STATE_FOLDER}/seaweedfs -ip=127.0.0.1 -ip.bind=127.0.0.1 ${VOLUMES} ${ALONE}`,
    `-master.port=${SEAWEED_PORTS.master} -volume.port=${SEAWEED_PORTS.volume} -filer -filer.port=${SEAWEED_PORTS.filer}`,
    `-s3 -s3.port=${PORT} -s3.ip.bind=${input.address} -s3.port.iceberg=0 -s3.port.lance=0 -s3.config=%d/identity -s3.iam=false`,
    "-s3.autoCreateBucket=false -s3.allowDeleteBucketNotEmpty=false",
  ].join(" ");

const seaweedProgram = (input: StoreInput): string => `Type=exec
ExecStart=${seaweedServer(input)}
ExecStartPre=/bin/mkdir -p /var/lib/${STATE_FOLDER}/seaweedfs
ExecStartPost=+/bin/sh ${READY}
Environment=WEED_MASTER_VOLUME_GROWTH_COPY_1=1
Environment=GOMEMLIMIT=${Math.floor(input.memoryBytes / 4 / MIB)}MiB`;

/** Where there is one, the unit counts as started only after this: SeaweedFS answers before it can write. */
export const renderReady = (input: Pick<StoreInput, "address">): string => `#!/bin/sh
# Written by croft. Waits until the store takes what is written.
ask() { curl --silent --max-time 5 --noproxy '*' --output /dev/null "$@"; }
until [ "$(ask --write-out '%{http_code}' http://\${1:-${input.address}:${PORT}}/)" = 403 ] &&
  ask --fail "http://\${2:-127.0.0.1:${SEAWEED_PORTS.master}}/dir/assign?collection=${PROBE_BUCKET}"; do
  sleep 0.2
done
`;

const TITLES: Readonly<Record<ProgramName, string>> = { minio: "MinIO", seaweedfs: "SeaweedFS" };

export const renderUnit = (input: StoreInput): string => `[Unit]
Description=Object store (${TITLES[input.program]})
After=network.target ${MOUNT_UNIT}
Requires=${MOUNT_UNIT}
StartLimitIntervalSec=60
StartLimitBurst=10

[Service]
ExecStartPre=+/bin/sh /usr/lib/croft/objects-guard
${input.program === "minio" ? minioProgram(input) : seaweedProgram(input)}
LoadCredential=identity:${IDENTITY_FOLDER}/${identityFile(input.program)}
DynamicUser=yes
User=croft-objects
StateDirectory=${STATE_FOLDER}
StateDirectoryMode=0700
Environment=HOME=/var/lib/${STATE_FOLDER}
TimeoutStartSec=120
TimeoutStopSec=60
Restart=on-failure
RestartSec=1
TasksMax=1024
LimitNOFILE=65536
OOMScoreAdjust=-500
UMask=0077
${renderSandbox({ system: true, netlink: true })}
IPAddressDeny=any
IPAddressAllow=localhost link-local 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16
InaccessiblePaths=-/etc/croft/secrets -/etc/croft/slots -/etc/ssh

[Install]
WantedBy=multi-user.target
`;

const secretFrom = (program: ProgramName): string =>
  program === "minio"
    ? String.raw`sed -n 's/^MINIO_ROOT_PASSWORD=//p' "$identity"`
    : String.raw`sed -n 's/^{"identities":\[{"name":"[^"]*","credentials":\[{"accessKey":"[^"]*","secretKey":"\([^"]*\)".*/\1/p' "$identity"`;

/**
 * On the machine: nobody without a key gets in by any verb, no key of the program's own making works, and an object
 * goes round. Arguments stand for other places in tests. The secret reaches curl by a file descriptor, never by an argument.
 */
export const renderProbe = (input: Pick<StoreInput, "program" | "address">): string => `#!/bin/sh
# Written by croft: whether the store refuses strangers and keeps what it is given.
set -u
at=http://\${2:-${input.address}:${PORT}}
identity=\${1:-${IDENTITY_FOLDER}}/${identityFile(input.program)}
fail() { echo "$*" >&2; exit 1; }
ask() { curl --silent --max-time 10 --noproxy '*' --output /dev/null --write-out '%{http_code}' "$@"; }

refused() {
  what=$1
  shift
  code=$(ask "$@")
  case $code in
    400 | 401 | 403 | 405) ;;
    *) fail "$what without a key was answered with $code instead of being refused" ;;
  esac
}
refused LIST "$at/"
refused LIST "$at/${PROBE_BUCKET}?list-type=2"
refused GET "$at/${PROBE_BUCKET}/round"
refused HEAD --head "$at/${PROBE_BUCKET}/round"
refused PUT --request PUT --data stranger "$at/${PROBE_BUCKET}/stranger"
refused POST --request POST --data stranger "$at/${PROBE_BUCKET}?delete"
refused DELETE --request DELETE "$at/${PROBE_BUCKET}/round"
refused 'LIST as minioadmin' --aws-sigv4 aws:amz:${REGION}:s3 --user minioadmin:minioadmin "$at/"

secret=$(${secretFrom(input.program)})
[ -n "$secret" ] || fail "no key stands in $identity"
signed() {
  curl --silent --fail-with-body --max-time 10 --noproxy '*' --aws-sigv4 aws:amz:${REGION}:s3 --config - "$@" <<KEY
user = "${ADMIN_KEY}:$secret"
KEY
}
signed --head --output /dev/null "$at/${PROBE_BUCKET}" || signed --request PUT --output /dev/null "$at/${PROBE_BUCKET}" || fail 'the probe has no bucket'
token=$(cat /proc/sys/kernel/random/uuid)
digest=$(printf %s "$token" | sha256sum | cut -d ' ' -f 1)
signed --request PUT --data "$token" --header "x-amz-content-sha256: $digest" --output /dev/null "$at/${PROBE_BUCKET}/round" || fail 'an object cannot be written'
[ "$(signed "$at/${PROBE_BUCKET}/round")" = "$token" ] || fail 'an object does not come back as it was written'
signed --request DELETE --output /dev/null "$at/${PROBE_BUCKET}/round" || fail 'an object cannot be removed'
`;
