/** Commands on a machine over SSH: the one door of ssh2. A host key that is not the pinned one ends the connection before anything is sent. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import ssh2 from "ssh2";
import type { Client as ClientType, ClientChannel, ConnectConfig } from "ssh2";
import { CroftError } from "../errors.ts";
import { doorPoint } from "../execute/faults.ts";
import { quoteWord } from "./sh.ts";
import type { Command } from "./sh.ts";
import type { Result, RunOptions, Shell } from "./shell.ts";

const { Client, utils } = ssh2;
const OUTPUT_LIMIT = 1024 * 1024;

export type SshTarget = {
  readonly label: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** OpenSSH private key. */
  readonly privateKey?: string;
  /** Ways to log in, tried in turn; instead of `privateKey`. */
  readonly logins?: readonly Login[];
  /** Pinned public host keys, `TYPE BASE64` or `SHA256:…` each; nothing else is trusted. */
  readonly hostKeys: readonly string[];
  readonly connectTimeoutMs: number;
  /** The error for a host key that is not pinned, given its `SHA256:…`. */
  readonly refuse?: (offered: string) => CroftError;
};

/** A private key in OpenSSH or PEM form, or an agent's socket that holds some. */
export type Login =
  | { readonly type: "key"; readonly key: string; readonly name: string }
  | { readonly type: "agent"; readonly socket: string };

/** The type's name and the length of a whole key, 32 bytes. */
const WHOLE_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI";

/** A new ed25519 pair in OpenSSH form. ssh2 cuts zero bytes off a public key's start, one key in 256, and OpenSSH refuses that. */
export const makeKeyPair = (comment: string): { readonly privateKey: string; readonly publicKey: string } => {
  const pair = utils.generateKeyPairSync("ed25519", { comment });
  if (!pair.public.startsWith(WHOLE_KEY)) return makeKeyPair(comment);
  return { privateKey: pair.private, publicKey: pair.public };
};

/** What a text is as a key to log in with. */
export const inspectKey = (text: string): "private" | "public" | "encrypted" | "unreadable" => {
  const parsed = utils.parseKey(text);
  if (parsed instanceof Error) return /encrypted|passphrase/i.test(parsed.message) ? "encrypted" : "unreadable";
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  return key?.isPrivateKey() === true ? "private" : "public";
};

/** `SHA256:…` of a public key given as `TYPE BASE64`. */
export const keyFingerprint = (key: string): string => {
  if (key.startsWith("SHA256:")) return key;
  const blob = Buffer.from(key.split(" ")[1] ?? "", "base64");
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
};

const fingerprintOf = (offered: Buffer): string => keyFingerprint(`key ${offered.toString("base64")}`);

const isPinned = (target: SshTarget, offered: Buffer): boolean =>
  target.hostKeys.some((key) => keyFingerprint(key) === fingerprintOf(offered));

/** Named one by one, so that the question which ways there are, a round trip, is left out. */
const loginMethods = ({ user, logins, privateKey }: SshTarget): ConnectConfig => {
  const own: readonly Login[] = privateKey === undefined ? [] : [{ type: "key", key: privateKey, name: "croft's key" }];
  const methods = (logins ?? own).map((login) =>
    login.type === "agent"
      ? ({ type: "agent", username: user, agent: login.socket } as const)
      : ({ type: "publickey", username: user, key: login.key } as const),
  );
  return { authHandler: methods };
};

const loginError = (target: SshTarget, cause: Error): CroftError => {
  const tried = (target.logins ?? []).map((login) => (login.type === "agent" ? `the ssh-agent at ${login.socket}` : login.name));
  return new CroftError("TRANSPORT", `${target.label} lets nobody in as ${target.user} with the keys that were tried`, {
    cause,
    tail: tried.map((name) => `tried ${name}`).join("\n"),
    hint: `put a public key into the authorized_keys of ${target.user} there, or name another key with \`--identity FILE\``,
  });
};

const connectError = (target: SshTarget, cause: Error & { readonly level?: string }, refused: Buffer | undefined): CroftError => {
  if (cause.level === "client-authentication" && target.logins !== undefined) return loginError(target, cause);
  if (refused !== undefined) {
    const offered = fingerprintOf(refused);
    if (target.refuse !== undefined) return target.refuse(offered);
    return new CroftError("HOST_KEY", `the SSH host key of ${target.label} is not the pinned one; nothing was sent`, {
      tail: `offered ${offered}\npinned  ${target.hostKeys.map(keyFingerprint).join(" ")}`,
      hint: "if the machine was rebuilt outside croft, replace it with croft; otherwise somebody is in between",
    });
  }
  return new CroftError("TRANSPORT", `cannot reach ${target.label} by SSH at ${target.host}: ${cause.message}`, {
    cause,
    transient: true,
  });
};

const openClient = (target: SshTarget): Promise<ClientType> =>
  new Promise((resolve, reject) => {
    const client = new Client();
    let refused: Buffer | undefined;
    // Every running command waits for the connection's end.
    client.setMaxListeners(0);
    client.once("ready", () => resolve(client));
    client.once("error", (cause) => reject(connectError(target, cause, refused)));
    client.once("close", () => reject(connectError(target, new Error("connection closed"), refused)));
    client.connect({
      host: target.host,
      port: target.port,
      username: target.user,
      ...loginMethods(target),
      readyTimeout: target.connectTimeoutMs,
      keepaliveInterval: 5000,
      keepaliveCountMax: 3,
      algorithms: { serverHostKey: ["ssh-ed25519"] },
      hostVerifier: (key: Buffer) => {
        if (isPinned(target, key)) return true;
        refused = key;
        return false;
      },
    });
    // Small packets in both directions: held back for more (Nagle), each handshake's step would wait 40 ms for the other side's delayed ACK.
    client.setNoDelay(true);
  });

/** Splits chunks into lines for `onLine` and keeps the last part of the whole. */
const makeCollector = (onLine: ((line: string) => void) | undefined) => {
  let text = "";
  let partial = "";
  return {
    add: (chunk: Buffer): void => {
      const piece = chunk.toString("utf8");
      text = (text + piece).slice(-OUTPUT_LIMIT);
      if (onLine === undefined) return;
      const lines = (partial + piece).split("\n");
      partial = lines.pop() ?? "";
      lines.forEach(onLine);
    },
    text: (): string => text,
  };
};

const sendInput = async (channel: ClientChannel, options: RunOptions): Promise<void> => {
  if (options.inputFile === undefined) {
    channel.end(options.input ?? "");
    return;
  }
  await pipeline(createReadStream(options.inputFile), channel).catch(() => {});
};

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

const timer = (milliseconds: number | undefined, expired: () => void): NodeJS.Timeout | undefined =>
  milliseconds === undefined ? undefined : setTimeout(expired, milliseconds);

/**
 * Starts a command and waits for its end. All listeners are attached before the callback of `exec` returns:
 * a short command's exit may be in the very next packet, which is handled in the same turn.
 */
const execute = (target: SshTarget, client: ClientType, command: string, options: RunOptions): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const stdout = makeCollector(options.onLine);
    const stderr = makeCollector(options.onLine);
    let exitCode: number | undefined;
    const attach = (channel: ClientChannel): void => {
      const fail = (code: "TRANSPORT" | "COMMAND_TIMEOUT", message: string): void => {
        channel.destroy();
        reject(new CroftError(code, message, { transient: true, tail: stderr.text().slice(-2000) }));
      };
      const lost = (): void => fail("TRANSPORT", `the connection to ${target.label} was lost during a command`);
      const clock = timer(options.timeoutMs, () =>
        fail("COMMAND_TIMEOUT", `a command on ${target.label} took longer than ${options.timeoutMs} ms`),
      );
      client.once("close", lost);
      channel.on("data", (bytes: Buffer) => {
        stdout.add(bytes);
        options.onBytes?.("stdout", bytes);
      });
      channel.stderr.on("data", (bytes: Buffer) => {
        stderr.add(bytes);
        options.onBytes?.("stderr", bytes);
      });
      channel.on("exit", (code: number | null) => (exitCode = code ?? 128));
      channel.once("close", () => {
        clearTimeout(clock);
        client.removeListener("close", lost);
        if (exitCode === undefined) return lost();
        resolve({ code: exitCode, stdout: stdout.text(), stderr: stderr.text() });
      });
      void sendInput(channel, options);
    };
    client.exec(command, (cause, channel) => {
      if (cause === undefined) attach(channel);
      else reject(new CroftError("TRANSPORT", `cannot start a command on ${target.label}`, { cause, transient: true }));
    });
  });

/** One connection, opened at first use and again after a loss. */
const makeConnection = (target: SshTarget) => {
  let opening: Promise<ClientType> | undefined;
  const open = (): Promise<ClientType> => {
    if (opening !== undefined) return opening;
    const attempt = openClient(target);
    opening = attempt;
    const forget = (): void => {
      if (opening === attempt) opening = undefined;
    };
    attempt.then((client) => client.on("error", forget).once("close", forget), forget);
    return attempt;
  };
  const close = async (): Promise<void> => {
    const client = await opening?.catch(() => undefined);
    client?.end();
  };
  return { open, close };
};

export const makeSshShell = (target: SshTarget): Shell => {
  const connection = makeConnection(target);
  const run = async (command: Command, options: RunOptions = {}): Promise<Result> => {
    const started = performance.now();
    // A connection that is refused is no effect: how often a machine that starts is asked depends on the clock.
    const client = await connection.open();
    await doorPoint("before");
    const { code, stdout, stderr } = await execute(target, client, command.text, options);
    await doorPoint("after");
    return { ok: code === 0, exitCode: code, stdout, stderr, command: command.text, durationMs: performance.now() - started };
  };
  const connectUnix = async (path: string): Promise<Duplex> => {
    const client = await connection.open();
    return new Promise((resolve, reject) => {
      client.openssh_forwardOutStreamLocal(path, (cause, stream) =>
        cause
          ? reject(new CroftError("TRANSPORT", `cannot connect to ${path} on ${target.label}`, { cause, transient: true }))
          : resolve(stream),
      );
    });
  };
  const connectTcp = async (address: string, port: number): Promise<Duplex> => {
    const client = await connection.open();
    return new Promise((resolve, reject) => {
      client.forwardOut("127.0.0.1", 0, address, port, (cause, stream) =>
        cause
          ? reject(new CroftError("TRANSPORT", `cannot connect to ${address}:${port} from ${target.label}`, { cause, transient: true }))
          : resolve(stream),
      );
    });
  };
  return { label: target.label, run, connectUnix, connectTcp, close: connection.close };
};

/**
 * A terminal on the machine, or one command with this process's own input and output.
 * @returns the exit code there
 */
export const openTerminal = async (target: SshTarget, command: readonly string[]): Promise<number> => {
  const client = await openClient(target);
  const { stdin, stdout, stderr } = process;
  let code = 0;
  let closed = (): void => {};
  const ended = new Promise<void>((resolve) => (closed = resolve));
  const channel = await new Promise<ClientChannel>((resolve, reject) => {
    const opened = (error: Error | undefined, found: ClientChannel): void => {
      if (error !== undefined) return reject(error);
      found.on("exit", (status: number | null) => (code = status ?? 128));
      found.once("close", closed);
      resolve(found);
    };
    const size = { term: process.env["TERM"] ?? "xterm", cols: stdout.columns ?? 80, rows: stdout.rows ?? 24 };
    if (command.length === 0) client.shell(size, opened);
    else client.exec(command.map(quoteWord).join(" "), stdout.isTTY ? { pty: size } : {}, opened);
  });
  const resize = (): void => channel.setWindow(stdout.rows ?? 24, stdout.columns ?? 80, 0, 0);
  if (stdin.isTTY) stdin.setRawMode(true);
  stdout.on("resize", resize);
  stdin.pipe(channel);
  channel.pipe(stdout, { end: false });
  channel.stderr.pipe(stderr, { end: false });
  await ended;
  if (stdin.isTTY) stdin.setRawMode(false);
  stdin.unpipe(channel);
  stdin.pause();
  stdout.off("resize", resize);
  client.end();
  return code;
};
