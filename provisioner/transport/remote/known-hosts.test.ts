import { expect, test } from "vitest";
import { checkFingerprint, parsePins, renderPins, withPin } from "./known-hosts.ts";

const fingerprint = `SHA256:${"a".repeat(43)}`;
const other = `SHA256:${"b".repeat(43)}`;
const pin = { host: "metal1", fingerprint, since: "2026-11-21T10:00:00.000Z" };

test("what is written is what is read", () => {
  const pins = [pin, { ...pin, host: "[fd00::1]:2022" }];
  expect(parsePins(renderPins(pins), "known_hosts")).toEqual(pins);
  expect(parsePins("", "known_hosts")).toEqual([]);
});

test("a new pin takes the place of its host's old one alone", () => {
  const rest = { ...pin, host: "metal2" };
  expect(withPin([pin, rest], { ...pin, fingerprint: other })).toEqual([rest, { ...pin, fingerprint: other }]);
});

test.each(["metal1", `metal1 ${fingerprint}`, "metal1 SHA256:short 2026-11-21", `metal1 MD5:${"a".repeat(43)} 2026-11-21`])(
  "a line that cannot be understood trusts nobody: %s",
  (line) => {
    expect(() => parsePins(`# x\n${line}\n`, "known_hosts")).toThrow("line 2 of known_hosts is not HOST SHA256:… DATE");
  },
);

test("fingerprints are checked, their padding is not needed", () => {
  expect(checkFingerprint(`${fingerprint}=`)).toBe(fingerprint);
  expect(() => checkFingerprint("SHA256:abc")).toThrow("`SHA256:abc` is not a SHA256 fingerprint of a key");
  expect(() => checkFingerprint("aa:bb:cc")).toThrow("is not a SHA256 fingerprint");
});
