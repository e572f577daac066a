/** The whole portfolio on loopback: database, storage, API, login service, and a gateway each for site and CMS. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KEY, startClient } from "../../api/src/testing/client.ts";
import { migrate, SKIP_REASON, startDatabase } from "../../api/src/testing/postgres.ts";
import { NO_STORAGE, startStorage, type Storage } from "../../api/src/testing/storage.ts";
import { type Gateway, startGateway } from "./gateway.ts";
import { type Provider, startProvider } from "./provider.ts";

/** Why this cannot run here, or undefined. */
export const NO_INSTALLATION = SKIP_REASON ?? NO_STORAGE;
const ROLE = "portfolio-admin";

export type Installation = {
  readonly cms: Gateway;
  readonly site: Gateway;
  readonly provider: Provider;
  readonly storage: Storage;
  /** Bytes a second that uploads may take. */
  readonly setPace: (pace: number) => void;
  readonly remove: () => Promise<void>;
};

/** `life`: seconds of an access token. */
export async function startInstallation(life: number): Promise<Installation> {
  const folder = mkdtempSync(join(tmpdir(), "portfolio-fronts-"));
  const [database, storage] = await Promise.all([startDatabase(), startStorage()]);
  await migrate(database.owner, "up");
  const api = await startClient(database.url, { API_KEY: KEY, ...storage.env });
  const origins: string[] = [];
  const provider = await startProvider((address) => origins.some((origin) => address.startsWith(`${origin}/`)), life, [ROLE]);
  let pace = Infinity;
  const build = (name: string): string => {
    execFileSync(process.execPath, [join(import.meta.dirname, "../..", name, "build.ts"), join(folder, name)]);
    return join(folder, name);
  };
  const images = `img-src 'self' ${storage.endpoint}`;
  const site = await startGateway(() => ({
    root: build("site"),
    config: { apiBase: "" },
    policy: `default-src 'self'; ${images}`,
    api: api.base,
    admit: ({ method, url = "" }) => {
      if (method !== "GET") return 405;
      return /^\/api\/portfolio\/v1\/projects(\?|$)|visible=false/.test(url) ? 404 : { "X-Api-Key": KEY };
    },
  }));
  const cms = await startGateway((origin) => {
    origins.push(origin);
    return {
      root: build("cms"),
      config: { issuer: provider.issuer, clientId: "portfolio", apiBase: "" },
      policy: `default-src 'self'; ${images}; connect-src 'self' ${new URL(provider.issuer).origin}`,
      api: api.base,
      admit: (request) => admit(provider, request),
      pace: () => pace,
    };
  });
  return {
    cms,
    site,
    provider,
    storage,
    setPace: (next) => (pace = next),
    remove: async () => {
      await Promise.all([cms.close(), site.close(), provider.close(), api.stop()]);
      await Promise.all([database.remove(), storage.remove()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function admit(provider: Provider, request: IncomingMessage): Record<string, string> | 401 {
  const claims = provider.check(/^Bearer (\S+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "");
  const { roles = [] } = (claims?.realm_access ?? {}) as { roles?: readonly string[] };
  return claims === undefined ? 401 : { "X-Api-Key": KEY, "X-Auth-Roles": roles.join(",") };
}
