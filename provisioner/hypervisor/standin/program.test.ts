/** The program around the state machine: sockets, locks, connections, and croft's client talking to it. */
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { HypervisorError, makeClient, parseMessages } from "../client.ts";
import type { VmConfig } from "../types.ts";
import { makeFolder, startProgram } from "./harness.ts";

const cleaners: (() => void)[] = [];
afterEach(() => cleaners.splice(0).forEach((clean) => clean()));

const start = async (folder = makeFolder()) => {
  const program = await startProgram(folder);
  cleaners.push(program.clean);
  return { folder, program, client: makeClient(join(folder, "api.sock")) };
};

const configOf = (folder: string): VmConfig => ({
  payload: { kernel: join(folder, "kernel") },
  disks: [{ path: join(folder, "root.raw"), image_type: "Raw" }],
  console: { mode: "Off" },
});

test("the client drives a whole life", async () => {
  const { folder, program, client } = await start();
  expect((await client.ping()).pid).toBe(program.pid);
  await client.create(configOf(folder));
  expect(await client.addDisk({ path: join(folder, "seed.iso"), image_type: "Raw", readonly: true })).toBeUndefined();
  await client.boot();
  expect(await client.addDisk({ path: join(folder, "extra.raw"), image_type: "Raw", id: "extra" })).toEqual({
    id: "extra",
    bdf: "0000:00:04.0",
  });
  expect(await client.counters()).toMatchObject({ _disk0: { read_bytes: 0 } });
  expect((await client.counters())["_disk0"]).not.toHaveProperty("read_latency_min");
  await client.pause();
  expect((await client.info()).state).toBe("Paused");
  await client.snapshot(join(folder, "snap"));
  await client.resume();
  await client.delete();
  await client.restore(join(folder, "snap"), true);
  expect((await client.info()).state).toBe("Running");
  await client.vmmShutdown();
  expect(await program.exit).toBe(0);
  client.close();
});

test("refusals keep their status and messages", async () => {
  const { client } = await start();
  const error = await client.info().catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(HypervisorError);
  expect(error).toMatchObject({
    code: "HYPERVISOR",
    status: 404,
    messages: ["Error from API", "The VM info is not available", "VM is not created"],
    transient: false,
  });
  client.close();
});

test("no hypervisor is a passing fault", async () => {
  const client = makeClient("/tmp/cvm-no-such/api.sock");
  expect(await client.ping().catch((cause: unknown) => cause)).toMatchObject({ code: "HYPERVISOR", transient: true });
});

test.each([
  ['["a","b"]', ["a", "b"]],
  ['{"error":"x"}', ["x"]],
  ['{ "error": "x\ny" }', ['{ "error": "x\ny" }']],
  ["", ["no reason given"]],
])("reads the error body %j", (text, messages) => expect(parseMessages(text)).toEqual(messages));

test("a second program on one socket is refused and does no harm", async () => {
  const { folder, client } = await start();
  const second = await startProgram(folder);
  expect(await second.exit).toBe(1);
  expect(second.errors()).toContain("is already in use by another running instance");
  expect((await client.ping()).version).toBe("53.0.0");
  client.close();
});

test("a socket left by a killed program is no obstacle", async () => {
  const { folder, program } = await start();
  await program.stop("SIGKILL");
  expect(program.leftFiles()).toEqual(["api.sock", "api.sock.lock"]);
  const next = await startProgram(folder);
  cleaners.push(next.clean);
  // The old socket file is still there: only an answer tells that the new program took it over.
  await expect.poll(async () => (await next.call("GET", "vmm.ping")).status, { timeout: 15_000 }).toBe(200);
});

test("two programs do not write to one disk", async () => {
  const { folder, client } = await start();
  const other = await start();
  for (const each of [client, other.client]) await each.create(configOf(folder));
  await client.boot();
  await expect(other.client.boot()).rejects.toThrow("The file is already locked");
  await client.shutdown();
  await other.client.delete();
  await other.client.create(configOf(folder));
  await other.client.boot();
  client.close();
  other.client.close();
});

test("the eleventh connection is turned away", async () => {
  const { program } = await start();
  const open = await Promise.all(
    Array.from(
      { length: 10 },
      () =>
        new Promise<ReturnType<typeof connect>>((resolve) => {
          const socket = connect(program.socket, () => resolve(socket));
        }),
    ),
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await program.call("GET", "vmm.ping")).toEqual({ status: 503, text: '{ "error": "Too many open connections" }' });
  open.forEach((socket) => socket.destroy());
});
