/** The resource of one machine. Pure. */
import type { ResourceId, Resource } from "../plan/resource.ts";
import { resourceId, shortHash } from "../model/names.ts";
import { renderRunScript, renderVmJson } from "./machine-config.ts";
import type { MachineConfigInput, RunScriptInput } from "./machine-config.ts";

export type MachineInput = {
  readonly host: string;
  readonly name: string;
  readonly siteId: string;
  readonly hostname: string;
  /** Seed without its key: croft's public key is added when it is written. */
  readonly seed: { readonly instanceId: string; readonly keyVersion: string };
  readonly image: { readonly id: string; readonly rootFile: string };
  readonly rootDiskBytes: number;
  readonly config: MachineConfigInput;
  readonly run: RunScriptInput;
  /** `stand-in` or `cloud-hypervisor v53.0`. */
  readonly hypervisor: string;
  readonly needs: readonly ResourceId[];
};

export type MachinePayload = { readonly input: MachineInput; readonly vmJson: string; readonly runScript: string };

export const machineResourceId = (name: string): ResourceId => resourceId("machine", name);

export const machineResource = (input: MachineInput): Resource => {
  const vmJson = renderVmJson(input.config);
  const runScript = renderRunScript(input.run);
  return {
    id: machineResourceId(input.name),
    kind: "machine",
    host: input.host,
    spec: {
      hypervisor: input.hypervisor,
      cpus: input.config.cpus,
      memoryBytes: input.config.memoryBytes,
      rootDiskBytes: input.rootDiskBytes,
      image: input.image.id,
      address: input.config.address,
      disks: input.config.disks.map(({ serial }) => serial),
      config: shortHash(vmJson, 16),
      seed: shortHash(JSON.stringify([input.hostname, input.seed]), 16),
      script: shortHash(runScript, 16),
      network: "connected",
      state: "running",
    },
    payload: { input, vmJson, runScript } satisfies MachinePayload,
    needs: input.needs,
    replaceOn: ["image", "rootDiskBytes", "seed"],
    interrupts: Object.fromEntries(
      ["hypervisor", "cpus", "memoryBytes", "image", "rootDiskBytes", "seed", "address", "disks", "config", "network"].map((property) => [
        property,
        `machine ${input.name} restarts`,
      ]),
    ),
    uses: { cpus: input.config.cpus, memoryBytes: input.config.memoryBytes, diskBytes: input.rootDiskBytes },
  };
};
