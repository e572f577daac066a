import { format, inspect } from "node:util";
import { expect, test } from "vitest";
import { CroftError } from "../errors.ts";
import { Secret } from "./secret.ts";

const CANARY = "canary-7f3e";
const secret = new Secret(CANARY);

const ways: Readonly<Record<string, () => string>> = {
  "template string": () => `${secret}`,
  concatenation: () => "a" + secret,
  String: () => String(secret),
  JSON: () => JSON.stringify({ secret, list: [secret] }),
  inspect: () => inspect({ secret }, { depth: 9, showHidden: true }),
  format: () => format("%s %o %O %j %d", secret, secret, secret, secret, secret),
  error: () => inspect(new CroftError("SECRET", `about ${secret}`, { cause: secret, tail: `${secret}` })),
  keys: () => JSON.stringify([Object.keys(secret), Object.entries(secret), { ...secret }]),
  join: () => [secret, secret].join(),
  thrown: () => inspect(Object.assign(new Error("x"), { secret })),
};

test.each(Object.entries(ways))("a secret does not show in: %s", (_name, way) => {
  expect(way()).not.toContain(CANARY);
});

test("the check finds a planted value", () => {
  expect(inspect({ value: secret.reveal() })).toContain(CANARY);
});

test("comparison and cloning give nothing away", () => {
  expect(structuredClone(secret)).toEqual({});
  expect(`${secret}`).toBe("[redacted]");
});
