/** Keys of the object store and secrets of sign-in, replaced on a real site under load; a bucket that a route shows is part of it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { croft, environmentOfApi, mustCroft, onMachine, upAnew } from "./croft.ts";
import { startLoad } from "./load.ts";
import type { Load, Question } from "./load.ts";
import { Person } from "./person.ts";
import { bucketPages, expectNothingToDo, expectPromisesKept, storeSite } from "./store-site.ts";

let site = "";
const EDGE = "10.91.0.11";
const DESK = "https://desk.stores.test/";
const EVERY_MS = 10;

let ca = "";
let password = "";
let ann: Person;

const wants =
  (text: string): Question["judge"] =>
  (status, body) =>
    status === 200 && body === text ? undefined : `${status} ${body.slice(0, 200)}`;

/** The app with its bucket, the bucket that a route shows, and somebody who is signed in. */
const startAsking = (): Load =>
  startLoad(
    EDGE,
    ca,
    [
      { host: "stores.test", path: "/store", judge: wants("stored") },
      { host: "files.stores.test", path: "/", judge: wants("<p>the index") },
      { host: "desk.stores.test", path: "/", headers: { cookie: ann.cookies("desk.stores.test") }, judge: wants("ready") },
    ],
    EVERY_MS,
  );

/** People who sign in, one after the other. */
const startSigningIn = (): Load => {
  const failed: string[] = [];
  let [count, goesOn] = [0, true];
  const work = (async () => {
    while (goesOn) {
      count += 1;
      await new Person(EDGE, ca).signIn(DESK, "ann", password).catch((error: unknown) => failed.push(String(error)));
    }
  })();
  return {
    stop: async () => {
      goesOn = false;
      await work;
      return { count, failed };
    },
  };
};

/** Without following where it leads. */
const status = async (url: string, headers: Readonly<Record<string, string>> = {}): Promise<string> => {
  const words = Object.entries(headers).map(([name, value]) => `-H '${name}: ${value}'`);
  return (
    await onMachine(site, "edge", `curl -sk -o /dev/null -w '%{http_code}' --resolve '*:443:127.0.0.1' ${words.join(" ")} '${url}'`)
  ).trim();
};

const keyOfApp = async (): Promise<{ readonly key: string; readonly secret: string }> => {
  const { KEY: key = "", SECRET: secret = "" } = await environmentOfApi(site);
  return { key, secret };
};

const tryKey = ({ key, secret }: { readonly key: string; readonly secret: string }): Promise<string> =>
  status("https://stores.test/try", { "x-key": key, "x-secret": secret });

const rotate = async (...words: readonly string[]): Promise<void> => {
  const { code, out, err } = await croft(["secret", "rotate", ...words, site]);
  expect(code, out + err).toBe(0);
};

beforeAll(async () => {
  site = await storeSite("stores", "minio", { signIn: true });
  ca = await upAnew(site);
  password = (await mustCroft("identity", "test-user", "ann", "--file", site)).out.trim();
  ann = new Person(EDGE, ca);
});

afterAll(async () => {
  await mustCroft("destroy", "--purge", site);
});

test("a bucket is shown as its route says, and nothing else of it", async () => {
  expect(await status("https://stores.test/publish")).toBe("200");
  await bucketPages(new Person(EDGE, ca), "stores");
  await expectPromisesKept(site);
  await expectNothingToDo(site);
});

test("people sign in on the way, and those without the role do not pass", async () => {
  expect((await ann.signIn(DESK, "ann", password)).body).toBe("ready");
  await expect(new Person(EDGE, ca).signIn(DESK, "ann", "wrong")).rejects.toThrow("not back");
});

test("the app's key of its bucket, under load: nothing fails, and the old one opens nothing", async () => {
  const before = await keyOfApp();
  expect(await tryKey(before)).toBe("200");
  const load = startAsking();
  await rotate("s3", "--part", "media");
  const { failed, count } = await load.stop();
  expect(failed).toEqual([]);
  expect(count).toBeGreaterThan(300);
  const after = await keyOfApp();
  expect([before.key === after.key, before.secret === after.secret]).toEqual([false, false]);
  expect([await tryKey(before), await tryKey(after)]).toEqual(["500", "200"]);
});

test("the key by which the gateway shows a bucket, under load", async () => {
  const load = startAsking();
  await rotate("s3", "--part", "media/reader");
  expect((await load.stop()).failed).toEqual([]);
});

test("the secret by which the gateway signs people in, under load: who is in stays in, who comes gets in", async () => {
  const [load, people] = [startAsking(), startSigningIn()];
  await rotate("oidc", "--part", "session");
  const [asked, signed] = [await load.stop(), await people.stop()];
  expect([...asked.failed, ...signed.failed]).toEqual([]);
  expect(signed.count).toBeGreaterThan(3);
});

test("the key of cookies, under load: who is in stays in, until it is replaced again", async () => {
  expect(await status(DESK, { cookie: ann.cookies("desk.stores.test") })).toBe("200");
  const load = startAsking();
  await rotate("oidc", "--part", "cookie");
  expect((await load.stop()).failed).toEqual([]);
  await rotate("oidc", "--part", "cookie");
  expect(await status(DESK, { cookie: ann.cookies("desk.stores.test") })).toBe("401");
});

test("afterwards there is nothing to do", () => expectNothingToDo(site));
