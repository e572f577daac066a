/** Program: plans COUNT new machines in this process and prints its times as JSON. What `plan-10k` measures. */
import { networkResource } from "../provisioner/host/network.ts";
import { diskResource } from "../provisioner/host/disk.ts";
import { machineResource } from "../provisioner/hypervisor/machine-resource.ts";
import { basePart } from "../provisioner/machine/base-part.ts";
import { generationResource, makeGeneration } from "../provisioner/machine/generation.ts";
import {
  bridgeName,
  diskPath,
  diskSerial,
  diskUuid,
  macAddress,
  machinePaths,
  shortHash,
  tableName,
  tapName,
} from "../provisioner/model/names.ts";
import type { SiteName } from "../provisioner/model/names.ts";
import { isEmpty, makePlan } from "../provisioner/plan/diff.ts";
import { printPlan } from "../provisioner/plan/print.ts";
import type { Resource } from "../provisioner/plan/resource.ts";

const NAME: SiteName = { site: "bench", environment: "default" };
const SITE_ID = shortHash("bench", 32);
const IMAGE = { id: shortHash("image", 16), rootFile: "/var/cache/croft/images/bench/root.raw" };
const GIB = 1024 ** 3;

type Place = {
  readonly machine: string;
  readonly host: string;
  readonly subnet: string;
  readonly gateway: string;
  readonly address: string;
};

/** Every machine on a host and in a network of its own. */
const placeOf = (index: number): Place => {
  const net = `10.${Math.floor(index / 250)}.${index % 250}`;
  return {
    machine: `m${index}`,
    host: `h${index}`,
    subnet: `${net}.0/24`,
    gateway: `${net}.1`,
    address: `${net}.11`,
  };
};

const networkOf = ({ host, subnet, gateway }: Place): Resource =>
  networkResource(
    { host, bridge: bridgeName(NAME, host), table: tableName(NAME), subnet, gateway, siteId: SITE_ID, published: [] },
    `/var/lib/croft/bench/${host}/rules.nft`,
  );

const diskOf = ({ host, machine }: Place): Resource =>
  diskResource({
    host,
    machine,
    name: "data",
    path: diskPath(NAME, `${machine}-data`),
    sizeBytes: GIB,
    uuid: diskUuid(NAME, `${SITE_ID}/${machine}-data`),
  });

const machineOf = ({ host, machine, address, gateway }: Place, needs: readonly string[]): Resource => {
  const paths = machinePaths(NAME, machine);
  const tap = tapName(NAME, machine);
  return machineResource({
    host,
    name: machine,
    siteId: SITE_ID,
    hostname: machine,
    seed: { instanceId: shortHash(`${SITE_ID}/${machine}`, 16), keyVersion: "bench" },
    image: IMAGE,
    rootDiskBytes: 4 * GIB,
    hypervisor: "stand-in",
    config: {
      cpus: 1,
      memoryBytes: GIB,
      kernel: "/var/cache/croft/images/bench/vmlinuz",
      root: paths.root(IMAGE.id),
      seed: paths.seed,
      disks: [{ path: diskPath(NAME, `${machine}-data`), serial: diskSerial(NAME, `${machine}-data`) }],
      tap,
      mac: macAddress(NAME, machine),
      address,
      gateway,
      hostname: machine,
    },
    run: {
      program: ["/usr/local/bin/croft-vmm"],
      networkScript: "/var/lib/croft/bench/up",
      bridge: bridgeName(NAME, host),
      tap,
      mark: `croft:${SITE_ID}:${machine}`,
      run: paths.run,
      socket: paths.socket,
      events: paths.events,
      pidFile: paths.pid,
      vmJson: paths.vmJson,
      log: paths.log,
      logLimitBytes: 8 * 1024 ** 2,
    },
    needs,
  });
};

const generationOf = ({ host, machine, address, gateway }: Place): Resource => {
  const names = [{ address, names: [machine] }];
  const part = { ...basePart({ machine, address, names, hostAddress: gateway, flows: [], addressOf: () => address }), needs: [] };
  return generationResource(host, makeGeneration(machine, [part]), [part], "/var/cache/croft/images/root.raw");
};

const resourcesOf = (place: Place): readonly Resource[] => {
  const network = networkOf(place);
  const disk = diskOf(place);
  return [network, disk, machineOf(place, [network.id, disk.id]), generationOf(place)];
};

const main = (count: number): void => {
  const started = performance.now();
  const desired = Array.from({ length: count }, (_, index) => placeOf(index)).flatMap(resourcesOf);
  const made = performance.now();
  const plan = makePlan({ site: NAME.site, environment: NAME.environment, desired, recorded: new Map(), observed: new Map() });
  const planned = performance.now();
  const text = printPlan(plan, { color: false });
  const printed = performance.now();
  if (isEmpty(plan) || plan.steps.length !== desired.length) throw new Error("the plan is not whole");
  console.log(
    JSON.stringify({
      steps: plan.steps.length,
      makeMs: made - started,
      planMs: planned - made,
      printMs: printed - planned,
      printedBytes: text.length,
    }),
  );
};

main(Number(process.argv[2]));
