/** The whole way in, with real programs: the gateway's nginx before the real store, and every promise that `croft objects check` makes. */
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Gateway, findNginxRoot } from "../nginx/gateway.fixture.ts";
import { makeModel } from "../nginx/portfolio.fixture.ts";
import { toHosts } from "../nginx/routes.ts";
import { servicesOf } from "../nginx/services.ts";
import type { Endpoint } from "../provisioner/model/contribution.ts";
import { checkBucket } from "../stacks/objects/check.ts";
import type { CheckResult } from "../stacks/objects/check.ts";
import { makeDoor } from "../stacks/objects/doors.ts";
import { objectsDomain } from "../stacks/objects/resources.ts";
import { PROGRAMS, bucketsOf } from "../stacks/objects/section.ts";
import type { ProgramName } from "../stacks/objects/section.ts";
import { makeInside } from "../stacks/objects/testing/inside.fixture.ts";
import { MODEL, desireInput } from "../stacks/objects/testing/model.fixture.ts";
import { ObjectServer, findProgram, secretOf, skipReason } from "../stacks/objects/testing/server.fixture.ts";

const root = findNginxRoot();
const reasonOf = (program: ProgramName): string => {
  if (root === undefined) return " (skipped: no nginx root in CROFT_TEST_NGINX_ROOT or /var/cache/croft/test/nginx-root)";
  return skipReason(program);
};
const HOST = "www.portfolio.test";
const INSIDE = "127.0.0.2";
const OUTSIDE = "127.0.0.3";

describe.each(PROGRAMS.map((name) => ({ name, title: `${name} behind the gateway${reasonOf(name)}` })))("$title", ({ name }) => {
  const program = findProgram(name);
  const skipped = root === undefined || program === undefined;
  const buckets = bucketsOf(MODEL);
  let gateway: Gateway;
  let server: ObjectServer;

  const from = (address: string) =>
    makeDoor(
      HOST,
      gateway.authority.root.certificate,
      () =>
        new Promise<Duplex>((resolve, reject) => {
          const socket = connect({ host: "127.0.0.1", port: gateway.ports.https, localAddress: address }, () => resolve(socket));
          socket.once("error", reject);
        }),
    );
  const endpointsAt = (port: number): readonly Endpoint[] =>
    objectsDomain
      .publish(desireInput({ artifacts: [name] }))
      .flatMap((endpoint) =>
        endpoint.published === undefined ? [] : [{ ...endpoint, port, published: { ...endpoint.published, host: HOST } }],
      );
  const install = async (endpoints: readonly Endpoint[]): Promise<void> => {
    const address = (machine: string): string => (machine === "app" ? INSIDE : "127.0.0.1");
    await gateway.install({ name: "none", workloads: [], routes: [] }, { hosts: toHosts(makeModel([]), servicesOf(endpoints, address)) });
  };
  const check = async (bucket: (typeof buckets)[number]): Promise<readonly CheckResult[]> =>
    checkBucket({
      bucket,
      key: bucket.full,
      secret: secretOf(bucket.secret),
      outside: from(OUTSIDE),
      inside: from(INSIDE),
      store: server.store,
    });

  beforeAll(async () => {
    if (skipped) return;
    server = await ObjectServer.make(name, program, buckets);
    await server.start();
    await makeInside(server);
    await server.probe();
    gateway = await Gateway.make(root);
    await install(endpointsAt(server.port));
    await gateway.certify("1");
    await gateway.start();
  });
  afterAll(async () => {
    await gateway?.stop();
    await server?.destroy();
  });

  test.skipIf(skipped).each(buckets)("keeps every promise for $full", async (bucket) => {
    const results = await check(bucket);
    expect(results.filter(({ ok }) => !ok)).toEqual([]);
    expect(results.length).toBeGreaterThanOrEqual(12);
  });

  test.skipIf(skipped)("a promise that is broken is named: everybody may write, and anything", async () => {
    const endpoints = endpointsAt(server.port).map((endpoint) => ({
      ...endpoint,
      published: {
        host: HOST,
        timeoutSeconds: 5,
        bodyMaxBytes: 1024 ** 3,
        places: [{ path: "/", exact: false, methods: [], from: [], demands: [] }],
      },
    }));
    await install(endpoints);
    expect(await gateway.reload()).toMatchObject({ ok: true });
    const [media] = buckets;
    if (media === undefined) throw new Error("no bucket");
    const failed = (await check(media)).filter(({ ok }) => !ok).map(({ name: promise }) => promise);
    expect(failed).toEqual(
      expect.arrayContaining([
        "from outside the key itself is worth nothing",
        "presigned PUT from outside, only where it is declared",
        "nothing larger than maxObject",
      ]),
    );
  });
});
