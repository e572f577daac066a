/** Rules of CPU and memory resizing. */
import type { VmConfig } from "../config/vm.ts";
import { Failure } from "./failure.ts";
import { belowBoot, growZone, memoryFailure, STANDARD_ZONE } from "./memory.ts";
import type { Vm } from "./vm.ts";

const DIMM_BYTES = 128 * 1024 * 1024;
const DIMM_SLOTS = 8;

const cpuFailure = (message: string): Failure => new Failure("Error from CPU manager", message);

/** CPUs that go away need the guest's help; until then nothing else may change. */
export const resizeCpus = (vm: Vm, config: VmConfig, wanted: number, obeysUnplug: boolean): VmConfig => {
  if (wanted !== vm.presentCpus) {
    if (wanted < 1) throw cpuFailure("Requested zero vCPUs");
    if (vm.removingCpus) throw new Failure("Too Many Requests");
    if (wanted > config.cpus.max_vcpus) throw cpuFailure("Requested vCPUs exceed maximum");
    if (wanted < vm.presentCpus && !obeysUnplug) vm.removingCpus = true;
    else vm.presentCpus = wanted;
  }
  return { ...config, cpus: { ...config.cpus, boot_vcpus: wanted } };
};

const plugAcpi = (vm: Vm, config: VmConfig, wanted: number): void => {
  const more = wanted - vm.currentRam;
  if (more <= 0) return;
  if (vm.pluggedSlots >= DIMM_SLOTS) throw memoryFailure("No ACPI slot available");
  if (more % DIMM_BYTES !== 0) throw memoryFailure("The requested hotplug memory addition is not a valid size");
  if (vm.pluggedRam + more > (config.memory.hotplug_size ?? 0)) throw memoryFailure("Not enough space in the hotplug RAM region");
  vm.currentRam = wanted;
  vm.pluggedRam += more;
  vm.pluggedSlots += 1;
};

const plugVirtio = (vm: Vm, config: VmConfig, wanted: number): VmConfig => {
  const boot = config.memory.size;
  if (wanted < boot) throw belowBoot(wanted, boot);
  growZone(vm.growing, STANDARD_ZONE, wanted - boot, config.memory.hotplug_size);
  vm.currentRam = wanted;
  const { hotplugged_size: _old, ...memory } = config.memory;
  const plugged = wanted > boot ? { hotplugged_size: wanted - boot } : {};
  return { ...config, memory: { ...memory, ...plugged } as VmConfig["memory"] };
};

/** A smaller size is remembered for the next boot and changes nothing now. */
export const resizeMemory = (vm: Vm, config: VmConfig, wanted: number): VmConfig => {
  if ((config.memory.zones ?? []).length > 0)
    throw memoryFailure("Impossible to resize guest memory if it is backed by user defined memory regions");
  if (config.memory.hotplug_method === "VirtioMem") return plugVirtio(vm, config, wanted);
  plugAcpi(vm, config, wanted);
  return { ...config, memory: { ...config.memory, size: wanted } };
};
