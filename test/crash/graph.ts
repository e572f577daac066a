/** A made-up site with one resource of each real kind. */
import type { Resource, ResourceId } from "../../provisioner/plan/resource.ts";

const resource = (id: ResourceId, needs: readonly ResourceId[], more: Partial<Resource> = {}): Resource => ({
  id,
  kind: id.slice(0, id.indexOf("/")),
  host: "metal1",
  spec: { name: id.slice(id.indexOf("/") + 1), size: 1 },
  needs,
  ...more,
});

const MACHINE = "machine/db";
const DISK = "disk/data";
const onDisk = { lostWith: [DISK], keptWith: [DISK] };
const onMachine = { lostWith: [MACHINE] };

export const SITE: readonly Resource[] = [
  resource("network/metal1", []),
  resource("image/base", [], { cached: true }),
  resource(DISK, [], { data: true }),
  resource(MACHINE, ["network/metal1", "image/base", DISK], { replaceOn: ["size"] }),
  resource("secret/password", [], { keptWith: [DISK] }),
  resource("slot/db/password", [MACHINE, "secret/password"], onMachine),
  resource("generation/db", [MACHINE, "slot/db/password"], onMachine),
  resource("database/shop", ["generation/db"], { ...onDisk, data: true }),
  resource("role/shop", ["database/shop", "secret/password"], onDisk),
  resource("release/shop-api", ["generation/db"], onMachine),
  resource("traffic/shop-api", ["release/shop-api", "role/shop"], onMachine),
  resource("retire/shop-api", ["traffic/shop-api"], onMachine),
];

/** What is on a machine's disks is seen only while the machine is up. */
export const hiddenByMachine = (id: ResourceId): ResourceId | undefined =>
  /^(slot|generation|database|role|release|traffic|retire)\//.test(id) ? MACHINE : undefined;
