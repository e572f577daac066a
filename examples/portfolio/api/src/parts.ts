export type Part = { readonly bytes: Buffer; readonly last: boolean };

/** Cuts a stream into parts of one size and a last one, which may be smaller. All are the same memory: use one before asking for the next. */
export async function* toParts(body: AsyncIterable<Buffer>, size: number): AsyncGenerator<Part> {
  const room = Buffer.allocUnsafeSlow(size);
  let filled = 0;
  for await (const chunk of body) {
    for (let rest = chunk; rest.length > 0;) {
      if (filled === size) {
        yield { bytes: room, last: false };
        filled = 0;
      }
      const copied = rest.copy(room, filled);
      filled += copied;
      rest = rest.subarray(copied);
    }
  }
  yield { bytes: room.subarray(0, filled), last: true };
}
