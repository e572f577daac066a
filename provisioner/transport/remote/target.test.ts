import { expect, test } from "vitest";
import { hostName, parseAddress, parseHost, renderAddress } from "./target.ts";

test.each([
  ["ssh://metal1", { user: "root", host: "metal1", port: 22 }, "metal1"],
  ["ssh://root@Metal1:2222", { user: "root", host: "metal1", port: 2222 }, "metal1:2222"],
  ["ssh://a%20b@10.0.0.1/", { user: "a b", host: "10.0.0.1", port: 22 }, "10.0.0.1"],
  ["ssh://root@[fd00::1]:22", { user: "root", host: "fd00::1", port: 22 }, "fd00::1"],
  ["ssh://root@[fd00::1]:2022", { user: "root", host: "fd00::1", port: 2022 }, "[fd00::1]:2022"],
])("%s", (text, address, name) => {
  expect(parseAddress(text)).toEqual(address);
  expect(hostName(address)).toBe(name);
  expect(parseAddress(renderAddress(address))).toEqual(address);
});

test.each([
  ["metal1", "does not start with ssh://"],
  ["https://metal1", "does not start with ssh://"],
  ["ssh://", "is not the address of a host"],
  ["ssh://root@metal1:99999", "is not the address of a host"],
  ["ssh://-oProxyCommand=x", "is not the address of a host"],
  ["ssh://root@metal1/etc", "holds more than user, host and port"],
  ["ssh://root@metal1?x", "holds more than user, host and port"],
])("%s is refused", (text, why) => {
  expect(() => parseAddress(text)).toThrow(why);
});

test("a password is refused and not repeated", () => {
  expect(() => parseAddress("ssh://root:hunter2@metal1")).toThrow("`ssh://root:…@metal1` holds a password; croft logs in with keys only");
});

test("a host alone is enough to trust it", () => {
  expect(parseHost("metal1:2222")).toEqual({ user: "root", host: "metal1", port: 2222 });
});
