import { expect, test } from "vitest";
import { CroftError } from "../../errors.ts";
import { withReconnect } from "./reconnect.ts";

const lost = (): CroftError => new CroftError("TRANSPORT", "lost", { transient: true });
const count = async (delaysMs: readonly number[], effect: (tries: number, progress: () => void) => void, signal?: AbortSignal) => {
  let tries = 0;
  const said: string[] = [];
  const options = { delaysMs, say: (text: string) => void said.push(text), ...(signal === undefined ? {} : { signal }) };
  const ended = await withReconnect(options, "sending", async (progress) => effect((tries += 1), progress)).then(
    () => "done",
    (error: Error) => error.message,
  );
  return { tries, said, ended };
};

test("a lost connection is tried again as often as there are delays, and said once", async () => {
  const end = await count([0, 0], () => {
    throw lost();
  });
  expect(end).toEqual({ tries: 3, ended: "lost", said: ["the connection was lost while sending; connecting again"] });
});

test("what came through starts the count anew", async () => {
  const end = await count([0], (tries, progress) => {
    progress();
    if (tries < 6) throw lost();
  });
  expect(end).toMatchObject({ tries: 6, ended: "done" });
});

test.each([
  ["another failure", new CroftError("COMMAND_FAILED", "broken")],
  ["a refused login", new CroftError("TRANSPORT", "broken")],
  ["a refused host key", new CroftError("HOST_KEY", "broken")],
])("%s is not tried again", async (_name, error) => {
  const end = await count([0, 0], () => {
    throw error;
  });
  expect(end).toEqual({ tries: 1, ended: "broken", said: [] });
});

test("whoever left is not connected again", async () => {
  const leaving = new AbortController();
  const end = await count(
    [0, 0],
    () => {
      leaving.abort();
      throw lost();
    },
    leaving.signal,
  );
  expect(end).toMatchObject({ tries: 1, ended: "lost" });
});
