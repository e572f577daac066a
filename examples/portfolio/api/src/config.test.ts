import { expect, test } from "vitest";
import { parseConfig } from "./config.ts";

const DATABASE_URL = "postgres://portfolio_rw:s3cret@data:5432/portfolio?sslmode=verify-full&sslrootcert=/etc/ca.crt";

test("only the database address is needed", () => {
  const config = parseConfig({ DATABASE_URL });
  expect(config).toMatchObject({ host: "0.0.0.0", port: 8080, metricsPort: 9464, logLevel: "info", version: "1.0.0" });
  expect(config.apiKeys).toBeUndefined();
  expect(config.corsOrigins.size).toBe(0);
});

test("lists are split at commas and trimmed", () => {
  const config = parseConfig({ DATABASE_URL, API_KEY: " new ", API_KEY_PREVIOUS: "old", CORS_ORIGINS: "https://a.test,https://b.test" });
  expect(config.apiKeys).toEqual(["new", "old"]);
  expect([...config.corsOrigins]).toEqual(["https://a.test", "https://b.test"]);
});

test("all mistakes are told at once", () => {
  const bad = {
    PORT: "http",
    METRICS_PORT: "70000",
    DATABASE_URL: "mysql://x",
    LOG_LEVEL: "loud",
    API_KEY: " ",
    STORAGE_ENDPOINT: "minio:9000",
    STORAGE_BUCKET: "",
  };
  for (const name of Object.keys(bad)) expect(() => parseConfig(bad)).toThrow(name);
});

test("a database address that cannot be parsed is not repeated", () => {
  expect(() => parseConfig({ DATABASE_URL: "postgres://u:s3cret@[" })).toThrow(/^(?!.*s3cret)/);
});
