/** A MinIO that lives as long as one test file, on loopback, with one bucket. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { Agent } from "node:https";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  S3Client,
} from "@aws-sdk/client-s3";

/** No package registry has this program: croft builds it once and keeps it here. */
const KEPT = "/var/cache/croft/artifacts";
const PROGRAM = (existsSync(KEPT) ? readdirSync(KEPT) : []).find((name) => /^minio-[0-9a-f]+$/.test(name));

/** Why the tests that need storage are skipped, or undefined where they can run. */
export const NO_STORAGE = PROGRAM === undefined ? `no minio among croft's artifacts` : undefined;

const [ACCESS, SECRET, BUCKET, REGION] = ["portfolio", "a1B2c3D4e5F6", "portfolio", "us-east-1"] as const;

export type Storage = {
  readonly endpoint: string;
  /** As the API is told. */
  readonly env: Readonly<Record<string, string>>;
  readonly listKeys: () => Promise<readonly string[]>;
  /** Uploads that were begun and not finished. */
  readonly listUnfinished: (key: string) => Promise<number>;
  readonly read: (key: string) => Promise<{ readonly type: string | undefined; readonly bytes: Uint8Array }>;
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
  readonly remove: () => Promise<void>;
};

/** With `tls` its certificate is its own authority, which the environment names. */
export async function startStorage({ tls = false } = {}): Promise<Storage> {
  const folder = mkdtempSync(join(tmpdir(), "portfolio-s3-"));
  const port = await findPort();
  const certificate = tls ? certify(folder) : undefined;
  const endpoint = tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`;
  const credentials = { accessKeyId: ACCESS, secretAccessKey: SECRET };
  const client = new S3Client({ endpoint, region: REGION, forcePathStyle: true, credentials, ...(certificate && trust(certificate)) });
  let server: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    server = spawn(
      join(KEPT, PROGRAM ?? ""),
      ["server", join(folder, "data"), "--address", `127.0.0.1:${port}`, "--quiet", "--certs-dir", join(folder, "certs")],
      {
        stdio: "ignore",
        env: { HOME: folder, MINIO_ROOT_USER: ACCESS, MINIO_ROOT_PASSWORD: SECRET, MINIO_BROWSER: "off", GOMEMLIMIT: "256MiB" },
      },
    );
    await untilAnswers(client);
  };
  const stop = async (): Promise<void> => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    server.kill("SIGKILL");
    await once(server, "exit");
  };
  await start();
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  return {
    endpoint,
    env: {
      STORAGE_ENDPOINT: endpoint,
      STORAGE_ACCESS_KEY: ACCESS,
      STORAGE_SECRET_KEY: SECRET,
      STORAGE_REGION: REGION,
      STORAGE_BUCKET: BUCKET,
      ...(certificate && { NODE_EXTRA_CA_CERTS: certificate }),
    },
    listKeys: async () => ((await client.send(new ListObjectsV2Command({ Bucket: BUCKET }))).Contents ?? []).map(({ Key = "" }) => Key),
    listUnfinished: async (key) =>
      (await client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET, Prefix: key }))).Uploads?.length ?? 0,
    read: async (key) => {
      const { Body, ContentType } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
      return { type: ContentType, bytes: (await Body?.transformToByteArray()) ?? new Uint8Array() };
    },
    start,
    stop,
    remove: async () => {
      client.destroy();
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The path of a certificate for this computer, beside its key where MinIO looks for it. */
function certify(folder: string): string {
  const [key, certificate] = [join(folder, "certs/private.key"), join(folder, "certs/public.crt")];
  mkdirSync(join(folder, "certs"));
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"];
  const kind = ["-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
  execFileSync("openssl", ["req", "-x509", ...subject, ...kind, "-keyout", key, "-out", certificate], { stdio: "pipe" });
  return certificate;
}

function trust(certificate: string) {
  return { requestHandler: { httpsAgent: new Agent({ ca: readFileSync(certificate) }) } };
}

async function untilAnswers(client: S3Client): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const answer = await client.send(new ListBucketsCommand()).catch(() => undefined);
    if (answer !== undefined) return;
    await wait(100);
  }
  throw new Error("MinIO did not start");
}

async function findPort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}
