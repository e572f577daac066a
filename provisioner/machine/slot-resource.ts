/** The resource of one slot's content: what domains call to fill a slot. */
import type { SlotEntry, Template } from "../model/contribution.ts";
import { resourceId, shortHash } from "../model/names.ts";
import type { Resource, ResourceId } from "../plan/resource.ts";

export type SlotContent = {
  readonly machine: string;
  readonly host: string;
  readonly slot: SlotEntry;
  /** File name to text; secrets are filled in when the slot is written. */
  readonly files: Readonly<Record<string, Template>>;
  /** Version ids of the secrets and certificates named in `files`; they make the slot's version with the texts. */
  readonly versions: readonly string[];
  readonly needs: readonly ResourceId[];
};

export type SlotPayload = { readonly slot: SlotEntry; readonly files: Readonly<Record<string, Template>> };

export const slotId = (machine: string, name: string): ResourceId => resourceId("slot", machine, name);

/** Hash of the templates and the versions they name: changes whenever the content does. */
export const slotVersion = (content: Pick<SlotContent, "files" | "versions">): string =>
  shortHash(JSON.stringify([content.files, content.versions]), 16);

export const makeSlot = (content: SlotContent): Resource => ({
  id: slotId(content.machine, content.slot.name),
  kind: "slot",
  host: content.host,
  spec: {
    machine: content.machine,
    version: slotVersion(content),
    mode: content.slot.mode,
    owner: content.slot.owner,
  },
  payload: { slot: content.slot, files: content.files } satisfies SlotPayload,
  needs: [resourceId("machine", content.machine), ...content.needs],
  lostWith: [resourceId("machine", content.machine)],
});
