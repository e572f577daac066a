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
  /** Undefined: pictures of the site are all there is, and uploads are refused. */
  readonly storage: StorageConfig | undefined;
  readonly version: string;
};

export type StorageConfig = {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKey: string;
  readonly secretKey: string;
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
    apiKeys: parseKeys(env, problems),
    storage: parseStorage(env, problems),
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

/** Set but empty is a mistake: it must not silently mean "no key needed". The previous key is optional, and may be empty. */
function parseKeys({ API_KEY, API_KEY_PREVIOUS }: Environment, problems: string[]): readonly string[] | undefined {
  if (API_KEY === undefined && API_KEY_PREVIOUS === undefined) return undefined;
  const key = API_KEY?.trim() ?? "";
  if (key === "") problems.push("API_KEY holds no key");
  const previous = API_KEY_PREVIOUS?.trim() ?? "";
  return previous === "" ? [key] : [key, previous];
}

/** All or nothing: half a storage is a mistake. */
function parseStorage(env: Environment, problems: string[]): StorageConfig | undefined {
  if (env.STORAGE_ENDPOINT === undefined) return undefined;
  if (!/^https?:\/\//.test(env.STORAGE_ENDPOINT) || !URL.canParse(env.STORAGE_ENDPOINT))
    problems.push("STORAGE_ENDPOINT must be an http:// or https:// address");
  const need = (name: string): string => {
    const value = env[name]?.trim() ?? "";
    if (value === "") problems.push(`${name} is needed beside STORAGE_ENDPOINT`);
    return value;
  };
  return {
    endpoint: env.STORAGE_ENDPOINT,
    region: env.STORAGE_REGION || "us-east-1",
    bucket: need("STORAGE_BUCKET"),
    accessKey: need("STORAGE_ACCESS_KEY"),
    secretKey: need("STORAGE_SECRET_KEY"),
  };
}
