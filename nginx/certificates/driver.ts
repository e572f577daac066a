/** Drivers of the site's own CA and of the certificates it signs. */
import { observeEach } from "../../provisioner/execute/observe-each.ts";
import { rm } from "node:fs/promises";
import { CroftError } from "../../provisioner/errors.ts";
import type { ApplyRequest, Driver, ObserveRequest } from "../../provisioner/execute/driver.ts";
import type { JsonObject, Observation } from "../../provisioner/plan/resource.ts";
import { AUTHORITY, certificateId } from "../../provisioner/secrets/certificate-resource.ts";
import type { RandomBytes } from "../../provisioner/secrets/generate.ts";
import { ensureOperator } from "../../provisioner/secrets/identity.ts";
import { authorityFolder, authorityIsValid, readAuthority, writeAuthority } from "./authority-files.ts";
import type { Authority, CertificatePaths } from "./authority-files.ts";
import type { Issuing, KeyPair } from "./authority.ts";
import { chainVerifies, isDue, keyMatches, lifeOf, namesOf, splitChain } from "./inspect.ts";
import { certificateFolder, readCertificate } from "./readers.ts";
import { currentVersion, installVersion, isPrivate, makePrivate } from "./versions.ts";

export type CertificateTools = {
  readonly site: string;
  readonly paths: CertificatePaths;
  /** `model.operator`. */
  readonly operator: string | undefined;
  readonly now: () => Date;
  readonly random: RandomBytes;
  /** An RSA pair: SPKI and PKCS #8, PEM. */
  readonly makeRsaPair: (bits: number) => Promise<KeyPair>;
};

/** Loaded when something is issued: a run that only looks needs no node-forge. */
const signing = () => import("./authority.ts");

const KEY_BITS = { root: 4096, intermediate: 3072, leaf: 2048 } as const;
const SERIAL_BYTES = 16;

const issuing = async (tools: CertificateTools, bits: number): Promise<Issuing> => ({
  site: tools.site,
  now: tools.now(),
  serial: (await signing()).toSerial(tools.random(SERIAL_BYTES)),
  pair: await tools.makeRsaPair(bits),
});

const observeAuthority = async (tools: CertificateTools): Promise<Observation> => {
  const authority = await readAuthority(tools.paths).catch(() => undefined);
  if (authority === undefined) return { status: "absent" };
  const valid = await authorityIsValid(tools.paths, authority, tools.now());
  return { status: "present", facts: { version: authority.version, ...authority.scope, valid } };
};

const makeAuthority = async (tools: CertificateTools, request: ApplyRequest): Promise<JsonObject> => {
  const { version, domain, network } = request.resource.spec;
  const { makeIntermediate, makeRoot } = await signing();
  const scope = { domain: String(domain), network: String(network) };
  const operator = await ensureOperator(tools.paths.folder, tools.operator);
  const root = makeRoot(await issuing(tools, KEY_BITS.root));
  const intermediate = makeIntermediate(root, scope, await issuing(tools, KEY_BITS.intermediate));
  const authority: Authority = { version: String(version), scope, root: root.certificate, intermediate };
  await writeAuthority(tools.paths, authority, root.key, operator.recipient);
  if (operator.identityFile === undefined) return { operator: operator.recipient };
  request.progress(`only ${operator.identityFile} opens the root key: move it to a safe place`);
  return { operator: operator.recipient, operatorIdentity: operator.identityFile };
};

const sameScope = (authority: Authority, spec: JsonObject): boolean =>
  authority.version === spec["version"] && authority.scope.domain === spec["domain"] && authority.scope.network === spec["network"];

/** An earlier run may have finished all but the result's record, and open files need no new CA. */
const applyAuthority = async (tools: CertificateTools, request: ApplyRequest): Promise<JsonObject> => {
  const found = await readAuthority(tools.paths).catch(() => undefined);
  if (found !== undefined && sameScope(found, request.resource.spec)) {
    await makePrivate(authorityFolder(tools.paths), found.version);
    const { recipient } = await ensureOperator(tools.paths.folder, tools.operator);
    if (await authorityIsValid(tools.paths, found, tools.now())) return { operator: recipient };
  }
  return makeAuthority(tools, request);
};

export const authorityDriver = (tools: CertificateTools): Driver => ({
  kind: "authority",
  observe: observeEach(() => observeAuthority(tools)),
  apply: (request) => applyAuthority(tools, request),
  remove: () => rm(authorityFolder(tools.paths), { recursive: true, force: true }),
});

const nameOf = (id: string): string => id.slice(certificateId("").length);

type Found = { readonly version: string; readonly chain: readonly string[]; readonly key: string };

const findCertificate = async (tools: CertificateTools, name: string): Promise<Found | undefined> => {
  const version = await currentVersion(certificateFolder(tools.paths, name));
  if (version === undefined) return undefined;
  const chain = splitChain((await readCertificate(tools.paths, name, "chain")).reveal());
  return { version, chain, key: (await readCertificate(tools.paths, name, "key")).reveal() };
};

const isValid = async (tools: CertificateTools, name: string, found: Found, root: string): Promise<boolean> => {
  const [leaf = ""] = found.chain;
  return (
    !isDue(leaf, tools.now()) &&
    keyMatches(leaf, found.key) &&
    chainVerifies([...found.chain, root]) &&
    (await isPrivate(certificateFolder(tools.paths, name), found.version))
  );
};

/** Facts of one certificate; undefined where there is none or its files are not whole. */
const certificateFacts = async (tools: CertificateTools, name: string) => {
  const found = await findCertificate(tools, name).catch(() => undefined);
  if (found === undefined) return undefined;
  const authority = await readAuthority(tools.paths).catch(() => undefined);
  const [leaf = ""] = found.chain;
  const signedByCurrent = authority !== undefined && found.chain[1] === splitChain(authority.intermediate.certificate)[0];
  return {
    leaf,
    facts: {
      names: namesOf(leaf),
      version: found.version,
      authority: signedByCurrent ? authority.version : "another",
      valid: authority !== undefined && (await isValid(tools, name, found, authority.root)),
    },
  };
};

const observeCertificate = async (tools: CertificateTools, request: ObserveRequest): Promise<Observation> => {
  const found = await certificateFacts(tools, nameOf(request.id));
  if (found === undefined) return { status: "absent" };
  return { status: "present", facts: found.facts, info: { until: lifeOf(found.leaf)?.notAfter.toISOString() ?? "" } };
};

const requireAuthority = async (tools: CertificateTools): Promise<Authority> => {
  const authority = await readAuthority(tools.paths);
  if (authority === undefined) throw new CroftError("SECRET", `a certificate needs the resource ${AUTHORITY}/internal first`);
  return authority;
};

const issue = async (tools: CertificateTools, name: string, spec: JsonObject): Promise<void> => {
  const { scope, intermediate } = await requireAuthority(tools);
  const { makeLeaf } = await signing();
  const names = Array.isArray(spec["names"]) ? spec["names"].map(String) : [];
  const leaf = makeLeaf(intermediate, { name, names, scope }, await issuing(tools, KEY_BITS.leaf));
  await installVersion(certificateFolder(tools.paths, name), String(spec["version"]), {
    "chain.pem": leaf.certificate + intermediate.certificate,
    "key.pem": leaf.key.reveal(),
  });
};

/** True where nothing but file modes could be wrong, and those are put right here. */
const isInPlace = async (tools: CertificateTools, name: string, spec: JsonObject): Promise<boolean> => {
  await makePrivate(certificateFolder(tools.paths, name), String(spec["version"]));
  const facts: JsonObject | undefined = (await certificateFacts(tools, name))?.facts;
  return facts !== undefined && Object.keys(spec).every((key) => JSON.stringify(facts[key]) === JSON.stringify(spec[key]));
};

export const certificateDriver = (tools: CertificateTools): Driver => ({
  kind: "certificate",
  observe: observeEach((request) => observeCertificate(tools, request)),
  apply: async ({ resource }) => {
    const name = nameOf(resource.id);
    if (!(await isInPlace(tools, name, resource.spec))) await issue(tools, name, resource.spec);
    return {};
  },
  remove: ({ recorded }) => rm(certificateFolder(tools.paths, nameOf(recorded.id)), { recursive: true, force: true }),
});
