/** Units and environment files of workloads. Pure. */
import { CroftError } from "../../provisioner/errors.ts";
import { NODE_SANDBOX } from "../../provisioner/machine/sandbox.ts";
import { onMachine, workloadName } from "../../provisioner/model/names.ts";
import { safeCount, safePart, safeRelative, safeVariable } from "../../provisioner/model/safe.ts";
import type { NodeWorkload } from "../../provisioner/model/types.ts";

export const unitTemplate = (app: string, workload: string): string => `${workloadName(app, workload)}@.service`;
export const unitInstance = (name: string, instance: string): string => `${safePart(name)}@${safePart(instance)}.service`;
export const releaseFolder = (name: string): string => `${onMachine.releases}/${safePart(name)}`;

/** One instance is one release with one environment; two may run side by side. */
export const renderUnit = (app: string, workload: NodeWorkload): string => {
  const name = workloadName(app, workload.name);
  return `[Unit]
Description=${name} release %i
After=network.target
StartLimitIntervalSec=60
StartLimitBurst=10

[Service]
Type=exec
ExecStart=/usr/local/bin/node "${safeRelative(workload.start)}"
WorkingDirectory=${releaseFolder(name)}/%i
Environment=NODE_EXTRA_CA_CERTS=/etc/croft/authority.pem
# Users made for a unit have no entry that libraries could find a home in.
Environment=HOME=/tmp
EnvironmentFile=${releaseFolder(name)}/%i.env
DynamicUser=yes
KillSignal=${safePart(workload.stopSignal)}
TimeoutStopSec=${safeCount(workload.stopTimeoutSeconds)}
Restart=on-failure
RestartSec=1
MemoryMax=${safeCount(workload.memoryBytes)}
TasksMax=256
LimitNOFILE=16384
UMask=0077
${NODE_SANDBOX}

[Install]
WantedBy=multi-user.target
`;
};

// eslint-disable-next-line no-control-regex
const UNUSABLE = /[\u0000-\u0008\u000b-\u001f\u007f]/;

/** A value in systemd's EnvironmentFile form. systemd leaves out, with a mere warning, what it cannot take: refused here. */
const quoteValue = (name: string, value: string): string => {
  if (UNUSABLE.test(value))
    throw new CroftError("CONFIG_INVALID", `the value of ${name} holds a control character; systemd takes none but tab and newline`);
  return `"${value.replaceAll(/[\\"$`]/g, "\\$&")}"`;
};

/** @throws CroftError CONFIG_INVALID for control characters. The value stays out of the message. */
export const renderEnvironment = (values: Readonly<Record<string, string>>): string =>
  `${Object.entries(values)
    .map(([name, value]) => `${safeVariable(name)}=${quoteValue(name, value)}`)
    .join("\n")}\n`;
