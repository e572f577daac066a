/** `hold-lock.fixture.ts FOLDER`: takes the lock, starts a child in its session and one with its own, says so, and stays. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { takeLock } from "./lock.ts";

const [folder = ""] = process.argv.slice(2);
await takeLock({
  file: join(folder, "lock"),
  ownerFile: join(folder, "owner.json"),
  who: { host: "metal1", user: "ada", command: "croft up", since: "2026-01-01T00:00:00Z" },
  times: { beatMs: 20, silentMs: 400, pollMs: 10 },
});
const inside = spawn("sleep", ["60"], { stdio: "ignore" });
const apart = spawn("sleep", ["60"], { stdio: "ignore", detached: true });
console.log(JSON.stringify({ inside: inside.pid, apart: apart.pid }));
setInterval(() => {}, 1000);
