import { describe, expect, test } from "vitest";
import { assignAddresses, hostGateway, hostNetwork, parseNetwork } from "./addresses.ts";

const network = "10.91.0.0/16";

describe("network", () => {
  test.each(["10.91.0.0/16", "172.16.0.0/16", "192.168.0.0/16"])("%s is taken", (text) => {
    expect(parseNetwork(text)).toEqual({ ok: true, value: text });
  });

  test.each([
    ["10.91.0.0/33", "/33 is no prefix length"],
    ["10.91.0.0/24", "a site's network is a /16, this is a /24"],
    ["10.91.5.0/16", "10.91.5.0 lies inside the network 10.91.0.0/16"],
    ["8.8.0.0/16", "8.8.0.0 is not a private network"],
    ["10.91/16", "`10.91` is not an IPv4 address"],
    ["0xA.0.0.0/16", "`0xA.0.0.0` is not an IPv4 address"],
    ["10.91.0.0", "a network is an address and a prefix length, such as 10.91.0.0/16"],
    ["10.91.0.0/16/8", "a network is an address and a prefix length, such as 10.91.0.0/16"],
  ])("%s is refused", (text, message) => {
    const result = parseNetwork(text);
    expect(result.ok === false && result.defect.message).toBe(message);
  });

  test("host n owns the n-th /24 and its .1", () => {
    expect([hostNetwork(network, 0), hostNetwork(network, 255), hostGateway(network, 3)]).toEqual([
      "10.91.0.0/24",
      "10.91.255.0/24",
      "10.91.3.1",
    ]);
    expect(() => hostNetwork(network, 256)).toThrow("256 hosts");
  });
});

describe("machine addresses", () => {
  const machines = [
    { name: "web", host: "a" },
    { name: "db", host: "b" },
    { name: "app", host: "a" },
  ];
  const assign = (recorded: Readonly<Record<string, string>>, list = machines) =>
    Object.fromEntries(assignAddresses({ network, hosts: ["a", "b"], machines: list, recorded }));

  test("go up from .11 in order of declaration", () => {
    expect(assign({})).toEqual({ web: "10.91.0.11", db: "10.91.1.11", app: "10.91.0.12" });
  });

  test("stay where they are remembered and are never given twice", () => {
    expect(assign({ app: "10.91.0.11", gone: "10.91.0.12" })).toEqual({ app: "10.91.0.11", web: "10.91.0.13", db: "10.91.1.11" });
  });

  test("change when the machine moved to another host", () => {
    expect(assign({ db: "10.91.0.11" })).toEqual({ web: "10.91.0.12", app: "10.91.0.13", db: "10.91.1.11" });
  });

  test("run out aloud", () => {
    const many = Array.from({ length: 245 }, (_, index) => ({ name: `m${index}`, host: "a" }));
    expect(() => assign({}, many)).toThrow("no address is left");
    expect(() => assign({}, [{ name: "x", host: "c" }])).toThrow("host c");
  });
});
