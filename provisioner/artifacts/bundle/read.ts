/** Reads a bundle into a staging folder. Either every file is there with its digest, or nothing is used. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { text } from "node:stream/consumers";
import { CroftError } from "../../errors.ts";
import { readTar } from "../../transport/tar.ts";
import type { ReadEntry } from "../../transport/tar.ts";
import type { Architecture } from "../catalogue.ts";
import { fullError, systemCode } from "../failures.ts";
import { MANIFEST, bundleError, parseManifest } from "./manifest.ts";
import type { BundleEntry, Manifest } from "./manifest.ts";

const LARGEST_MANIFEST = 4 * 1024 * 1024;

/** A verified file of a bundle and where it lies now. */
export type Staged = { readonly entry: BundleEntry; readonly file: string };

const readHead = async (file: string, entry: ReadEntry, architecture: Architecture): Promise<Manifest> => {
  if (entry.name !== MANIFEST || entry.sizeBytes > LARGEST_MANIFEST) throw bundleError(file, "it is no bundle of croft");
  return parseManifest(file, await text(entry.body), architecture);
};

const stage = async (file: string, entry: ReadEntry, wanted: BundleEntry, target: string): Promise<void> => {
  const hash = createHash("sha256");
  await pipeline(
    entry.body,
    async function* (source: AsyncIterable<Buffer>) {
      for await (const chunk of source) {
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(target, { mode: 0o600 }),
  );
  if (hash.digest("hex") !== wanted.sha256) throw bundleError(file, `${wanted.path} in it is damaged`);
};

const findWanted = (file: string, manifest: Manifest, entry: ReadEntry, staged: readonly Staged[]): BundleEntry => {
  const wanted = manifest.entries.find(({ path }) => path === entry.name);
  if (wanted === undefined) throw bundleError(file, `it holds ${JSON.stringify(entry.name)}, which its manifest does not name`);
  if (entry.type !== "file") throw bundleError(file, `${wanted.path} in it is no plain file`);
  if (entry.sizeBytes !== wanted.bytes) throw bundleError(file, `${wanted.path} in it has another size`);
  if (staged.some((one) => one.entry === wanted)) throw bundleError(file, `it holds ${wanted.path} twice`);
  return wanted;
};

const explain = (file: string, folder: string, error: unknown): unknown => {
  if (error instanceof CroftError) return error;
  if (systemCode(error) === "ENOSPC") return fullError(folder, error);
  if (systemCode(error) === "ENOENT") return bundleError(file, "it does not exist");
  return bundleError(file, "it is damaged or cut off", error);
};

/** Files are named by number in `folder`. @throws CroftError ARTIFACT */
export const readBundle = async (
  file: string,
  folder: string,
  architecture: Architecture,
): Promise<{ readonly manifest: Manifest; readonly staged: readonly Staged[] }> => {
  const staged: Staged[] = [];
  let manifest: Manifest | undefined;
  try {
    await readTar(createReadStream(file), async (entry) => {
      if (manifest === undefined) {
        manifest = await readHead(file, entry, architecture);
        return;
      }
      const wanted = findWanted(file, manifest, entry, staged);
      const target = join(folder, String(staged.length));
      await stage(file, entry, wanted, target);
      staged.push({ entry: wanted, file: target });
    });
  } catch (error) {
    throw explain(file, folder, error);
  }
  if (manifest === undefined) throw bundleError(file, "it is no bundle of croft");
  const missing = manifest.entries.length - staged.length;
  if (missing > 0) throw bundleError(file, `${missing} of its files are missing`);
  return { manifest, staged };
};
