/** What PostgreSQL adds to its machine: files, units, a probe. Pure. */
import { slotId } from "../../provisioner/machine/slot-resource.ts";
import type { GenerationPart } from "../../provisioner/model/contribution.ts";
import { resourceId } from "../../provisioner/model/names.ts";
import { CERTIFICATE_SLOT, DATA_MOUNT, SOCKET_FOLDER, UNIT } from "./names.ts";
import { MOUNT_UNIT, renderConf, renderHba, renderIdent, renderMount, renderPrepare, renderUnit } from "./render.ts";
import type { PostgresInput } from "./render.ts";

export type Section = { readonly machine: string; readonly disk: string; readonly version: number };

const file = (path: string, content: string, mode = "0644") => ({ path, mode, owner: "root:root", content });

export const partOf = (section: Section, input: PostgresInput): GenerationPart => ({
  machine: section.machine,
  name: "postgres",
  directories: [
    { path: DATA_MOUNT, mode: "0755", owner: "root:root" },
    { path: "/etc/croft/postgres", mode: "0755", owner: "root:root" },
  ],
  files: [
    file("/etc/croft/postgres/postgresql.conf", renderConf(input)),
    file("/etc/croft/postgres/pg_hba.conf", renderHba(input)),
    file("/etc/croft/postgres/pg_ident.conf", renderIdent()),
    file("/usr/lib/croft/postgres-prepare", renderPrepare(input), "0755"),
    file(`/etc/systemd/system/${MOUNT_UNIT}`, renderMount(input)),
    file(`/etc/systemd/system/${UNIT}`, renderUnit(input)),
  ],
  units: [
    { name: MOUNT_UNIT, start: true, onChange: "restart", watches: [] },
    {
      name: UNIT,
      start: true,
      onChange: "restart",
      watches: ["postgresql.conf", "pg_hba.conf", "pg_ident.conf"].map((name) => `/etc/croft/postgres/${name}`),
    },
  ],
  slots: [],
  probes: [
    {
      name: "postgres-query",
      command: `psql -h ${SOCKET_FOLDER} -U postgres -d postgres -XAtc 'select 1 where not pg_is_in_recovery()' | grep -qx 1`,
      timeoutSeconds: 60,
      unit: UNIT,
    },
  ],
  needs: [slotId(section.machine, CERTIFICATE_SLOT), resourceId("disk", `${section.machine}-${section.disk}`)],
});
