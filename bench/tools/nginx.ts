/** An nginx as somebody would write it by hand: TLS in front of an upstream, nothing else. And the upstream itself. */
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

export type Certificate = { readonly chain: string; readonly key: string };
export type Plain = { readonly pid: number; readonly stop: () => Promise<void> };

export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

const wrap = (workers: string, body: string): string => `daemon off;
worker_processes ${workers};
pid /mnt/nginx.pid;
error_log /mnt/error.log crit;
events { worker_connections 8192; }
http {
    access_log /mnt/access.log;
    keepalive_requests 1000000;
${body}}
`;

const BODY = JSON.stringify({
  projects: Array.from({ length: 10 }, (_, index) => ({ id: index, title: `Project ${index}`, visible: true })),
});

export const upstreamConfig = (port: number): string =>
  wrap(
    "1",
    `    server {
        listen 127.0.0.1:${port};
        access_log off;
        default_type application/json;
        location / { return 200 '${BODY}'; }
    }
`,
  ).replace("access_log /mnt/access.log", "access_log off");

export const bareConfig = (port: number, upstream: number): string =>
  wrap(
    "auto",
    `    upstream api { server 127.0.0.1:${upstream}; keepalive 32; keepalive_requests 10000; }
    server {
        listen 127.0.0.1:${port} ssl;
        ssl_certificate /mnt/chain.pem;
        ssl_certificate_key /mnt/key.pem;
        location / {
            proxy_pass http://api;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
        }
    }
`,
  );

const answers = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/`).then(
    () => true,
    () => false,
  );

/** The nginx of `root`, with a configuration of its own. */
export const startNginx = async (root: string, port: number, config: string, certificate?: Certificate): Promise<Plain> => {
  const folder = await mkdtemp(join(tmpdir(), "croft-bench-nginx-"));
  await chmod(folder, 0o755);
  const files = { "nginx.conf": config, "chain.pem": certificate?.chain ?? "", "key.pem": certificate?.key ?? "" };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const inside = `mount --bind ${folder} ${root}/mnt && mount --bind /dev ${root}/dev && exec chroot ${root} /usr/sbin/nginx -c /mnt/nginx.conf`;
  const child = spawn("unshare", ["--mount", "sh", "-c", inside], { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  child.stderr.on("data", (part) => (errors += String(part)));
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  for (let turn = 0; turn < 100 && !(await answers(port)); turn += 1) {
    if (child.exitCode !== null) throw new Error(`nginx ended: ${errors}`);
    await wait(50);
  }
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  return { pid: child.pid ?? 0, stop };
};
