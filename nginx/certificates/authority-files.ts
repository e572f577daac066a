/** The CA on the home host's disk: what is kept of it and what is read back. */
import { join } from "node:path";
import { encryptFor } from "../../provisioner/secrets/age.ts";
import { Secret } from "../../provisioner/secrets/secret.ts";
import type { Issued, Scope } from "./authority.ts";
import { chainVerifies, isDue, keyMatches } from "./inspect.ts";
import { currentVersion, installVersion, isPrivate, readVersion } from "./versions.ts";

/** Folders of `sitePaths()`. */
export type CertificatePaths = { readonly folder: string; readonly authority: string; readonly certificates: string };

const FILES = {
  root: "root.pem",
  /** Only the operator can open it; croft never needs it again. */
  rootKey: "root.key.age",
  intermediate: "intermediate.pem",
  intermediateKey: "intermediate.key.pem",
  scope: "scope.json",
} as const;

const versionsFolder = (paths: CertificatePaths): string => join(paths.authority, "internal");

export type Authority = {
  readonly version: string;
  readonly scope: Scope;
  readonly root: string;
  readonly intermediate: Issued;
};

export const writeAuthority = async (paths: CertificatePaths, authority: Authority, rootKey: Secret, operator: string): Promise<void> =>
  installVersion(versionsFolder(paths), authority.version, {
    [FILES.root]: authority.root,
    [FILES.rootKey]: await encryptFor([operator], rootKey),
    [FILES.intermediate]: authority.intermediate.certificate,
    [FILES.intermediateKey]: authority.intermediate.key.reveal(),
    [FILES.scope]: `${JSON.stringify(authority.scope)}\n`,
  });

/** The CA in use; undefined where none was made. @throws CroftError SECRET where a file of it is gone. */
export const readAuthority = async (paths: CertificatePaths): Promise<Authority | undefined> => {
  const folder = versionsFolder(paths);
  const version = await currentVersion(folder);
  if (version === undefined) return undefined;
  const read = async (file: string): Promise<string> => (await readVersion(folder, version, file)).toString("utf8");
  return {
    version,
    scope: JSON.parse(await read(FILES.scope)) as Scope,
    root: await read(FILES.root),
    intermediate: { certificate: await read(FILES.intermediate), key: new Secret(await read(FILES.intermediateKey)) },
  };
};

/** Whole, private, not near its end, and its key the right one. */
export const authorityIsValid = async (paths: CertificatePaths, authority: Authority, now: Date): Promise<boolean> => {
  const { certificate, key } = authority.intermediate;
  return (
    keyMatches(certificate, key.reveal()) &&
    chainVerifies([certificate, authority.root]) &&
    !isDue(certificate, now) &&
    (await isPrivate(versionsFolder(paths), authority.version))
  );
};

export const authorityFolder = versionsFolder;

/** The root certificate's file: what clients are told to trust. */
export const authorityFile = (paths: CertificatePaths): string => join(versionsFolder(paths), "current", FILES.root);
