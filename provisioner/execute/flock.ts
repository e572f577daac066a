/** A file lock held by a child for as long as croft lives: the kernel closes the child's input when croft is gone, whatever ended it. */
import { spawn } from "node:child_process";
import type { Socket } from "node:net";
import { CroftError } from "../errors.ts";

export type Held = {
  /** Aborted when the child ends while nobody released it. */
  readonly lost: AbortSignal;
  readonly release: () => Promise<void>;
};

const CONFLICT = 75;

const failure = (file: string, code: number | null, said: string): CroftError =>
  new CroftError("STATE_IO", `locking ${file} failed (exit ${code}): ${said.trim()}`, {
    hint: "is its file system mounted writable, with some space free?",
  });

/** Undefined where somebody else holds it. The child has a session of its own: an interrupt at the terminal is not for it. @throws CroftError HOST_UNFIT, STATE_IO */
export const tryFlock = (file: string): Promise<Held | undefined> =>
  new Promise((resolve, reject) => {
    const child = spawn(
      "flock",
      ["--nonblock", "--conflict-exit-code", String(CONFLICT), file, "sh", "-c", "echo held; exec cat >/dev/null"],
      { stdio: "pipe", detached: true },
    );
    const lost = new AbortController();
    const ended = new Promise<number | null>((settle) => child.once("exit", settle));
    let said = "";
    child.stderr.on("data", (text: Buffer) => (said += text.toString()));
    child.once("error", (cause) =>
      reject(new CroftError("HOST_UNFIT", "the program flock cannot be run", { cause, hint: "apt-get install util-linux" })),
    );
    child.stdin.on("error", () => {});
    void ended.then((code) => {
      lost.abort();
      if (code === CONFLICT) resolve(undefined);
      else reject(failure(file, code, said));
    });
    child.stdout.once("data", () => {
      child.unref();
      for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as Socket).unref();
      resolve({
        lost: lost.signal,
        release: async () => {
          child.ref();
          child.stdin.end();
          await ended;
        },
      });
    });
  });
