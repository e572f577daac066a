/** The VmConfig of a machine and the script that runs it. Pure. */
import { safeAbsolute, safeAddress, safeCount, safeHostname, safeWords } from "../model/safe.ts";
import { sh } from "../transport/sh.ts";

export type MachineConfigInput = {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly initrd?: string;
  readonly root: string;
  readonly seed: string;
  readonly disks: readonly { readonly path: string; readonly serial: string }[];
  readonly tap: string;
  readonly mac: string;
  readonly address: string;
  readonly gateway: string;
  readonly hostname: string;
};

const networkWord = (input: MachineConfigInput): string =>
  `ip=${safeAddress(input.address)}::${safeAddress(input.gateway)}:255.255.255.0:${safeHostname(input.hostname)}:eth0:none`;

const commandLine = (input: MachineConfigInput): string =>
  ["console=ttyS0", "root=/dev/vda", "rw", "net.ifnames=0", networkWord(input), "panic=10"].join(" ");

/** `image_type` is always given: guessed raw disks refuse writes to their first sector. */
const disk = (path: string, serial: string, readonly = false) => ({
  path,
  image_type: "Raw",
  serial,
  ...(readonly ? { readonly } : {}),
});

/** Room to grow while the machine runs; it costs nothing until it is used. */
const ROOM = { cpus: 8, memoryBytes: 8 * 1024 ** 3 };

export const makeVmConfig = (input: MachineConfigInput) => ({
  cpus: { boot_vcpus: input.cpus, max_vcpus: Math.max(input.cpus, ROOM.cpus) },
  memory: { size: input.memoryBytes, hotplug_size: ROOM.memoryBytes },
  payload: {
    kernel: input.kernel,
    ...(input.initrd === undefined ? {} : { initramfs: input.initrd }),
    cmdline: commandLine(input),
  },
  disks: [disk(input.root, "root"), disk(input.seed, "seed", true), ...input.disks.map(({ path, serial }) => disk(path, serial))],
  net: [{ id: "net0", tap: input.tap, mac: input.mac }],
  rng: { src: "/dev/urandom" },
  serial: { mode: "Tty" },
  console: { mode: "Off" },
});

export const renderVmJson = (input: MachineConfigInput): string => `${JSON.stringify(makeVmConfig(input), null, 2)}\n`;

export type RunScriptInput = {
  /** The hypervisor's command, such as `/usr/local/bin/cloud-hypervisor`. */
  readonly program: readonly string[];
  readonly networkScript: string;
  readonly bridge: string;
  readonly tap: string;
  readonly mark: string;
  readonly run: string;
  readonly socket: string;
  readonly events: string;
  readonly pidFile: string;
  readonly vmJson: string;
  readonly log: string;
  readonly logLimitBytes: number;
};

/**
 * Brings the machine up from nothing but its folder, with no croft around: network, tap, hypervisor,
 * create, boot; ends when the hypervisor ends, with its exit code.
 */
export const renderRunScript = (input: RunScriptInput): string => `#!/bin/sh
# Written by croft. Runs one machine; needs nothing but this folder and the network's script.
set -eu
umask 077
log=${sh`${input.log}`.text}
run=${sh`${input.run}`.text}
socket=${sh`${input.socket}`.text}
config=${sh`${input.vmJson}`.text}
mkdir -p "$run"

started_at() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
if [ -s ${sh`${input.pidFile}`.text} ]; then
  read -r old since < ${sh`${input.pidFile}`.text} || true
  if [ -n "\${old:-}" ] && [ "$(started_at "$old")" = "\${since:-none}" ]; then
    echo "croft: this machine already runs as pid $old" >&2
    exit 0
  fi
fi

${sh`sh ${input.networkScript}`.text}
${sh`ip link show ${input.tap} >/dev/null 2>&1 || ip tuntap add dev ${input.tap} mode tap`.text}
${sh`ip link set dev ${input.tap} alias ${input.mark}`.text}
${sh`ip link set dev ${input.tap} master ${input.bridge} up`.text}

if [ -f "$log" ] && [ "$(stat -c %s "$log")" -gt ${safeCount(input.logLimitBytes)} ]; then
  tail -c ${Math.floor(input.logLimitBytes / 4)} "$log" > "$log.1"
  : > "$log"
fi
sha256sum < "$config" | cut -c1-16 > "$run/started"
${sh`${input.program}`.text} --api-socket path="$socket" --event-monitor path=${sh`${input.events}`.text} </dev/null >>"$log" 2>&1 &
vmm=$!
echo "$vmm $(started_at $vmm)" > ${sh`${input.pidFile}`.text}
(
  # What a guest prints must not fill the host's disk.
  while sleep 20 && kill -0 $vmm 2>/dev/null; do
    if [ "$(stat -c %s "$log")" -gt ${input.logLimitBytes} ]; then
      tail -c ${Math.floor(input.logLimitBytes / 4)} "$log" > "$log.1"
      : > "$log"
    fi
  done
) </dev/null >/dev/null 2>&1 &
watch=$!

call() {
  curl --silent --show-error --fail-with-body --max-time 120 --unix-socket "$socket" -X "$1" "http://localhost/api/v1/$2" -H 'Expect:' \${3:+-H 'Content-Type: application/json' --data-binary "$3"} >>"$log" 2>&1
}
tries=0
until [ -S "$socket" ] && call GET vmm.ping; do
  tries=$((tries + 1))
  if [ $tries -gt 200 ] || ! kill -0 $vmm 2>/dev/null; then
    echo "croft: the hypervisor did not open its API" >>"$log"
    kill -KILL $vmm 2>/dev/null || true
    exit 1
  fi
  sleep 0.05
done
if ! call PUT vm.create "@$config" || ! call PUT vm.boot; then
  echo "croft: the hypervisor refused the machine" >>"$log"
  kill -KILL $vmm 2>/dev/null || true
  exit 1
fi
code=0
wait $vmm || code=$?
kill $watch 2>/dev/null || true
exit $code
`;

export type MachineUnitInput = { readonly description: string; readonly run: string; readonly stop: string };

/** For hosts whose PID 1 is systemd: comes back after a crash and after a reboot. */
export const renderMachineUnit = (input: MachineUnitInput): string => `[Unit]
Description=${safeWords(input.description)}
After=network.target
StartLimitIntervalSec=120
StartLimitBurst=10

[Service]
Type=exec
ExecStart=/bin/sh ${safeAbsolute(input.run)}
ExecStop=-/bin/sh ${safeAbsolute(input.stop)}
Restart=on-failure
RestartSec=2
KillMode=mixed
TimeoutStopSec=60
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
`;

export const renderStopScript = (socket: string): string =>
  [
    "#!/bin/sh",
    "# Asks the guest to power off; the unit's time-out pulls the plug.",
    sh`curl --silent --max-time 10 --unix-socket ${socket} -X PUT http://localhost/api/v1/vm.power-button || exit 0`.text,
    'while kill -0 "$MAINPID" 2>/dev/null && [ "${tries:=0}" -lt 250 ]; do tries=$((tries + 1)); sleep 0.1; done',
    "",
  ].join("\n");
