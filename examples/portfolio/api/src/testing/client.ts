/** A running API and the few words with which tests ask it. */
import { type Logger, pino } from "pino";
import { type Config, parseConfig } from "../config.ts";
import { startService } from "../service.ts";

export const KEY = "first-key";
export const ADMIN = { "X-Api-Key": KEY, "X-Auth-Roles": "viewer, portfolio-admin" };
export const PUBLIC = { "X-Api-Key": KEY };

export const SILENT: Logger = pino({ level: "silent" });

// oxlint-disable-next-line typescript/no-explicit-any -- a test reads answers of every shape
export type Answer = { readonly status: number; readonly json: any; readonly headers: Headers };

export type Client = {
  readonly config: Config;
  readonly base: string;
  readonly metricsBase: string;
  readonly ask: (
    method: string,
    path: string,
    options?: { headers?: Record<string, string>; json?: unknown; text?: string },
  ) => Promise<Answer>;
  readonly stop: () => Promise<void>;
};

export async function startClient(
  databaseUrl: string,
  env: Record<string, string> = { API_KEY: KEY, API_KEY_PREVIOUS: "second-key" },
): Promise<Client> {
  const config = parseConfig({ HOST: "127.0.0.1", PORT: "0", METRICS_PORT: "0", DATABASE_URL: databaseUrl, ...env });
  const service = await startService(config, SILENT);
  const base = `http://127.0.0.1:${service.port}`;
  return {
    config,
    base,
    metricsBase: `http://127.0.0.1:${service.metricsPort}`,
    ask: async (method, path, { headers = ADMIN, json, text } = {}) => {
      const body = text ?? (json === undefined ? null : JSON.stringify(json));
      const type: Record<string, string> = body === null ? {} : { "Content-Type": "application/json" };
      const response = await fetch(base + path, { method, headers: { ...type, ...headers }, body });
      const answer = await response.text();
      return { status: response.status, json: answer === "" ? undefined : JSON.parse(answer), headers: response.headers };
    },
    stop: service.stop,
  };
}
