/** Every text that a run would write, from the desired resources alone: secrets stay the templates they are. Pure. */
import { renderSeed } from "../cloud-init/render.ts";
import type { NetworkPayload } from "../provisioner/host/network.ts";
import { networkFiles } from "../provisioner/host/network-driver.ts";
import { machineUnitName, unitPath } from "../provisioner/hypervisor/launcher.ts";
import { renderMachineUnit, renderStopScript } from "../provisioner/hypervisor/machine-config.ts";
import type { MachinePayload } from "../provisioner/hypervisor/machine-resource.ts";
import type { Generation, GenerationPayload } from "../provisioner/machine/generation.ts";
import type { SlotPayload } from "../provisioner/machine/slot-resource.ts";
import { machinePaths, onMachine, sitePaths } from "../provisioner/model/names.ts";
import type { Roots, SiteName } from "../provisioner/model/names.ts";
import type { Resource } from "../provisioner/plan/resource.ts";
import type { ReleasePayload, StaticPayload } from "../stacks/app/resources.ts";
import { releaseFolder, renderEnvironment } from "../stacks/app/units.ts";

/** `place` is `hosts/NAME` or `machines/NAME`; `path` is where the text goes there. */
export type Rendered = { readonly place: string; readonly path: string; readonly text: string };

export type RenderInput = {
  readonly name: SiteName;
  readonly roots: Roots;
  readonly resources: readonly Resource[];
  /** The hosts' PID 1 is systemd: machines are units there. */
  readonly units: boolean;
};

const KEY = "{{public key of secret croft/ssh}}";

const networkFilesOf = ({ name, roots }: RenderInput, { host, payload }: Resource): readonly Rendered[] => {
  const { rules, script } = payload as NetworkPayload;
  const files = networkFiles(`${sitePaths(name, roots).network}/${host}`);
  const place = `hosts/${host}`;
  return [
    { place, path: files.rules, text: rules },
    { place, path: files.script, text: script },
  ];
};

const unitFiles = ({ name, roots }: RenderInput, machine: string): readonly (readonly [string, string])[] => {
  const paths = machinePaths(name, machine, roots);
  const siteKey = `${name.site}/${name.environment}`;
  const stop = `${paths.folder}/stop`;
  return [
    [stop, renderStopScript(paths.socket)],
    [
      unitPath(machineUnitName(siteKey, machine)),
      renderMachineUnit({ description: `croft machine ${machine} of ${siteKey}`, run: paths.runScript, stop }),
    ],
  ];
};

const machineFiles = (input: RenderInput, { host, payload }: Resource): readonly Rendered[] => {
  const { input: machine, vmJson, runScript } = payload as MachinePayload;
  const paths = machinePaths(input.name, machine.name, input.roots);
  const seed = renderSeed({ instanceId: machine.seed.instanceId, hostname: machine.hostname, authorizedKeys: [KEY] });
  const files: readonly (readonly [string, string])[] = [
    ...Object.entries(seed).map(([file, text]) => [`${paths.seed}/${file}`, text] as const),
    [paths.vmJson, vmJson],
    [paths.runScript, runScript],
    ...(input.units ? unitFiles(input, machine.name) : []),
  ];
  return files.map(([path, text]) => ({ place: `hosts/${host}`, path, text }));
};

/** `f MODE OWNER SHA256 PATH` of the manifest, with its content. */
const manifestFiles = ({ manifest, entries }: Generation): readonly (readonly [string, string])[] => {
  const contents = new Map(entries.map(({ name, content }) => [name, String(content)]));
  return manifest
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([type]) => type === "f")
    .map(([, , , hash = "", path = ""]) => [path, contents.get(`files/${hash}`) ?? ""]);
};

const generationFiles = ({ payload }: Resource): readonly Rendered[] => {
  const { generation } = payload as GenerationPayload;
  const folder = `${onMachine.generations}/${generation.id}`;
  const own = generation.entries.filter(({ name }) => !name.startsWith("files/"));
  const files = [...manifestFiles(generation), ...own.map(({ name, content }) => [`${folder}/${name}`, String(content)] as const)];
  return files.map(([path, text]) => ({ place: `machines/${generation.machine}`, path, text }));
};

const slotFiles = ({ spec, payload }: Resource): readonly Rendered[] => {
  const { slot, files } = payload as SlotPayload;
  const folder = `${onMachine.slots}/${slot.name}/${String(spec["version"])}`;
  return Object.entries(files).map(([file, text]) => ({ place: `machines/${String(spec["machine"])}`, path: `${folder}/${file}`, text }));
};

const releaseFiles = ({ spec, payload }: Resource): readonly Rendered[] => {
  const { name, environment } = payload as ReleasePayload;
  const path = `${releaseFolder(name)}/${String(spec["instance"])}.env`;
  return [{ place: `machines/${String(spec["machine"])}`, path, text: renderEnvironment(environment) }];
};

const staticFiles = ({ spec, payload }: Resource): readonly Rendered[] => {
  const { name, config } = payload as StaticPayload;
  const path = `${releaseFolder(name)}/${String(spec["release"])}/config.json`;
  return config === undefined ? [] : [{ place: `machines/${String(spec["machine"])}`, path, text: config }];
};

const MAKERS: Readonly<Record<string, (input: RenderInput, resource: Resource) => readonly Rendered[]>> = {
  network: networkFilesOf,
  machine: machineFiles,
  generation: (_, resource) => generationFiles(resource),
  slot: (_, resource) => slotFiles(resource),
  release: (_, resource) => releaseFiles(resource),
  static: (_, resource) => staticFiles(resource),
};

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Hosts first, then machine by machine, each by path: the same site gives the same texts in the same order. */
export const renderSite = (input: RenderInput): readonly Rendered[] =>
  input.resources
    .flatMap((resource) => MAKERS[resource.kind]?.(input, resource) ?? [])
    .toSorted((a, b) => order(a.place, b.place) || order(a.path, b.path));

export const renderBlocks = (files: readonly Rendered[]): string =>
  files.map(({ place, path, text }) => `=== ${place}${path}\n${text.endsWith("\n") ? text : `${text}\n`}`).join("\n");
