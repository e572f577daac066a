/** What the gateway is to Keycloak: HTTPS in front of it, with the headers that it believes. Keycloak may move behind it. */
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { makeIntermediate, makeLeaf, makeRoot, toSerial } from "../../nginx/certificates/authority.ts";
import { makeRsaPair } from "../../nginx/certificates/keys.ts";
import { GATEWAY } from "../../stacks/identity/testing/keycloak.fixture.ts";

const scope = { domain: "shop.test", network: "127.0.0.0/8" };
const issuing = async () => ({ site: "shop", now: new Date(), serial: toSerial(randomBytes(16)), pair: await makeRsaPair(2048) });

export type Front = {
  readonly authority: string;
  /** With its port. */
  readonly host: string;
  /** Where Keycloak answers. */
  target: number;
  readonly stop: () => Promise<void>;
};

export const startFront = async (): Promise<Front> => {
  const root = makeRoot(await issuing());
  const intermediate = makeIntermediate(root, scope, await issuing());
  const leaf = makeLeaf(intermediate, { name: "front", names: ["127.0.0.1"], scope }, await issuing());
  const server = createServer({ cert: leaf.certificate + intermediate.certificate, key: leaf.key.reveal() });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const front: Front = {
    authority: root.certificate,
    host,
    target: 0,
    stop: () => {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
  server.on("request", ({ method, url, headers }, answer) => {
    const forwarded = { ...headers, "x-forwarded-proto": "https", "x-forwarded-host": host, "x-forwarded-for": "198.51.100.7" };
    const options = { host: "127.0.0.1", port: front.target, localAddress: GATEWAY, method, path: url, headers: forwarded, agent: false };
    request(options, (message) => {
      answer.writeHead(message.statusCode ?? 502, message.headers);
      message.pipe(answer);
    })
      .on("error", () => answer.writeHead(502).end())
      .end();
  });
  return front;
};
