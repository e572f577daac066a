/** What the deployment tells the CMS, in `/config.json`. */
export type Config = {
  /** What the provider calls itself, to the letter: a slash at its end belongs to it. */
  readonly issuer: string;
  readonly clientId: string;
  /** Empty: the API is on this page's own origin. */
  readonly apiBase: string;
};

/** Throws where a person could not log in with it. */
export function parseConfig(value: unknown): Config {
  const { issuer, clientId, apiBase } = (value ?? {}) as Record<string, unknown>;
  if (typeof issuer !== "string" || !URL.canParse(issuer)) throw new Error("config.json names no issuer");
  if (typeof clientId !== "string" || clientId === "") throw new Error("config.json names no clientId");
  return { issuer, clientId, apiBase: typeof apiBase === "string" ? trim(apiBase) : "" };
}

function trim(address: string): string {
  return address.replace(/\/+$/, "");
}
