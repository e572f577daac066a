/** A real nginx 1.30 in a root of its own, with the gateway's files, slots and a Node upstream. */
import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, chown, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { IncomingMessage, RequestListener, Server } from "node:http";
import { request } from "node:https";
import { connect, createServer as createTcp } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { makeIntermediate, makeLeaf, makeRoot, toSerial } from "./certificates/authority.ts";
import type { Issued } from "./certificates/authority.ts";
import { makeRsaPair } from "./certificates/keys.ts";
import type { App } from "../provisioner/model/types.ts";
import { SCRIPT_FILE, renderGateway, renderScript } from "./render.ts";
import type { GatewayConfig, Places } from "./render.ts";
import { toHosts } from "./routes.ts";
import { renderServer } from "./traffic.ts";
import { makeModel } from "./portfolio.fixture.ts";

const run = promisify(execFile);
const WORKER_ID = 33;

/** A folder with Debian 13 and nginx from unstable, as `mmdebstrap` leaves it. */
export const findNginxRoot = (): string | undefined =>
  [process.env["CROFT_TEST_NGINX_ROOT"], "/var/cache/croft/test/nginx-root"].find(
    (root) => root !== undefined && existsSync(join(root, "usr/sbin/nginx")),
  );

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createTcp().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

const scope = { domain: "portfolio.test", network: "10.91.0.0/16" };
const issuing = async () => ({ site: "portfolio", now: new Date(), serial: toSerial(randomBytes(16)), pair: await makeRsaPair(2048) });

export type Authority = { readonly root: Issued; readonly intermediate: Issued };
export const makeAuthority = async (): Promise<Authority> => {
  const root = makeRoot(await issuing());
  return { root, intermediate: makeIntermediate(root, scope, await issuing()) };
};

export type Answer = { readonly status: number; readonly headers: IncomingMessage["headers"]; readonly body: string };
export type Ask = {
  readonly host?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  /** The client's address. */
  readonly from?: string;
};

/** Folders of the temporary machine, by the path they have inside. */
const MOUNTS = [
  "/etc/croft",
  "/usr/lib/croft",
  "/run/croft-gateway",
  "/run/croft-gate",
  "/var/cache/croft-gateway",
  "/var/lib/croft",
] as const;

export class Gateway {
  readonly folder: string;
  readonly places: Places;
  readonly ports: { readonly http: number; readonly https: number; readonly status: number };
  readonly authority: Authority;
  readonly #root: string;
  #process: ChildProcess | undefined;
  errors = "";

  private constructor(root: string, folder: string, ports: Gateway["ports"], authority: Authority) {
    this.#root = root;
    this.folder = folder;
    this.ports = ports;
    this.authority = authority;
    this.places = {
      http: String(ports.http),
      https: String(ports.https),
      status: `127.0.0.1:${ports.status}`,
      accessLog: "/run/croft-gateway/nginx/access.log",
    };
  }

  static async make(root: string): Promise<Gateway> {
    const folder = await mkdtemp(join(tmpdir(), "croft-gateway-"));
    await chmod(folder, 0o755);
    const ports = { http: await freePort(), https: await freePort(), status: await freePort() };
    const gateway = new Gateway(root, folder, ports, await makeAuthority());
    for (const path of MOUNTS) {
      await mkdir(gateway.path(path), { recursive: true });
      await mkdir(join(root, path), { recursive: true });
    }
    for (const name of ["body", "proxy", "fastcgi", "uwsgi", "scgi"]) {
      await mkdir(gateway.path(`/var/cache/croft-gateway/${name}`));
      await chown(gateway.path(`/var/cache/croft-gateway/${name}`), WORKER_ID, WORKER_ID);
    }
    await mkdir(gateway.path("/run/croft-gateway/nginx"));
    await chown(gateway.path("/run/croft-gateway/nginx"), WORKER_ID, WORKER_ID);
    return gateway;
  }

  /** A path of the machine, as seen from outside. */
  path(inside: string): string {
    return join(this.folder, inside);
  }

  async write(inside: string, content: string): Promise<void> {
    await mkdir(dirname(this.path(inside)), { recursive: true });
    await writeFile(this.path(inside), content);
  }

  config(app: App): GatewayConfig {
    return {
      hosts: toHosts(makeModel([app])),
      roots: new Map([
        ["portfolio-site", "/var/lib/croft/releases/portfolio-site/current"],
        ["portfolio-docs", "/var/lib/croft/releases/portfolio-docs/current"],
      ]),
      host: "portfolio.test",
      places: this.places,
    };
  }

  async install(app: App, extras: Partial<GatewayConfig> = {}): Promise<string> {
    const config = { ...this.config(app), ...extras };
    const { files, hash } = renderGateway(config);
    for (const [path, content] of Object.entries(files)) await this.write(path, content);
    await this.write(SCRIPT_FILE, renderScript(config));
    await chmod(this.path(SCRIPT_FILE), 0o755);
    return hash;
  }

  /** Moves a link in one step, as slots and releases do. */
  async link(folder: string, version: string): Promise<void> {
    await symlink(version, this.path(`${folder}/current.new`));
    await rename(this.path(`${folder}/current.new`), this.path(`${folder}/current`));
  }

  async certify(version: string): Promise<string> {
    const names = ["portfolio.test", "www.portfolio.test", "cms.portfolio.test"];
    const leaf = makeLeaf(this.authority.intermediate, { name: "gateway", names, scope }, await issuing());
    const folder = "/etc/croft/slots/gateway-certificate";
    await this.write(`${folder}/${version}/chain.pem`, leaf.certificate + this.authority.intermediate.certificate);
    await this.write(`${folder}/${version}/key.pem`, leaf.key.reveal());
    await chmod(this.path(`${folder}/${version}`), 0o700);
    await this.link(folder, version);
    return leaf.certificate;
  }

  /** The key that the gateway adds. */
  async key(version: string, line: string): Promise<void> {
    const folder = "/etc/croft/slots/gateway-keys";
    await this.write(`${folder}/${version}/portfolio.conf`, line);
    await this.link(folder, version);
  }

  async traffic(version: string, port: number): Promise<void> {
    const folder = "/etc/croft/slots/traffic-portfolio-api";
    await this.write(`${folder}/${version}/server.conf`, renderServer("127.0.0.1", port));
    await this.link(folder, version);
  }

  async release(name: string, version: string, files: Readonly<Record<string, string>>): Promise<void> {
    const folder = `/var/lib/croft/releases/${name}`;
    for (const [path, content] of Object.entries(files)) await this.write(`${folder}/${version}/${path}`, content);
    await this.link(folder, version);
  }

  #inside(command: string): readonly string[] {
    const mounts = MOUNTS.map((path) => `mount --bind ${this.path(path)} ${this.#root}${path}`);
    return [
      "-c",
      [
        ...mounts,
        `mount --bind /proc ${this.#root}/proc`,
        `mount --bind /dev ${this.#root}/dev`,
        `exec chroot ${this.#root} /bin/sh -c "${command}"`,
      ].join(" && "),
    ];
  }

  async start(): Promise<void> {
    const child = spawn("unshare", [
      "--mount",
      "sh",
      ...this.#inside(
        `${SCRIPT_FILE} check && exec setpriv --reuid=www-data --regid=www-data --clear-groups --no-new-privs /usr/sbin/nginx -g 'daemon off;' -c /etc/croft/gateway/nginx.conf`,
      ),
    ]);
    this.#process = child;
    child.stderr.on("data", (data) => (this.errors += String(data)));
    for (let tries = 0; tries < 100; tries += 1) {
      if (child.exitCode !== null) throw new Error(`nginx ended: ${this.errors}`);
      if (
        await this.status("health").then(
          (text) => text === "ok\n",
          () => false,
        )
      )
        return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`nginx does not answer: ${this.errors}`);
  }

  async status(page: string): Promise<string> {
    return (await fetch(`http://${this.places.status}/croft/${page}`)).text();
  }

  async masterPid(): Promise<number> {
    return Number(await readFile(this.path("/run/croft-gateway/nginx/nginx.pid"), "utf8"));
  }

  /** Runs the machine's own script in the machine's root. */
  async reload(): Promise<{ readonly ok: boolean; readonly text: string; readonly milliseconds: number }> {
    const start = performance.now();
    const pid = String(await this.masterPid());
    const done = await run("nsenter", [
      "--target",
      pid,
      "--mount",
      "--root",
      "--wd",
      "/usr/bin/env",
      `MAINPID=${pid}`,
      "/bin/sh",
      SCRIPT_FILE,
      "reload",
    ]).then(
      ({ stderr }) => ({ ok: true, text: stderr }),
      (error: { stderr?: string }) => ({ ok: false, text: String(error.stderr) }),
    );
    return { ...done, milliseconds: performance.now() - start };
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child !== undefined && child.exitCode === null) {
      process.kill(await this.masterPid(), "SIGTERM");
      await new Promise((resolve) => child.once("exit", resolve));
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  /** One HTTPS request, its path as it is. */
  ask(path: string, { host = "www.portfolio.test", method = "GET", headers = {}, body, from = "127.0.0.1" }: Ask = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const servername = host.endsWith("portfolio.test") && host.split(".").length < 4 ? host : "portfolio.test";
      const options = {
        host: "127.0.0.1",
        port: this.ports.https,
        localAddress: from,
        path,
        method,
        servername,
        ca: this.authority.root.certificate,
        headers: { host, ...headers },
        agent: false as const,
      };
      const sent = request(options, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (data: string) => (text += data));
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text })).on("error", reject);
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  /** Bytes to the plain port, and what comes back until it closes. */
  raw(text: string, port = this.ports.http): Promise<string> {
    return new Promise((resolve, reject) => {
      let got = "";
      const socket = connect(port, "127.0.0.1", () => socket.write(text));
      socket.setTimeout(3000, () => socket.destroy());
      socket
        .on("data", (data) => (got += String(data)))
        .on("close", () => resolve(got))
        .on("error", reject);
    });
  }
}

export type Upstream = { readonly port: number; readonly server: Server; readonly close: () => Promise<void> };

export const startUpstream = async (listener: RequestListener): Promise<Upstream> => {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { port: (server.address() as AddressInfo).port, server, close };
};
