/** Many small objects written while the store dies under them, and what of them is there afterwards. */
import { createHash } from "node:crypto";
import { Agent, request } from "node:http";
import { buffer } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { REGION } from "../names.ts";
import type { AppBucket } from "../section.ts";
import { sign, signatureTime } from "../../../provisioner/transport/signature.ts";
import { secretOf } from "./server.fixture.ts";
import type { ObjectServer } from "./server.fixture.ts";

const LANES = 32;
const TIMEOUT_MS = 30_000;

const sha256 = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");

/** Between 100 bytes and 8 KiB, other ones for each key. */
const bodyOf = (key: string): Buffer => {
  const seed = createHash("sha512").update(key).digest();
  return Buffer.alloc(100 + (seed.readUInt16LE() % 8093), seed);
};

type Answer = { readonly status: number; readonly body: Buffer };
type Ask = (method: "GET" | "PUT", key: string, body?: Buffer) => Promise<Answer>;

/** With the bucket's own key, over connections that are kept; lighter than an SDK, whose work would be most of the test's. */
const makeAsk = (server: ObjectServer, { full, secret }: AppBucket, agent: Agent): Ask => {
  const host = `127.0.0.1:${server.port}`;
  return (method, key, body = Buffer.alloc(0)) =>
    new Promise((resolve, reject) => {
      const path = `/${full}/${key}`;
      const headers = sign(
        { method, region: REGION, host, path, query: {}, body, time: signatureTime(new Date()) },
        full,
        secretOf(secret),
      );
      const options = { agent, host: "127.0.0.1", port: server.port, method, path, signal: AbortSignal.timeout(TIMEOUT_MS) };
      const sent = request({ ...options, headers: { ...headers, "content-length": body.length } }, (message) => {
        buffer(message).then((all) => resolve({ status: message.statusCode ?? 0, body: all }), reject);
      });
      sent.once("error", reject);
      sent.end(body);
    });
};

const inLanes = async (work: () => Promise<boolean>): Promise<void> => {
  const lane = async (): Promise<void> => {
    while (await work());
  };
  await Promise.all(Array.from({ length: LANES }, lane));
};

export class Load {
  /** Keys whose writing the store acknowledged, with the digest of what was written. */
  readonly written = new Map<string, string>();
  /** Writings without an answer, or with a bad one; each was tried again. */
  refused = 0;
  #agent = new Agent({ keepAlive: true, maxSockets: LANES });
  #ask: Ask;

  constructor(server: ObjectServer, bucket: AppBucket) {
    this.#ask = makeAsk(server, bucket, this.#agent);
  }

  async #write(key: string, stopped: () => boolean): Promise<void> {
    const body = bodyOf(key);
    while (!stopped()) {
      const status = await this.#ask("PUT", key, body).then(
        (answer) => answer.status,
        () => 0,
      );
      if (status === 200) return void this.written.set(key, sha256(body));
      this.refused += 1;
      await wait(100);
    }
  }

  /** Until every key is acknowledged or the load is stopped; whatever fails is tried again. */
  async writeAll(keys: Iterable<string>, stopped: () => boolean): Promise<void> {
    const next = keys[Symbol.iterator]();
    await inLanes(async () => {
      const { done, value } = next.next();
      if (done === true || stopped()) return false;
      await this.#write(value, stopped);
      return true;
    });
  }

  /** Acknowledged keys that are gone or hold other bytes. */
  async findLost(): Promise<readonly string[]> {
    const lost: string[] = [];
    const next = this.written[Symbol.iterator]();
    await inLanes(async () => {
      const { done, value } = next.next();
      if (done === true) return false;
      const [key, wanted] = value;
      const { status, body } = await this.#ask("GET", key).catch(() => ({ status: 0, body: Buffer.alloc(0) }));
      if (status !== 200 || sha256(body) !== wanted) lost.push(`${key}: ${status}, ${body.length} bytes`);
      return true;
    });
    return lost;
  }

  close(): void {
    this.#agent.destroy();
  }
}
