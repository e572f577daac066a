/** From a VmConfig to what the guest's script needs. Pure. */
import { guestName, vethName } from "../../../../model/names.ts";
import type { VmConfig } from "../../config/vm.ts";
import { deviceFailure } from "../../core/failure.ts";
import type { GuestPlan } from "./script.ts";

/** systemd reads these from its arguments in a container, as from the kernel's command line on a machine. */
const GUEST_WORD = /^(ip=|nameserver=|systemd\.|rd\.systemd\.|ds=|cloud-init=|croft\.)/;

const wordsOf = (config: VmConfig): readonly string[] => (config.payload?.cmdline ?? "").split(/\s+/).filter((word) => word !== "");

const hostnameOf = (words: readonly string[], standard: string): string => {
  const name = words
    .find((word) => word.startsWith("ip="))
    ?.slice("ip=".length)
    .split(":")[4];
  return name !== undefined && /^[a-zA-Z0-9][a-zA-Z0-9.-]{0,63}$/.test(name) ? name : standard;
};

export type HostFacts = {
  readonly isSeed: (path: string) => boolean;
  /** The tap's bridge. @throws Failure where there is no such tap. */
  readonly bridgeOf: (tap: string) => string | undefined;
};

const networkOf = (config: VmConfig, facts: HostFacts): GuestPlan["network"] => {
  const net = config.net?.[0];
  if (net?.tap === undefined) return undefined;
  return { veth: vethName(net.tap), bridge: facts.bridgeOf(net.tap), mac: net.mac };
};

export const planGuest = (
  config: VmConfig,
  apiSocket: string,
  cgroups: Pick<GuestPlan, "cgroups" | "ownTree">,
  facts: HostFacts,
): GuestPlan => {
  const [root, ...others] = (config.disks ?? []).filter((disk) => disk.path !== undefined);
  if (root?.path === undefined) throw deviceFailure("this engine needs a root disk");
  const seed = others.find((disk) => disk.readonly && facts.isSeed(disk.path ?? ""));
  const words = wordsOf(config);
  return {
    machine: guestName(apiSocket),
    hostname: hostnameOf(words, guestName(apiSocket)),
    rootImage: root.path,
    mountPoint: `${apiSocket}.root`,
    disks: others.filter((disk) => disk !== seed).map((disk) => ({ path: disk.path ?? "", serial: disk.serial, readonly: disk.readonly })),
    seed: seed?.path,
    network: networkOf(config, facts),
    ...cgroups,
    words: words.filter((word) => GUEST_WORD.test(word)),
  };
};
