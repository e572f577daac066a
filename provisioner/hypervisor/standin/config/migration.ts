/** Bodies of requests about migration. */
import { choice, nonZero, option, path, text } from "../json/kinds.ts";
import { need, off, or, orMake, record } from "../json/record.ts";

type Mode = "Precopy" | "Postcopy";
type Strategy = "Cancel" | "Ignore";
const mode = orMake(choice<Mode>("Precopy", "Postcopy"), (): Mode => "Precopy");

export const receiveMigration = record("VmReceiveMigrationData", {
  receiver_url: need(text),
  tls_dir: need(option(path)),
  memory_mode: mode,
});

export const sendMigration = record("VmSendMigrationData", {
  destination_url: need(text),
  local: off,
  downtime_ms: or(nonZero("u64"), 300),
  timeout_s: or(nonZero("u64"), 3600),
  timeout_strategy: orMake(choice<Strategy>("Cancel", "Ignore"), (): Strategy => "Cancel"),
  connections: or(nonZero("u32"), 1),
  tls_dir: need(option(path)),
  memory_mode: mode,
});
