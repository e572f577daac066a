/** A host for tests: an SSH server that runs what it is told with `sh`, behind a wire that can be cut at any byte. */
import { spawn } from "node:child_process";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server as NetServer, Socket } from "node:net";
import ssh2 from "ssh2";
import type { Server, ServerChannel } from "ssh2";
import { makeKeyPair } from "../ssh.ts";

export type Wire = {
  readonly port: number;
  /** `TYPE BASE64` of the host's key. */
  readonly hostKey: string;
  /** Bytes that went each way so far. */
  readonly counts: () => { readonly up: number; readonly down: number };
  /** Cuts once, at this byte from now on. */
  readonly cutAt: (way: "up" | "down", bytes: number) => void;
  readonly wasCut: () => boolean;
  readonly commands: () => readonly string[];
  readonly logins: () => number;
  readonly close: () => void;
};

/** As sshd does it: a lost connection closes the command's pipes and leaves the command alone. */
const execute = (channel: ServerChannel, command: string): void => {
  const child = spawn("sh", ["-c", command], { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.on("error", () => {});
  channel.on("error", () => {});
  channel.pipe(child.stdin);
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  channel.once("close", () => [child.stdin, child.stdout, child.stderr].forEach((pipe) => pipe.destroy()));
  child.once("close", (code, signal) => {
    if (code === null) channel.exit(signal ?? "SIGKILL");
    else channel.exit(code);
    channel.end();
  });
};

type Seen = { readonly commands: string[]; logins: number };

const makeServer = (privateKey: string, allowed: string, seen: Seen): Server =>
  new ssh2.Server({ hostKeys: [privateKey] }, (client) => {
    client.on("error", () => {});
    client.on("authentication", (context) => {
      seen.logins += 1;
      if (context.method === "publickey" && context.key.data.toString("base64") === allowed.split(" ")[1]) context.accept();
      else context.reject(["publickey"]);
    });
    client.on("session", (accept) => {
      const session = accept();
      session.on("pty", (acceptPty) => acceptPty());
      session.on("exec", (acceptExec, _reject, { command }) => {
        seen.commands.push(command);
        execute(acceptExec(), command);
      });
    });
  });

const listening = (server: NetServer | Server): Promise<number> =>
  new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)));

/** @param allowed the public key that may log in */
export const makeHost = async (allowed: string, key = makeKeyPair("host")): Promise<Wire> => {
  const seen: Seen = { commands: [], logins: 0 };
  const server = makeServer(key.privateKey, allowed, seen);
  const inner = await listening(server);
  const counts = { up: 0, down: 0 };
  let cut: { readonly way: "up" | "down"; readonly at: number } | undefined;
  let done = false;
  const proxy = createServer((near) => {
    const far = connect(inner, "127.0.0.1");
    const pass = (way: "up" | "down", from: Socket, to: Socket): void => {
      from.on("error", () => {});
      from.on("close", () => to.destroy());
      from.on("data", (bytes: Buffer) => {
        const room = cut?.way === way ? cut.at - counts[way] : Infinity;
        counts[way] += bytes.length;
        if (bytes.length < room) return void to.write(bytes);
        to.write(bytes.subarray(0, room));
        cut = undefined;
        done = true;
        near.destroy();
        far.destroy();
      });
    };
    pass("up", near, far);
    pass("down", far, near);
  });
  const port = await listening(proxy);
  return {
    port,
    hostKey: key.publicKey.split(" ").slice(0, 2).join(" "),
    counts: () => ({ ...counts }),
    cutAt: (way, bytes) => {
      done = false;
      cut = { way, at: counts[way] + bytes };
    },
    wasCut: () => done,
    commands: () => seen.commands,
    logins: () => seen.logins,
    close: () => {
      proxy.close();
      server.close();
    },
  };
};
