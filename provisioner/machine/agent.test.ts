import { expect, test } from "vitest";
import { parseView } from "./agent.ts";

const SAID = `boot 0b1c
current a1
pending -
directory 0755 root:root /etc/croft/postgres
directory missing - /etc/croft/gone
file 00ff /etc/hosts
file changed /etc/nftables.conf
file 0666:root:root /etc/motd
unit active enabled nftables.service
unit active disabled a.service
unit active masked b.service
unit active overridden c.service
unit inactive no d.service
unit active static e.service
package changed /usr/sbin/nginx
package missing /usr/lib/postgresql/17/bin/pg_dump
firewall changed
slot ok v1 0640:root:postgres certificate
slot changed v2 0600:root:root,0644:root:root key
disk 1000
systemd running
`;

test("what the script says of a machine", () => {
  const view = parseView(SAID);
  expect(view.files).toEqual({ "/etc/hosts": "00ff", "/etc/nftables.conf": "changed", "/etc/motd": "0666:root:root" });
  expect(view.directories).toEqual({ "/etc/croft/postgres": "0755 root:root", "/etc/croft/gone": "missing -" });
  expect(view.units).toEqual({
    "nftables.service": "active",
    "a.service": "active, not enabled",
    "b.service": "active, masked",
    "c.service": "active, overridden",
    "d.service": "inactive, not enabled",
    "e.service": "active",
  });
  expect(view.packages).toEqual({ "/usr/sbin/nginx": "changed", "/usr/lib/postgresql/17/bin/pg_dump": "missing" });
  expect(view.firewallIntact).toBe(false);
  expect(view.slots).toEqual({
    certificate: { intact: true, version: "v1", modes: "0640:root:postgres" },
    key: { intact: false, version: "v2", modes: "0600:root:root,0644:root:root" },
  });
  expect([view.diskFreeBytes, view.systemd, view.pending]).toEqual([1000, "running", "-"]);
});

test("no word of the firewall is no good word", () => {
  expect(parseView("current a1\nfirewall intact\n").firewallIntact).toBe(true);
  expect(parseView("current a1\n").firewallIntact).toBe(false);
});
