/** Asks OpenID providers elsewhere who they are: before every plan of a site that names one. */
import { metadataUrl } from "../provisioner/config/issuers.ts";
import type { IssuerAnswer } from "../provisioner/config/issuers.ts";
import { errorChain } from "../provisioner/errors.ts";

const PATIENCE_MS = 5000;
const LARGEST = 256 * 1024;

const readMetadata = (text: string): IssuerAnswer => {
  try {
    const data = JSON.parse(text) as { readonly issuer?: unknown; readonly jwks_uri?: unknown } | null;
    return { ok: true, issuer: data?.issuer, keys: data?.jwks_uri };
  } catch {
    return { ok: false, reason: "its metadata are no JSON" };
  }
};

const askOne = async (issuer: string, ask: typeof fetch): Promise<IssuerAnswer> => {
  try {
    const response = await ask(metadataUrl(issuer), { signal: AbortSignal.timeout(PATIENCE_MS), headers: { accept: "application/json" } });
    if (!response.ok) return { ok: false, reason: `HTTP ${response.status}` };
    const text = await response.text();
    return text.length > LARGEST ? { ok: false, reason: "its metadata are too large" } : readMetadata(text);
  } catch (error) {
    return { ok: false, reason: errorChain(error).join(": ") };
  }
};

/** Never throws: who does not answer is part of the answer. */
export const askIssuers = async (issuers: readonly string[], ask: typeof fetch = fetch): Promise<ReadonlyMap<string, IssuerAnswer>> =>
  new Map(await Promise.all(issuers.map(async (issuer) => [issuer, await askOne(issuer, ask)] as const)));
