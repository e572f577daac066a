/** Whether somebody without a key gets in, by any verb. */
import { ask } from "./stream.ts";
import type { Store } from "./stream.ts";

const STRANGERS = [
  { verb: "LIST", method: "GET", path: "/" },
  { verb: "GET", method: "GET", path: "/croft-probe/stranger" },
  { verb: "HEAD", method: "HEAD", path: "/croft-probe/stranger" },
  { verb: "PUT", method: "PUT", path: "/croft-probe/stranger" },
  { verb: "POST", method: "POST", path: "/croft-probe?delete=" },
  { verb: "DELETE", method: "DELETE", path: "/croft-probe/stranger" },
] as const;

const REFUSED = [400, 401, 403, 405];

/** Verbs by which a stranger is not refused. @throws where the store does not answer */
export const openVerbs = async (store: Store): Promise<readonly string[]> => {
  const answers = await Promise.all(
    STRANGERS.map(async ({ verb, method, path }) => {
      const host = `${store.address}:${store.port}`;
      const { status, headers } = await ask(store, { method, path, headers: { host, "content-length": "0" } });
      return { verb, status, server: String(headers["server"] ?? "") };
    }),
  );
  return answers.filter(({ status }) => !REFUSED.includes(status)).map(({ verb, status }) => `${verb} ${status}`);
};

/** The program by its own word. */
export const programOf = async (store: Store): Promise<string> => {
  const { headers } = await ask(store, { method: "GET", path: "/", headers: { host: `${store.address}:${store.port}` } });
  return (
    String(headers["server"] ?? "")
      .split(/[ /]/)[0]
      ?.toLowerCase() ?? ""
  );
};
