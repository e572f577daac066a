/** What sources decide without any network. */
import { expect, test } from "vitest";
import { describeProgress } from "../progress.ts";
import { CATALOGUE } from "../catalogue.ts";
import { buildCommand, makeGoReporter } from "./go.ts";
import { mavenBaseOf, mavenUrl } from "./maven.ts";

const CENTRAL = "https://repo1.maven.org/maven2";
const mirror = (of: string, extra = ""): string =>
  `<settings><mirrors><mirror><id>a</id><mirrorOf>${of}</mirrorOf><url>https://maven.example/all/</url>${extra}</mirror></mirrors></settings>`;

test.each([
  ["no settings", "", CENTRAL],
  ["a mirror of central", mirror("central"), "https://maven.example/all"],
  ["a mirror of everything", mirror("*"), "https://maven.example/all"],
  ["one of several", mirror("jboss, central"), "https://maven.example/all"],
  ["a mirror of something else", mirror("jboss"), CENTRAL],
  ["everything but central", mirror("*,!central"), CENTRAL],
  ["the blocker of plain HTTP", mirror("external:http:*", "<blocked>true</blocked>"), CENTRAL],
  ["a comment", `<!-- ${mirror("central")} -->`, CENTRAL],
])("Maven's base with %s", (_name, settings, base) => {
  expect(mavenBaseOf([settings])).toBe(base);
});

test("the user's settings come before the system's", () => {
  expect(mavenBaseOf([mirror("jboss"), mirror("central")])).toBe("https://maven.example/all");
});

test("Maven's address of a file", () => {
  const [source] = CATALOGUE["keycloak"]?.files.amd64?.sources ?? [];
  if (source?.type !== "maven") throw new Error("Keycloak comes from Maven");
  expect(mavenUrl(CENTRAL, source)).toBe(
    `${CENTRAL}/org/keycloak/keycloak-quarkus-dist/${source.version}/keycloak-quarkus-dist-${source.version}.tar.gz`,
  );
});

test("Go builds with nothing of the host in it", () => {
  const { text } = buildCommand("/work", "arm64", { type: "go", module: "a.b/c", version: "v1", toolchain: "go1.26.8", flags: [] });
  for (const word of ["CGO_ENABLED=0", "GOARCH=arm64", "GOFLAGS=", "GOTOOLCHAIN=go1.26.8", "-trimpath", "a.b/c@v1"])
    expect(text).toContain(word);
});

test("what go install says, in few words", () => {
  const said: string[] = [];
  const report = makeGoReporter((text) => said.push(text));
  for (let index = 0; index < 30; index += 1) report(`go: downloading example.org/module v1.0.${index}`);
  for (let index = 0; index < 150; index += 1) report(`example.org/package${index}`);
  report("# example.org/package: note of the compiler");
  expect(said).toEqual(["25 modules downloaded", "100 packages compiled"]);
});

test.each([
  [{ received: 48_200_000, total: 168_200_000, elapsedMs: 2000 }, 40_000_000, "48.2 of 168.2 MB, 20.0 MB/s, 6 s left"],
  [{ received: 1_000_000, total: undefined, elapsedMs: 1000 }, 1_000_000, "1.0 MB, 1.0 MB/s"],
  [{ received: 0, total: 10, elapsedMs: 0 }, 0, "0.0 of 0.0 MB, 0.0 MB/s"],
])("progress %#", (moment, fresh, text) => {
  expect(describeProgress(moment, fresh)).toBe(text);
});
