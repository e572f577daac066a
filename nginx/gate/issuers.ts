/** Issuers by name, opened when first needed and again after a while: the gate starts without any of them. */
import { openProvider } from "./provider.ts";
import type { Provider } from "./provider.ts";
import type { GateConfig, GateSecrets, Issuer } from "./settings.ts";
import { makeKeys, verifyToken } from "./tokens.ts";
import type { Keys, Verdict } from "./tokens.ts";

export type OpenIssuer = { readonly provider: Provider; readonly keys: Keys; readonly openedAt: number };

export type Issuers = {
  /** @throws Error where the issuer does not answer and never did */
  readonly open: (name: string) => Promise<OpenIssuer>;
  readonly verify: (name: string, token: string) => Promise<Verdict>;
  readonly settings: (name: string) => Issuer;
};

const METADATA_MAX_AGE_MS = 600_000;

type Known = { open: OpenIssuer | undefined; opening: Promise<OpenIssuer> | undefined };

export const makeIssuers = (config: GateConfig, secrets: GateSecrets): Issuers => {
  const known = new Map<string, Known>();
  const settings = (name: string): Issuer => {
    const found = config.issuers[name];
    if (found === undefined) throw new Error(`no issuer is called ${name}`);
    return found;
  };
  const start = async (name: string): Promise<OpenIssuer> => {
    const provider = await openProvider(settings(name), secrets.clientSecrets[name] ?? []);
    return { provider, keys: makeKeys(provider.keysUri), openedAt: Date.now() };
  };
  /** All who ask while the metadata is on its way share the answer; an old one serves where there is no new one. */
  const open = async (name: string): Promise<OpenIssuer> => {
    const entry: Known = known.get(name) ?? { open: undefined, opening: undefined };
    known.set(name, entry);
    if (entry.open !== undefined && Date.now() - entry.open.openedAt < METADATA_MAX_AGE_MS) return entry.open;
    entry.opening ??= start(name).finally(() => (entry.opening = undefined));
    const before = entry.open;
    if (before === undefined) return (entry.open = await entry.opening);
    return (entry.open = await entry.opening.catch(() => before));
  };
  const verify = async (name: string, token: string): Promise<Verdict> => {
    const opened = await open(name).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
    if (opened instanceof Error) return { kind: "issuer-down", reason: opened.message };
    return verifyToken(token, settings(name), opened.keys);
  };
  return { open, verify, settings };
};
