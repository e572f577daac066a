import { expect, test } from "vitest";
import type { Endpoint } from "../provisioner/model/contribution.ts";
import { NO_ORIGINS, originsOf, renderPolicy } from "./policy.ts";

const endpoint = (name: string, properties: Readonly<Record<string, string>>, app = "shop"): Endpoint => ({
  app,
  name,
  machine: "edge",
  port: 443,
  protocol: "https",
  properties,
  secrets: [],
  needs: [],
});

test("pages load from their own host alone", () => {
  expect(renderPolicy([NO_ORIGINS])).toBe(
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
  );
});

test("an app with a bucket and a provider shows its pictures and signs people in there, another app does not", () => {
  const endpoints = [
    endpoint("buckets.media", { endpoint: "https://s3.shop.test" }),
    endpoint("buckets.other", { endpoint: "https://s3.shop.test" }),
    endpoint("oidc", { issuer: "https://auth.shop.test/realms/shop" }),
    endpoint("oidc", { issuer: "https://login.other.test/x" }, "other"),
  ];
  expect(originsOf(endpoints, "shop")).toEqual({ pictures: ["https://s3.shop.test"], calls: ["https://auth.shop.test"] });
  expect(renderPolicy([originsOf(endpoints, "shop")])).toBe(
    "default-src 'self'; img-src 'self' data: https://s3.shop.test; media-src 'self' https://s3.shop.test; " +
      "connect-src 'self' https://auth.shop.test https://s3.shop.test; frame-src 'self' https://auth.shop.test; " +
      "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
  );
  expect(originsOf(endpoints, "none")).toEqual(NO_ORIGINS);
});

test("what is no origin never reaches the header", () => {
  expect(() => renderPolicy([{ pictures: ['https://a.test"; return 200; #'], calls: [] }])).toThrow("the gateway refuses");
});
