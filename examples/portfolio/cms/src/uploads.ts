/** Files on their way, one after another, each with its progress. */
import { ApiError, type Progress } from "./api.ts";
import { fill, find } from "./document.ts";
import { renderUpload } from "./views.ts";

type Send = (file: File, progress: Progress, signal: AbortSignal) => Promise<unknown>;

/** Returns how many arrived. What did not stays on the page and says why. */
export async function uploadFiles(list: Element, files: readonly File[], send: Send): Promise<number> {
  const rows = files.map((file) => ({ file, row: addRow(list, file.name), stop: new AbortController() }));
  for (const { row, stop } of rows) find("button", row).addEventListener("click", () => cancel(row, stop));
  let arrived = 0;
  for (const { file, row, stop } of rows) {
    if (stop.signal.aborted) continue;
    if (await uploadFile(row, file, send, stop.signal)) arrived += 1;
  }
  return arrived;
}

function addRow(list: Element, name: string): HTMLElement {
  const row = document.createElement("li");
  fill(row, renderUpload(name));
  list.append(row);
  return row;
}

/** Also takes a row away that has ended. */
function cancel(row: HTMLElement, stop: AbortController): void {
  stop.abort();
  row.remove();
}

async function uploadFile(row: HTMLElement, file: File, send: Send, signal: AbortSignal): Promise<boolean> {
  const bar = find<HTMLProgressElement>("progress", row);
  const state = find(".upload-state", row);
  try {
    await send(file, (sent, total) => show(bar, state, total === 0 ? 0 : sent / total), signal);
    row.remove();
    return true;
  } catch (error) {
    bar.remove();
    row.classList.add("failed");
    state.textContent = error instanceof ApiError ? error.message : "This did not work.";
    find("button", row).textContent = "Dismiss";
    return false;
  }
}

function show(bar: HTMLProgressElement, state: HTMLElement, part: number): void {
  bar.value = part;
  state.textContent = part < 1 ? `${Math.floor(part * 100)} %` : "Storing";
}
