/** How a download looks while it runs. Pure. */

const MEGABYTE = 1_000_000;

export type Moment = { readonly received: number; readonly total: number | undefined; readonly elapsedMs: number };

const megabytes = (bytes: number): string => (bytes / MEGABYTE).toFixed(1);

/** `48.2 of 168.3 MB, 21.0 MB/s, 6 s left`; `fresh` bytes are those of this attempt. */
export const describeProgress = ({ received, total, elapsedMs }: Moment, fresh: number): string => {
  const rate = elapsedMs > 0 ? fresh / (elapsedMs / 1000) : 0;
  const size = total === undefined ? `${megabytes(received)} MB` : `${megabytes(received)} of ${megabytes(total)} MB`;
  const left = total === undefined || rate === 0 ? "" : `, ${Math.ceil((total - received) / rate)} s left`;
  return `${size}, ${megabytes(rate)} MB/s${left}`;
};
