/** Effects of releases: started beside the old one, proven by a real round trip, then given traffic by others. */
import { CroftError } from "../../provisioner/errors.ts";
import type { ApplyRequest, Driver, ObserveRequest, RemoveRequest } from "../../provisioner/execute/driver.ts";
import { hiddenWhenUnreachable } from "../../provisioner/machine/connections.ts";
import type { Template } from "../../provisioner/model/contribution.ts";
import type { JsonObject, Observation } from "../../provisioner/plan/resource.ts";
import { sh } from "../../provisioner/transport/sh.ts";
import { must } from "../../provisioner/transport/shell.ts";
import type { Shell } from "../../provisioner/transport/shell.ts";
import type { ReleasePayload, StaticPayload } from "./resources.ts";
import { releaseFolder, renderEnvironment, unitInstance } from "./units.ts";

export type ReleaseTools = {
  readonly connect: (machine: string) => Promise<Shell>;
  readonly resolve: (template: Template) => Promise<string>;
};

const KEPT_RELEASES = 3;

const machineOf = (request: ObserveRequest): string => String((request.resource ?? request.recorded)?.spec["machine"] ?? "");
const nameOf = (id: string): string => id.slice(id.indexOf("/") + 1);

/** Uploaded once: a folder of this name is whole. */
const upload = async (shell: Shell, name: string, folder: string, file: string): Promise<void> => {
  const base = releaseFolder(name);
  const target = `${base}/${folder}`;
  const there = await shell.run(sh`test -d ${target}`);
  if (there.ok) return;
  await must(
    shell,
    `uploading release ${folder} of ${name}`,
    sh`set -e; mkdir -p ${base}; rm -rf ${`${target}.new`}; mkdir ${`${target}.new`}; tar -x -f - -C ${`${target}.new`} --no-same-owner --no-same-permissions; chmod -R u=rwX,go=rX ${`${target}.new`}; sync -f ${`${target}.new`}; mv -T ${`${target}.new`} ${target}`,
    { inputFile: file, timeoutMs: 600_000 },
  );
};

const writeEnvironment = async (tools: ReleaseTools, shell: Shell, payload: ReleasePayload, instance: string): Promise<void> => {
  const filled = await Promise.all(Object.entries(payload.environment).map(async ([key, template]) => [key, await tools.resolve(template)] as const));
  const file = `${releaseFolder(payload.name)}/${instance}.env`;
  await must(shell, "writing the environment", sh`umask 077; cat > ${`${file}.new`} && sync -f ${`${file}.new`} && mv -T ${`${file}.new`} ${file}`, {
    input: renderEnvironment(Object.fromEntries(filled)),
  });
};

const healthUrl = (port: number, path: string): string => `http://127.0.0.1:${port}${path}`;

/** Asks until it answers well, the unit ends for good, or time is up. */
const waitReady = async (shell: Shell, unit: string, url: string, seconds: number): Promise<void> => {
  const result = await shell.run(
    sh`end=$(($(date +%s) + ${seconds})); while :; do if answer=$(curl -sS --max-time 3 --fail-with-body ${url} 2>&1); then exit 0; fi; if systemctl is-failed --quiet ${unit}; then echo "the unit failed"; exit 2; fi; if [ "$(date +%s)" -ge "$end" ]; then printf '%s\n' "$answer"; exit 1; fi; sleep 0.1; done`,
    { timeoutMs: (seconds + 20) * 1000 },
  );
  if (result.ok) return;
  const log = await shell.run(sh`journalctl --no-pager --quiet --output=cat --lines=20 --unit=${unit}`);
  throw new CroftError("PROBE_FAILED", `${unit} did not become ready: ${url} on ${shell.label} said ${result.stdout.trim().slice(0, 300)}`, {
    tail: log.stdout.trimEnd(),
    hint: "the release before it, if there was one, still serves; fix the source and run `croft up` again",
  });
};

/** The old release goes on serving; the new one leaves nothing behind. */
const withdraw = (shell: Shell, name: string, instance: string): Promise<unknown> => {
  const unit = unitInstance(name, instance);
  const base = releaseFolder(name);
  return shell.run(sh`systemctl disable --quiet --now ${unit}; systemctl reset-failed ${unit} 2>/dev/null; rm -rf ${`${base}/${instance}`} ${`${base}/${instance}.env`}`);
};

const applyRelease = async (tools: ReleaseTools, request: ApplyRequest): Promise<JsonObject> => {
  const payload = request.resource.payload as ReleasePayload;
  const { machine, instance, port } = request.resource.spec as { machine: string; instance: string; port: number };
  const shell = await tools.connect(machine);
  const unit = unitInstance(payload.name, instance);
  request.progress("uploading");
  await upload(shell, payload.name, instance, payload.file);
  await writeEnvironment(tools, shell, payload, instance);
  request.progress("starting beside the old one");
  const wasActive = (await shell.run(sh`systemctl is-active --quiet ${unit}`)).ok;
  const start = wasActive && request.step.action !== "create" ? "restart" : "start";
  const started = await shell.run(sh`systemctl enable --quiet ${unit} && systemctl reset-failed ${unit} 2>/dev/null; systemctl ${start} ${unit}`);
  try {
    if (!started.ok) throw new CroftError("PROBE_FAILED", `${unit} did not start on ${shell.label}`, { tail: started.stderr.trim(), hint: `croft vm ssh ${machine}` });
    request.progress(`waiting for ${payload.ready}`);
    await waitReady(shell, unit, healthUrl(port, payload.ready), payload.readyTimeoutSeconds);
  } catch (error) {
    if (request.recorded?.spec["instance"] !== instance) await withdraw(shell, payload.name, instance);
    throw error;
  }
  return { ready: payload.ready };
};

/** One instance per line: name, active state, enabled state, port of its environment. */
const listInstances = async (shell: Shell, name: string): Promise<readonly { instance: string; active: boolean; enabled: boolean; port: number }[]> => {
  const text = await must(
    shell,
    `looking at releases of ${name}`,
    sh`cd ${releaseFolder(name)} 2>/dev/null || exit 0; for file in *.env; do [ -e "$file" ] || continue; instance=$(basename "$file" .env); unit=${name}@$instance.service; echo "$instance $(systemctl is-active "$unit") $(systemctl is-enabled "$unit" 2>/dev/null || echo disabled) $(sed -n 's/^PORT="\([0-9]*\)"$/\1/p' "$file")"; done`,
  );
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [instance = "", active = "", enabled = "", port = ""] = line.split(" ");
      return { instance, active: active === "active", enabled: enabled === "enabled", port: Number(port) };
    });
};

const observeRelease = (tools: ReleaseTools, request: ObserveRequest): Promise<Observation> =>
  hiddenWhenUnreachable(machineOf(request), async () => {
    const shell = await tools.connect(machineOf(request));
    const spec = (request.resource ?? request.recorded)?.spec ?? {};
    const instances = await listInstances(shell, nameOf(request.id));
    const wanted = instances.find(({ instance }) => instance === spec["instance"]);
    const shown = wanted ?? instances.find(({ instance }) => instance === request.recorded?.spec["instance"]);
    if (shown === undefined) return { status: "absent" };
    const ready = String((request.resource?.payload as ReleasePayload | undefined)?.ready ?? request.recorded?.output["ready"] ?? "/");
    const healthy = shown.active && shown.enabled && (await shell.run(sh`curl -sS --max-time 3 -o /dev/null --fail ${healthUrl(shown.port, ready)}`)).ok;
    const release = shown.instance === spec["instance"] ? (spec["release"] ?? "") : (request.recorded?.spec["release"] ?? "");
    return { status: "present", facts: { machine: machineOf(request), release, instance: shown.instance, port: shown.port, healthy } };
  });

const removeRelease = async (tools: ReleaseTools, request: RemoveRequest): Promise<void> => {
  const name = nameOf(request.step.id);
  const shell = await tools.connect(String(request.recorded.spec["machine"]));
  const instances = await listInstances(shell, name);
  for (const { instance } of instances) await withdraw(shell, name, instance);
  await must(shell, `removing releases of ${name}`, sh`rm -rf ${releaseFolder(name)}`);
};

const observeRetire = (tools: ReleaseTools, request: ObserveRequest): Promise<Observation> =>
  hiddenWhenUnreachable(machineOf(request), async () => {
    const shell = await tools.connect(machineOf(request));
    const instances = await listInstances(shell, nameOf(request.id));
    const running = instances.filter(({ active, enabled }) => active || enabled).map(({ instance }) => instance);
    return { status: "present", facts: { machine: machineOf(request), running: running.toSorted() } };
  });

/** Stops what no longer gets traffic, each within its own stop time-out, and keeps a few releases to go back to. */
const applyRetire = async (tools: ReleaseTools, request: ApplyRequest): Promise<JsonObject> => {
  const name = nameOf(request.step.id);
  const { machine, running } = request.resource.spec as { machine: string; running: readonly string[] };
  const shell = await tools.connect(machine);
  const instances = await listInstances(shell, name);
  for (const { instance, active, enabled } of instances) {
    if (running.includes(instance) || (!active && !enabled)) continue;
    request.progress(`draining ${instance}`);
    await must(shell, `stopping release ${instance} of ${name}`, sh`systemctl disable --quiet --now ${unitInstance(name, instance)}`, { timeoutMs: 180_000 });
  }
  await must(
    shell,
    `removing old releases of ${name}`,
    sh`cd ${releaseFolder(name)} && ls -1t *.env | sed ${"s/\\.env$//"} | tail -n +${KEPT_RELEASES + 1} | grep -vxF ${running[0] ?? ""} | while read -r old; do rm -rf "$old" "$old.env"; done`,
  );
  return {};
};

const observeStatic = (tools: ReleaseTools, request: ObserveRequest): Promise<Observation> =>
  hiddenWhenUnreachable(machineOf(request), async () => {
    const machine = machineOf(request);
    const shell = await tools.connect(machine);
    const found = await shell.run(sh`readlink ${`${releaseFolder(nameOf(request.id))}/current`}`);
    return found.ok ? { status: "present", facts: { machine, release: found.stdout.trim() } } : { status: "absent" };
  });

const applyStatic = async (tools: ReleaseTools, request: ApplyRequest): Promise<JsonObject> => {
  const payload = request.resource.payload as StaticPayload;
  const { machine, release } = request.resource.spec as { machine: string; release: string };
  const shell = await tools.connect(machine);
  const base = releaseFolder(payload.name);
  request.progress("uploading");
  await upload(shell, payload.name, release, payload.file);
  await must(
    shell,
    `switching ${payload.name} to ${release}`,
    sh`set -e; cd ${base}; ln -sfn ${release} current.new; mv -T current.new current; sync -f .; ls -1dt */ | sed ${"s|/$||"} | grep -vxF -e current -e ${release} | tail -n +${KEPT_RELEASES} | while read -r old; do rm -rf "./$old"; done`,
  );
  return {};
};

const removeStatic = async (tools: ReleaseTools, request: RemoveRequest): Promise<void> => {
  const shell = await tools.connect(String(request.recorded.spec["machine"]));
  await must(shell, "removing a static release", sh`rm -rf ${releaseFolder(nameOf(request.step.id))}`);
};

const observeEach =
  (one: (request: ObserveRequest) => Promise<Observation>): Driver["observe"] =>
  async (requests) =>
    new Map(await Promise.all(requests.map(async (request) => [request.id, await one(request)] as const)));

export const makeReleaseDrivers = (tools: ReleaseTools): readonly Driver[] => [
  { kind: "release", observe: observeEach((request) => observeRelease(tools, request)), apply: (request) => applyRelease(tools, request), remove: (request) => removeRelease(tools, request) },
  { kind: "retire", observe: observeEach((request) => observeRetire(tools, request)), apply: (request) => applyRetire(tools, request), remove: async () => {} },
  { kind: "static", observe: observeEach((request) => observeStatic(tools, request)), apply: (request) => applyStatic(tools, request), remove: (request) => removeStatic(tools, request) },
];
