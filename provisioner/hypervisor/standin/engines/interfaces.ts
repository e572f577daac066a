/** What the engines read of the host's network interfaces. */
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { deviceFailure } from "../core/failure.ts";

/** The bridge a tap is plugged into. @throws Failure in the real program's words where there is no such tap. */
export const bridgeOfTap = (tap: string): string | undefined => {
  if (!existsSync(`/sys/class/net/${tap}`))
    throw deviceFailure(
      "Cannot create virtio-net device",
      "Failed to open taps",
      "Open tap device failed",
      `Invalid interface name (does it exist?): ${tap}`,
    );
  const master = `/sys/class/net/${tap}/master`;
  return existsSync(master) ? basename(readlinkSync(master)) : undefined;
};

const readNumber = (path: string): bigint => (existsSync(path) ? BigInt(readFileSync(path, "utf8").trim()) : 0n);

/** Counters as the guest sees them: the host's end sees everything the other way round. */
export const guestNetCounters = (hostEnd: string): Readonly<Record<string, bigint>> => {
  const folder = `/sys/class/net/${hostEnd}/statistics`;
  return {
    rx_bytes: readNumber(`${folder}/tx_bytes`),
    rx_frames: readNumber(`${folder}/tx_packets`),
    tx_bytes: readNumber(`${folder}/rx_bytes`),
    tx_frames: readNumber(`${folder}/rx_packets`),
  };
};
