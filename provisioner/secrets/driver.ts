/** Secrets as resources: what the store holds, what is made anew, what is forgotten. */
import { observeEach } from "../execute/observe-each.ts";
import { CroftError } from "../errors.ts";
import type { ApplyRequest, Driver, ObserveRequest, RemoveRequest } from "../execute/driver.ts";
import type { Observation, ResourceId } from "../plan/resource.ts";
import { generatePassword } from "./generate.ts";
import type { MakeKeyPair, RandomBytes } from "./generate.ts";
import { secretId } from "./resource.ts";
import type { SecretForm } from "./resource.ts";
import { Secret } from "./secret.ts";
import type { SecretEntry, SecretStore } from "./store.ts";

export type SecretTools = {
  readonly store: SecretStore;
  readonly random: RandomBytes;
  readonly makeKeyPair: MakeKeyPair;
  readonly now: () => Date;
};

const nameOf = (id: ResourceId): string => id.slice(secretId("").length);

/** The public half of an SSH key is kept beside it under a name of its own. */
const publicName = (name: string): string => `${name}.public`;

const formOf = (value: Secret): SecretForm => (value.reveal().startsWith("-----BEGIN OPENSSH PRIVATE KEY-----") ? "ssh-key" : "password");

const observeOne = async (store: SecretStore, request: ObserveRequest): Promise<Observation> => {
  const name = nameOf(request.id);
  const versions = await store.versions(name);
  const wanted = String(request.resource?.spec["version"] ?? "");
  const version = versions.includes(wanted) ? wanted : versions.at(-1);
  const value = version === undefined ? undefined : await store.get(name, version);
  if (version === undefined || value === undefined) return { status: "absent" };
  const previous = versions.find((other) => other !== version) ?? "";
  return { status: "present", facts: { version, previous, form: formOf(value) } };
};

const makeEntries = (tools: SecretTools, name: string, version: string, form: SecretForm): readonly SecretEntry[] => {
  if (form === "password") return [{ name, version, value: generatePassword(tools.random) }];
  const pair = tools.makeKeyPair(`croft ${name}`);
  return [
    { name, version, value: new Secret(pair.privateKey) },
    { name: publicName(name), version, value: new Secret(pair.publicKey) },
  ];
};

const applySecret = async (tools: SecretTools, request: ApplyRequest) => {
  const { version, previous, form } = request.resource.spec;
  const name = nameOf(request.resource.id);
  const known = await tools.store.get(name, String(version));
  if (previous !== "" && (await tools.store.get(name, String(previous))) === undefined)
    throw new CroftError("SECRET", `the value that ${name} had before its rotation is not in the store, and somebody may still use it`, {
      hint: "bring back secrets.age of the time when the rotation began, then run `croft up`",
    });
  if (known !== undefined && formOf(known) !== form) await tools.store.remove([name, publicName(name)]);
  await tools.store.add(makeEntries(tools, name, String(version), form === "ssh-key" ? "ssh-key" : "password"));
  for (const one of [name, publicName(name)]) await tools.store.keep(one, [String(version), String(previous)]);
  const { spec, output } = request.recorded ?? {};
  return { since: (spec?.["version"] === version ? output?.["since"] : undefined) ?? tools.now().toISOString() };
};

export const secretDriver = (tools: SecretTools): Driver => ({
  kind: "secret",
  observe: observeEach((request) => observeOne(tools.store, request)),
  apply: (request) => applySecret(tools, request),
  remove: (request: RemoveRequest) => {
    const name = nameOf(request.recorded.id);
    return tools.store.remove([name, publicName(name)]);
  },
});

/** The public half of an SSH key secret, `ssh-ed25519 …`. @throws CroftError SECRET where the store has none. */
export const readPublicKey = async (store: SecretStore, name: string, version: string): Promise<string> => {
  const found = await store.get(publicName(name), version);
  if (found === undefined) throw new CroftError("SECRET", `no SSH key is called ${name} in version ${version}`);
  return found.reveal();
};
