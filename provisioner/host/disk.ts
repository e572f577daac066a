/** Data disks: raw files with an ext4 file system, made by the host, never by a machine. */
import { open, rename, rm, stat } from "node:fs/promises";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { CroftError } from "../errors.ts";
import type { ApplyRequest, Driver, ObserveRequest } from "../execute/driver.ts";
import { observeEach } from "../execute/observe-each.ts";
import { doorPoint } from "../execute/faults.ts";
import { resourceId } from "../model/names.ts";
import type { JsonObject, Observation, Resource } from "../plan/resource.ts";
import { allOf, sh } from "../transport/sh.ts";
import { must } from "../transport/shell.ts";
import type { Shell } from "../transport/shell.ts";

export type DiskInput = {
  readonly host: string;
  readonly machine: string;
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  /** File system id; it carries the site's id, so it is also the mark of ownership. */
  readonly uuid: string;
};

/** Disks of all machines share one name space: `MACHINE-DISK`. */
export const diskId = (machine: string, disk: string): string => resourceId("disk", `${machine}-${disk}`);

export const diskResource = (input: DiskInput): Resource => ({
  id: diskId(input.machine, input.name),
  kind: "disk",
  host: input.host,
  spec: { path: input.path, sizeBytes: input.sizeBytes, uuid: input.uuid },
  needs: [],
  replaceOn: ["path", "uuid"],
  data: true,
  uses: { diskBytes: input.sizeBytes },
});

const EXT4_UUID_OFFSET = 1024 + 0x68;
const EXT4_MAGIC_OFFSET = 1024 + 0x38;

/** File system id of an ext4 image, read from its superblock; undefined where there is none. */
export const readUuid = async (path: string): Promise<string | undefined> => {
  const handle = await open(path, "r");
  try {
    const block = Buffer.alloc(2048);
    const { bytesRead } = await handle.read(block, 0, 2048, 0);
    if (bytesRead < 2048 || block.readUInt16LE(EXT4_MAGIC_OFFSET) !== 0xef53) return undefined;
    const hex = block.subarray(EXT4_UUID_OFFSET, EXT4_UUID_OFFSET + 16).toString("hex");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  } finally {
    await handle.close();
  }
};

const sizeOf = (path: string): Promise<number | undefined> =>
  stat(path).then(
    (found) => found.size,
    () => undefined,
  );

const observeOne = async (request: ObserveRequest): Promise<Observation> => {
  const path = String((request.resource ?? request.recorded)?.spec["path"] ?? "");
  const sizeBytes = await sizeOf(path);
  if (sizeBytes === undefined) return { status: "absent" };
  const uuid = await readUuid(path);
  return { status: "present", facts: { path, sizeBytes, uuid: uuid ?? "none" } };
};

const refuseForeign = async (path: string, uuid: string): Promise<void> => {
  const found = await readUuid(path);
  if (found === uuid) return;
  throw new CroftError("FOREIGN", `${path} is there but is not this site's disk (file system id ${found ?? "none"})`, {
    hint: "move it away by hand; croft never overwrites data it did not make",
  });
};

const makeDisk = async (shell: Shell, path: string, sizeBytes: number, uuid: string): Promise<void> => {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.new`;
  await rm(temporary, { force: true });
  await must(
    shell,
    `making the data disk ${path}`,
    allOf([
      sh`umask 077`,
      sh`truncate -s ${sizeBytes} ${temporary}`,
      sh`mke2fs -q -F -t ext4 -U ${uuid} -m 0 -E lazy_itable_init=1,lazy_journal_init=1 ${temporary}`,
      sh`sync ${temporary}`,
    ]),
    { timeoutMs: 600_000 },
  );
  await doorPoint("before");
  await rename(temporary, path);
  await must(shell, "writing the folder of disks", sh`sync ${dirname(path)}`);
};

/** Only before its machine starts: a file system in use is grown from inside, which croft does not do yet. */
const resizeDisk = async (shell: Shell, path: string, from: number, to: number): Promise<void> => {
  if (to < from) throw new CroftError("STEP_FAILED", `the disk ${path} cannot shrink from ${from} to ${to} bytes`);
  await must(
    shell,
    `growing the data disk ${path}`,
    allOf([
      sh`! losetup -j ${path} | grep -q .`,
      sh`truncate -s ${to} ${path}`,
      sh`e2fsck -fp ${path} || test $? -le 1`,
      sh`resize2fs -f ${path}`,
    ]),
    { timeoutMs: 600_000 },
  );
};

const apply = async (shell: Shell, request: ApplyRequest): Promise<JsonObject> => {
  const { path, sizeBytes, uuid } = request.resource.spec as { path: string; sizeBytes: number; uuid: string };
  const now = await sizeOf(path);
  if (now === undefined) await makeDisk(shell, path, sizeBytes, uuid);
  else await refuseForeign(path, uuid);
  if (now !== undefined && now !== sizeBytes) await resizeDisk(shell, path, now, sizeBytes);
  return {};
};

export const makeDiskDriver = (shell: Shell): Driver => ({
  kind: "disk",
  observe: observeEach(observeOne),
  apply: (request) => apply(shell, request),
  remove: async (request) => {
    const path = String(request.recorded.spec["path"]);
    await doorPoint("before");
    await rm(path, { force: true });
    await rm(`${path}.new`, { force: true });
    await doorPoint("after");
  },
});
