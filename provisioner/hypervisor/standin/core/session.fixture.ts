/** For tests: a session on a host of plain objects, without a guest. */
import { makeNoEngine } from "../engines/none.ts";
import type { Engine, Host } from "./ports.ts";
import { answerRequest } from "./routes.ts";
import { makeSession, type Session } from "./session.ts";

type FakeFiles = Readonly<Record<string, "Raw" | "Qcow2" | "Vhdx">>;

const missing = { refused: "No such file or directory (os error 2)" };

const makeFakeHost = (files: FakeFiles): Host => {
  const locked = new Set<string>();
  const opened: string[] = [];
  return {
    openDisk: (path) => {
      const type = files[path];
      return type === undefined ? missing : { type, handle: opened.push(path) - 1 };
    },
    lockDisk: (handle) => {
      const path = opened[handle] ?? "";
      if (locked.has(path)) return false;
      locked.add(path);
      return true;
    },
    closeDisk: (handle) => void locked.delete(opened[handle] ?? ""),
    resizeDisk: (handle) => (opened[handle] === "/full" ? { refused: "No space left on device (os error 28)" } : undefined),
    canRead: (path) => (path.startsWith("/none/") ? missing : undefined),
    truncate: (path) => (path.startsWith("/none/") ? missing : undefined),
    createNew: () => undefined,
    readText: () => missing,
    fileSize: (path) => SIZES[path] ?? missing,
    isFolder: (path) => path === "/snap" || path === "/run",
    exists: (path) => path === "/run/taken",
    tapMac: () => "0a:00:00:00:00:01",
  };
};

const FILES: FakeFiles = { "/a": "Raw", "/b": "Raw", "/c": "Raw", "/q": "Qcow2", "/x": "Vhdx", "/full": "Raw" };

const MEBIBYTE = 1024 * 1024;
const SIZES: Readonly<Record<string, number>> = { "/pmem": 32 * MEBIBYTE, "/odd": 3 * MEBIBYTE, "/empty": 0, "/snap": 4096 };

export const start = (engine: Engine = makeNoEngine()) => {
  const events: string[] = [];
  const properties: (Readonly<Record<string, string>> | undefined)[] = [];
  const session: Session = makeSession({
    host: makeFakeHost(FILES),
    engine,
    emit: (_source, event, more) => {
      events.push(event);
      properties.push(more);
    },
    onGuestEnd: () => {},
    onConsole: () => {},
  });
  const call = async (method: "GET" | "PUT" | "PATCH", name: string, body?: unknown) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const answer = await answerRequest(session, {
      method,
      path: `/api/v1/${name}`,
      body: text === undefined ? undefined : Buffer.from(text),
    });
    return { status: answer.status, body: answer.body ? JSON.parse(answer.body) : answer.body };
  };
  return { call, events, properties };
};

export const disk = (path: string, more = {}) => ({ path, image_type: "Raw", ...more });
export const vm = (more = {}) => ({ payload: { kernel: "/k" }, disks: [disk("/a"), disk("/b")], console: { mode: "Off" }, ...more });

export const booted = async (config: unknown = vm(), engine?: Engine) => {
  const program = start(engine);
  await program.call("PUT", "vm.create", config);
  const answer = await program.call("PUT", "vm.boot");
  if (answer.status !== 204) throw new Error(`the boot was refused: ${JSON.stringify(answer)}`);
  return program;
};
