/** Migration, NMI, core dumps and restore: what is refused, with which words. */
import { describe, expect, test } from "vitest";
import { booted, start } from "./session.fixture.ts";

const send = (...chain: readonly string[]) => ({
  status: 500,
  body: ["Error from API", "Error dispatching the migration worker", "Failed to send migratable component snapshot", ...chain],
});
const receive = (...chain: readonly string[]) => ({
  status: 500,
  body: ["Error from API", "Error receiving migration", "Failed to receive migratable component snapshot", ...chain],
});
const WRONG = "Error validating send migration parameters";
const MUST = `${WRONG}: destination_url must use tcp:<host>:<port> or unix:<path>.`;

describe("sending", () => {
  test("needs a running VM", async () => {
    expect(await start().call("PUT", "vm.send-migration", { destination_url: "unix:/s" })).toEqual(send("VM is not running"));
  });
  test.each([
    [{ destination_url: "file:///x" }, [MUST]],
    [{ destination_url: "unix:" }, [MUST]],
    [{ destination_url: "tcp:host" }, [MUST, "Missing TCP port"]],
    [{ destination_url: "tcp::80" }, [MUST, "Host must not be empty"]],
    [{ destination_url: "tcp:host:" }, [MUST, "Port must not be empty"]],
    [{ destination_url: "tcp:host:x" }, [MUST, "Invalid TCP port: x", "invalid digit found in string"]],
    [{ destination_url: "tcp:host:70000" }, [MUST, "Invalid TCP port: 70000", "number too large to fit in target type"]],
    [{ destination_url: "tcp:[::1" }, [MUST, "Missing closing ']' for bracketed IPv6 address"]],
    [{ destination_url: "tcp:[::1]80" }, [MUST, "Missing port separator after bracketed host"]],
    [{ destination_url: "unix:/s", connections: 2 }, [`${WRONG}: UNIX sockets and connections option cannot be used at the same time.`]],
    [{ destination_url: "unix:/s", tls_dir: "/t" }, [`${WRONG}: UNIX sockets and TLS encryption cannot be used at the same time.`]],
    [{ destination_url: "tcp:host:80", connections: 129 }, [`${WRONG}: connections must not exceed 128.`]],
    [{ destination_url: "tcp:host:80", local: true }, [`${WRONG}: local option is only supported with UNIX sockets.`]],
  ])("%j is refused", async (body, chain) => {
    const { call } = await booted();
    expect(await call("PUT", "vm.send-migration", body)).toEqual(send("Invalid send migration configuration", ...chain));
  });
  test("a local one needs shared memory", async () => {
    const { call } = await booted();
    expect(await call("PUT", "vm.send-migration", { destination_url: "unix:/s", local: true })).toEqual(
      send("Local migration requires shared memory or hugepages enabled"),
    );
  });
  test("204 says only that it began: it fails, and the guest runs on", async () => {
    const { call, events } = await booted();
    expect(await call("PUT", "vm.send-migration", { destination_url: "unix:/none/s" })).toEqual({ status: 204, body: undefined });
    expect(events.slice(-2)).toEqual(["migration-started", "migration-failed"]);
    expect((await call("GET", "vm.info")).body.state).toBe("Running");
  });
  test.each([
    ["{}", "missing field `destination_url` at line 1 column 2"],
    ['{"destination_url":"unix:/s","downtime_ms":0}', "invalid value: integer `0`, expected a nonzero u64 at line 1 column 44"],
    ['{"destination_url":"unix:/s","memory_mode":"x"}', "unknown variant `x`, expected `Precopy` or `Postcopy` at line 1 column 46"],
  ])("the body %s", async (body, message) => {
    expect(await start().call("PUT", "vm.send-migration", body)).toEqual({ status: 400, body: ["Failed to deserialize JSON", message] });
  });
});

describe("receiving", () => {
  test("is refused where a VM runs", async () => {
    const { call } = await booted();
    expect(await call("PUT", "vm.receive-migration", { receiver_url: "unix:/s" })).toEqual(
      receive("Can't receive a migration when a VM is already created"),
    );
  });
  test.each([
    ["http://x", "receiver_url must use tcp:<host>:<port> or unix:<path>."],
    ["tcp:x", "receiver_url must use tcp:<host>:<port> or unix:<path>: Missing TCP port."],
  ])("the address %s", async (receiver_url, message) => {
    expect(await start().call("PUT", "vm.receive-migration", { receiver_url })).toEqual(
      receive("Invalid receive migration configuration", `Error validating receive migration parameters: ${message}`),
    );
  });
  test.each([
    ["unix:/run/taken", "Address already in use (os error 98)"],
    ["unix:/none/s", "No such file or directory (os error 2)"],
  ])("the socket %s", async (receiver_url, message) => {
    expect(await start().call("PUT", "vm.receive-migration", { receiver_url })).toEqual(receive("Error binding to UNIX socket", message));
  });
});

describe("what is left", () => {
  test("NMI goes to a VM that runs or is paused", async () => {
    expect(await start().call("PUT", "vm.nmi")).toEqual({
      status: 500,
      body: ["Error from API", "Error triggering NMI", "VM is not running"],
    });
    const { call } = await booted();
    expect((await call("PUT", "vm.nmi")).status).toBe(204);
    expect(await call("PUT", "vm.nmi", {})).toEqual({ status: 400, body: ["Bad Request"] });
    await call("PUT", "vm.pause");
    expect((await call("PUT", "vm.nmi")).status).toBe(204);
  });
  test.each(["vm.coredump", "vm.info?x=1", "vm.boot/", "vmm.info", ""])("the path %s is none of v53.0", async (name) => {
    expect(await start().call("PUT", name, name === "vm.coredump" ? { destination_url: "file:///x" } : undefined)).toEqual({
      status: 404,
      body: ["Not Found"],
    });
  });
  test.each([
    "vm.add-disk",
    "vm.add-net",
    "vm.add-pmem",
    "vm.resize",
    "vm.remove-device",
    "vm.snapshot",
    "vm.restore",
    "vm.send-migration",
  ])("%s wants a body, and PUT", async (name) => {
    const { call } = start();
    expect(await call("PUT", name)).toEqual({ status: 400, body: ["Bad Request"] });
    expect(await call("GET", name)).toEqual({ status: 400, body: ["Bad Request"] });
  });
  test("restoring: wrong requests leave nothing behind", async () => {
    const { call } = start();
    const restored = (...chain: readonly string[]) => ({ status: 500, body: ["Error from API", "The VM could not be restored", ...chain] });
    const sent = "Failed to send migratable component snapshot";
    expect(await call("PUT", "vm.restore", { source_url: "/snap" })).toEqual(
      restored("Cannot restore VM", sent, "Could not extract path from URL: /snap"),
    );
    expect(await call("PUT", "vm.restore", { source_url: "file:///nowhere" })).toEqual(
      restored("Cannot restore VM", sent, 'Destination is not a directory: "/nowhere"'),
    );
    expect(await call("PUT", "vm.restore", { source_url: "file:///snap", net_fds: [{ id: "n", num_fds: 1 }] })).toEqual({
      status: 400,
      body: ["Bad Request"],
    });
    expect((await call("GET", "vm.info")).status).toBe(404);
    await call("PUT", "vm.create", {});
    expect(await call("PUT", "vm.restore", { source_url: "file:///snap" })).toEqual(restored("VM is already created"));
  });
});
