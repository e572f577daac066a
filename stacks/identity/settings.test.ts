/** Settings whose meaning is security. */
import { describe, expect, test } from "vitest";
import { publicClient, realmSettings, sessionClient } from "./settings.ts";

describe("settings", () => {
  test("a front end's origins come from where it is sent back to", () => {
    const client = publicClient(["https://cms.shop.test/*", "https://cms.shop.test/back", "http://localhost:3000/*"]);
    expect(client).toMatchObject({
      publicClient: true,
      webOrigins: ["http://localhost:3000", "https://cms.shop.test"],
      attributes: { "pkce.code.challenge.method": "S256" },
    });
  });

  test("the gateway's client comes back to its own path of each host, and nowhere else", () => {
    expect(sessionClient(["b.shop.test", "a.shop.test"])).toMatchObject({
      publicClient: false,
      redirectUris: ["https://a.shop.test/_croft/session/callback", "https://b.shop.test/_croft/session/callback"],
      webOrigins: [],
      attributes: { "post.logout.redirect.uris": "https://a.shop.test/##https://b.shop.test/" },
    });
  });

  test("no client takes passwords or gives tokens away in an address", () => {
    for (const client of [publicClient(["https://a.test/"]), sessionClient(["a.test"])]) {
      expect(client).toMatchObject({ directAccessGrantsEnabled: false, implicitFlowEnabled: false, serviceAccountsEnabled: false });
    }
  });

  test("forgotten passwords can be reset only where mail can be sent", () => {
    const smtp = { host: "mail.test", port: 587, from: "a@b.test", security: "starttls" } as const;
    expect(realmSettings(undefined)).toMatchObject({ resetPasswordAllowed: false });
    expect(realmSettings(smtp)).toMatchObject({
      resetPasswordAllowed: true,
      smtpServer: { host: "mail.test", port: "587", starttls: "true", ssl: "false", auth: "false" },
    });
  });
});
