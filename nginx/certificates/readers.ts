/** What others read of the site's certificates: the slot resolver, `status`, and who counts renewals. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { CroftError } from "../../provisioner/errors.ts";
import { Secret } from "../../provisioner/secrets/secret.ts";
import { readAuthority } from "./authority-files.ts";
import type { CertificatePaths } from "./authority-files.ts";
import { isDue, lifeOf, splitChain } from "./inspect.ts";
import { currentVersion, readVersion } from "./versions.ts";

export const certificateFolder = (paths: CertificatePaths, name: string): string => join(paths.certificates, name);

const PART_FILES = { chain: "chain.pem", key: "key.pem" } as const;
export type CertificatePart = keyof typeof PART_FILES;

/** The chain (leaf first, then the intermediate) or the key, PEM. @throws CroftError SECRET where it was never issued. */
export const readCertificate = async (paths: CertificatePaths, name: string, part: CertificatePart): Promise<Secret> => {
  const folder = certificateFolder(paths, name);
  const version = await currentVersion(folder);
  if (version === undefined) throw new CroftError("SECRET", `the certificate ${name} was never issued`);
  return new Secret((await readVersion(folder, version, PART_FILES[part])).toString("utf8"));
};

/** Root and intermediate, PEM: what clients trust. @throws CroftError SECRET where there is no CA. */
export const readAuthorityBundle = async (paths: CertificatePaths): Promise<string> => {
  const authority = await readAuthority(paths);
  if (authority === undefined) throw new CroftError("SECRET", "the site has no CA yet");
  return `${authority.root.trimEnd()}\n${authority.intermediate.certificate.trimEnd()}\n`;
};

export type CertificateAge = { readonly name: string; readonly notAfter: Date; readonly due: boolean };

/** Every certificate in use with its end; `due` ones want their rotation counted, which gives them a new version. */
export const listCertificates = async (paths: CertificatePaths, now: Date): Promise<readonly CertificateAge[]> => {
  const names = await readdir(paths.certificates).catch(() => []);
  const ages = await Promise.all(
    names.map(async (name): Promise<readonly CertificateAge[]> => {
      if ((await currentVersion(certificateFolder(paths, name))) === undefined) return [];
      const [leaf = ""] = splitChain((await readCertificate(paths, name, "chain")).reveal());
      return [{ name, notAfter: lifeOf(leaf)?.notAfter ?? now, due: isDue(leaf, now) }];
    }),
  );
  return ages.flat().toSorted((a, b) => (a.name < b.name ? -1 : 1));
};
