import { describe, expect, test } from "vitest";
import { freeNetwork, overlaps } from "../model/addresses.ts";
import { rangeFindings } from "./ranges.ts";
import type { KnownSite, RangeInput } from "./ranges.ts";
import { parseRoutes } from "./sites.ts";

const other: KnownSite = {
  site: "blog",
  environment: "default",
  siteId: "aa",
  folder: "/var/lib/croft/blog/default",
  subnet: "10.91.0.0/24",
  bridge: "crb0123456789",
  published: [80, 443],
};
const input: RangeInput = {
  site: "shop",
  environment: "default",
  network: "10.91.0.0/16",
  own: ["crbffffffffff"],
  routes: [],
  sites: [],
};

describe("a site's network", () => {
  test("overlaps are found both ways and end at the border", () => {
    expect(overlaps("10.91.0.0/16", "10.91.7.0/24")).toBe(true);
    expect(overlaps("10.91.7.0/24", "10.91.0.0/16")).toBe(true);
    expect(overlaps("10.91.0.0/16", "10.91.255.255/32")).toBe(true);
    expect(overlaps("10.91.0.0/16", "10.92.0.0/16")).toBe(false);
    expect(overlaps("10.91.0.0/16", "10.90.255.255/32")).toBe(false);
    expect(overlaps("10.91.0.0/16", "0.0.0.0/0")).toBe(true);
    expect(freeNetwork(["10.91.0.0/24", "10.92.3.0/24"])).toBe("10.93.0.0/16");
    expect(freeNetwork(["10.0.0.0/8"])).toBe("192.168.0.0/16");
  });

  test("another site is named with its place, and a free network is offered", () => {
    expect(rangeFindings({ ...input, sites: [other] }, false)).toEqual([
      {
        level: "error",
        message:
          "the network 10.91.0.0/16 of shop (default) overlaps 10.91.0.0/24 of the site blog (default) in /var/lib/croft/blog/default",
        hint: "give this site a network of its own in croft.yaml: `network: 10.92.0.0/16`",
      },
    ]);
  });

  test("the other site's bridge is not named a second time; another environment is another site", () => {
    const routes = [{ device: "crb0123456789", destination: "10.91.0.0/24" }];
    expect(rangeFindings({ ...input, sites: [other], routes }, false)).toHaveLength(1);
    const staging = { ...other, site: "shop", environment: "staging" };
    expect(rangeFindings({ ...input, sites: [staging] }, false)[0]?.message).toContain("of the site shop (staging)");
  });

  test("routes of the host, and bridges of a croft elsewhere", () => {
    const routes = [
      { device: "eth0", destination: "10.91.4.0/22" },
      { device: "tun0", destination: "10.0.0.0/8" },
      { device: "crbaaaaaaaaaa", destination: "10.91.0.0/24" },
      { device: "tun1", destination: "0.0.0.0/1" },
      { device: "eth1", destination: "192.168.1.0/24" },
    ];
    expect(rangeFindings({ ...input, routes }, false).map(({ message }) => message.replace(/.*overlaps /, ""))).toEqual([
      "the route 10.91.4.0/22 by eth0 of this host",
      "the route 10.0.0.0/8 by tun0 of this host",
      "10.91.0.0/24 of the bridge crbaaaaaaaaaa, made by a croft that keeps its state elsewhere",
    ]);
  });

  test("itself is no clash, and a site that is there is only warned", () => {
    const self = { ...other, site: "shop", bridge: "crbffffffffff" };
    expect(rangeFindings({ ...input, sites: [self], routes: [{ device: "crbffffffffff", destination: "10.91.0.0/24" }] }, false)).toEqual(
      [],
    );
    expect(rangeFindings({ ...input, sites: [other] }, true)[0]?.level).toBe("warning");
  });

  test("routes as the kernel lists them, without defaults and blackholes", () => {
    const text = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
crb63dff2d38b	00005B0A	00000000	0001	0	0	0	00FFFFFF	0	0	0
*	00005B0A	00000000	0001	0	0	0	00FFFFFF	0	0	0
*	00005C0A	00000000	0201	0	0	4294967295	00FFFFFF	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
`;
    expect(parseRoutes(text)).toEqual([
      { device: "crb63dff2d38b", destination: "10.91.0.0/24" },
      { device: "eth0", destination: "192.0.2.0/24" },
    ]);
  });
});
