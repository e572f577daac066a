/** One pinned file over HTTP: goes on where a connection broke, and ends with the pinned bytes or with an error. */
import { open, truncate } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CroftError } from "../errors.ts";
import { sha256Of } from "./digest.ts";
import {
  digestError,
  downgradeError,
  fullError,
  largeError,
  networkError,
  pageError,
  redirectError,
  shortError,
  statusError,
  systemCode,
} from "./failures.ts";
import { describeProgress } from "./progress.ts";

export type Download = {
  readonly url: string;
  readonly sha256: string;
  /** Work file; what is there already is taken as the beginning. */
  readonly file: string;
  readonly report: (text: string) => void;
  readonly limits?: Partial<Limits>;
};

/** No byte for `silenceMs` ends an attempt; `attempts` without progress end the download. */
export type Limits = { readonly silenceMs: number; readonly attempts: number; readonly pauseMs: number; readonly largest: number };

const LIMITS: Limits = { silenceMs: 30_000, attempts: 4, pauseMs: 1000, largest: 4 * 1024 ** 3 };
const REDIRECTS = 5;
const REPORT_MS = 2000;

type Progress = { received: number; total: number | undefined; validator: string | undefined };

const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status);

/** Follows redirects by hand, so that none leaves encryption. */
const request = async (url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Response> => {
  let here = url;
  for (let hop = 0; hop <= REDIRECTS; hop += 1) {
    const response = await fetch(here, { redirect: "manual", headers, signal });
    const location = response.headers.get("location");
    if (!isRedirect(response.status) || location === null) return response;
    await response.body?.cancel();
    const next = new URL(location, here).href;
    if (here.startsWith("https:") && !next.startsWith("https:")) throw downgradeError(url, next);
    here = next;
  }
  throw redirectError(url);
};

/** A weak tag does not promise the same bytes. */
const validatorOf = (response: Response): string | undefined => {
  const tag = response.headers.get("etag");
  if (tag !== null && !tag.startsWith("W/")) return tag;
  return response.headers.get("last-modified") ?? undefined;
};

const rangeHeaders = ({ received, validator }: Progress): Readonly<Record<string, string>> => ({
  "accept-encoding": "identity",
  ...(received === 0 ? {} : { range: `bytes=${received}-` }),
  ...(received === 0 || validator === undefined ? {} : { "if-range": validator }),
});

const lengthOf = (response: Response): number | undefined => {
  const length = response.headers.get("content-length");
  return length === null ? undefined : Number(length);
};

/** Where the answer's body belongs in the file: after what is there, or at the beginning. */
const startOf = (response: Response, progress: Progress): number => {
  const from = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1];
  return response.status === 206 && Number(from) === progress.received ? progress.received : 0;
};

/** The server cannot go on from there; the next attempt asks for everything. */
const cannotGoOn = (response: Response, progress: Progress): boolean =>
  progress.received > 0 && (response.status === 416 || (response.status === 206 && startOf(response, progress) === 0));

const accept = async (download: Download, response: Response, progress: Progress, handle: FileHandle): Promise<void> => {
  if (cannotGoOn(response, progress)) {
    await handle.truncate(0);
    progress.received = 0;
    throw shortError(download.url, 0, progress.total);
  }
  if (response.status !== 200 && response.status !== 206) throw statusError(download.url, response.status);
  if (/^text\/html\b/i.test(response.headers.get("content-type") ?? "")) throw pageError(download.url);
  const start = startOf(response, progress);
  if (start === 0) await handle.truncate(0);
  const length = lengthOf(response);
  progress.received = start;
  progress.total = length === undefined ? undefined : start + length;
  progress.validator = validatorOf(response);
};

const writeChunk = async (download: Download, handle: FileHandle, chunk: Uint8Array, position: number): Promise<void> => {
  try {
    let written = 0;
    while (written < chunk.length) {
      const { bytesWritten } = await handle.write(chunk, written, chunk.length - written, position + written);
      written += bytesWritten;
    }
  } catch (cause) {
    throw systemCode(cause) === "ENOSPC" ? fullError(dirname(download.file), cause) : cause;
  }
};

const makeReporter = (download: Download, progress: Progress): (() => void) => {
  const begin = performance.now();
  const first = progress.received;
  let last = begin;
  return () => {
    const now = performance.now();
    if (now - last < REPORT_MS) return;
    last = now;
    download.report(describeProgress({ ...progress, elapsedMs: now - begin }, progress.received - first));
  };
};

/** The time-out starts anew with every sign of life. */
const attempt = async (download: Download, limits: Limits, progress: Progress, handle: FileHandle): Promise<void> => {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Error(`nothing came for ${limits.silenceMs / 1000} s`)), limits.silenceMs);
  try {
    const response = await request(download.url, rangeHeaders(progress), silence.signal);
    await accept(download, response, progress, handle);
    const report = makeReporter(download, progress);
    for await (const chunk of response.body ?? []) {
      timer.refresh();
      await writeChunk(download, handle, chunk as Uint8Array, progress.received);
      progress.received += (chunk as Uint8Array).length;
      if (progress.received > limits.largest) throw largeError(download.url, limits.largest);
      report();
    }
    if (progress.total !== undefined && progress.received < progress.total)
      throw shortError(download.url, progress.received, progress.total);
  } catch (error) {
    throw networkError(download.url, error);
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
};

/** Attempts that brought bytes do not count: a bad line ends only when nothing comes through any more. The pieces are what the file was put together from. */
const receive = async (download: Download, limits: Limits): Promise<{ readonly pieces: number }> => {
  await using handle = await open(download.file, "a+").then(async (made) => {
    await made.close();
    return open(download.file, "r+");
  });
  const progress: Progress = { received: (await handle.stat()).size, total: undefined, validator: undefined };
  let furthest = progress.received;
  let pieces = progress.received === 0 ? 0 : 1;
  for (let tries = 1; ; tries += 1) {
    try {
      await attempt(download, limits, progress, handle);
      await handle.sync();
      return { pieces: pieces + 1 };
    } catch (error) {
      if (!(error instanceof CroftError) || !error.transient) throw error;
      if (progress.received > furthest) tries = 1;
      furthest = Math.max(furthest, progress.received);
      pieces = progress.received === 0 ? 0 : pieces + 1;
      if (tries >= limits.attempts) throw broken(download, progress, error);
      download.report(`${error.message}; going on at byte ${progress.received}`);
      await sleep(limits.pauseMs * tries);
    }
  }
};

const broken = (download: Download, { received, total }: Progress, cause: CroftError): CroftError =>
  received > 0 && total !== undefined
    ? new CroftError("ARTIFACT", shortError(download.url, received, total).message, { cause, transient: true })
    : cause;

const looksLikePage = async (file: string): Promise<boolean> => {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(256), 0, 256, 0);
  return /^\s*<(!doctype html|html)\b/i.test(buffer.subarray(0, bytesRead).toString("latin1"));
};

/** Fills `file` with the pinned bytes. @throws CroftError ARTIFACT; after a broken line the file keeps what came. */
export const download = async (wanted: Download): Promise<void> => {
  const limits = { ...LIMITS, ...wanted.limits };
  // Pieces may be of different files: only a whole download can accuse the source.
  for (let again = true; ; again = false) {
    const { pieces } = await receive(wanted, limits);
    const got = await sha256Of(wanted.file);
    if (got === wanted.sha256) return;
    const isPage = await looksLikePage(wanted.file);
    await truncate(wanted.file, 0);
    if (isPage) throw pageError(wanted.url);
    if (pieces === 1 || !again) throw digestError(wanted.url, `sha256 ${wanted.sha256}`, `sha256 ${got}`);
  }
};
