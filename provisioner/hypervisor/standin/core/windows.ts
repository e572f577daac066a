/** Address windows of devices: given out from the top of a range downwards, and given back. Pure but for its own map. */
export type Windows = { readonly base: number; readonly end: number; readonly taken: Map<number, number> };

export const makeWindows = (base: number, end: number): Windows => ({ base, end, taken: new Map() });

const alignUp = (address: number, alignment: number): number => Math.ceil(address / alignment) * alignment;

/** The highest free gap that fits; undefined where none does. */
const findGap = ({ base, end, taken }: Windows, size: number, alignment: number): number | undefined => {
  const starts = [end, ...[...taken.keys()].toSorted((a, b) => b - a)];
  for (const [index, start] of starts.entries()) {
    const below = starts[index + 1];
    const belowEnd = below === undefined ? base : below + (taken.get(below) ?? 0);
    if (start - alignUp(belowEnd, alignment) >= size) return alignUp(start - size - (alignment - 1), alignment);
  }
  return undefined;
};

export const takeWindow = (windows: Windows, size: number, alignment: number): number | undefined => {
  const address = size === 0 ? undefined : findGap(windows, size, alignment);
  if (address !== undefined) windows.taken.set(address, size);
  return address;
};

export const freeWindow = (windows: Windows, address: number): void => void windows.taken.delete(address);
