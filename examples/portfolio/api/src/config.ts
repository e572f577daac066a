/** The environment, parsed once. Every mistake is reported in one message. */
export type Config = {
  readonly host: string;
  readonly port: number;
  readonly metricsPort: number;
  readonly databaseUrl: string;
  readonly corsOrigins: ReadonlySet<string>;
  readonly logLevel: string;
  /** Undefined: callers are not asked for a key, and nobody has a role. */
  readonly apiKeys: readonly string[] | undefined;
  readonly version: string;
};

type Environment = Readonly<Record<string, string | undefined>>;

const LEVELS = new Set(["trace", "debug", "info", "warn", "error", "fatal", "silent"]);

export function parseConfig(env: Environment): Config {
  const problems: string[] = [];
  const config: Config = {
    host: env.HOST || "0.0.0.0",
    port: parsePort("PORT", env.PORT || "8080", problems),
    metricsPort: parsePort("METRICS_PORT", env.METRICS_PORT || "9464", problems),
    databaseUrl: parseDatabaseUrl(env.DATABASE_URL, problems),
    corsOrigins: new Set(toList(env.CORS_ORIGINS)),
    logLevel: parseLevel(env.LOG_LEVEL || "info", problems),
    apiKeys: parseKeys(env.API_KEYS, problems),
    version: env.APP_VERSION || "1.0.0",
  };
  if (problems.length > 0) throw new Error(`the environment is not usable: ${problems.join("; ")}`);
  return config;
}

function toList(text: string | undefined): string[] {
  return (text ?? "")
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function parsePort(name: string, text: string, problems: string[]): number {
  const port = Number(text);
  const valid = /^\d{1,5}$/.test(text) && port <= 65535;
  if (!valid) problems.push(`${name} must be a port from 0 to 65535`);
  return port;
}

/** Never repeats the value: it holds a password. */
function parseDatabaseUrl(text: string | undefined, problems: string[]): string {
  const valid = text !== undefined && /^postgres(ql)?:\/\//.test(text) && URL.canParse(text);
  if (!valid) problems.push("DATABASE_URL must be a postgres:// address");
  return text ?? "";
}

function parseLevel(text: string, problems: string[]): string {
  if (!LEVELS.has(text)) problems.push(`LOG_LEVEL must be one of ${[...LEVELS].join(", ")}`);
  return text;
}

/** Set but empty is a mistake: it must not silently mean "no key needed". */
function parseKeys(text: string | undefined, problems: string[]): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const keys = toList(text);
  if (keys.length === 0) problems.push("API_KEYS is set but holds no key");
  return keys;
}
