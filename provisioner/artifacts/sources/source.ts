/** What every source gets and gives. */
import type { Shell } from "../../transport/shell.ts";
import type { Architecture, ArtifactFile, Source } from "../catalogue.ts";

export type SourceTools = {
  readonly shell: Shell;
  readonly architecture: Architecture;
  /** An empty folder of this attempt; removed afterwards. */
  readonly work: string;
  /** Kept when an attempt breaks, so that the next one goes on from there; named by what is downloaded. */
  readonly partial: (sha256: string) => Promise<string>;
  readonly report: (text: string) => void;
  /** Where Maven packages come from. */
  readonly mavenBase: string;
};

/** Path of the fetched file; whether it is the pinned one is checked by the caller. */
export type FetchSource<T extends Source> = (tools: SourceTools, source: T, file: ArtifactFile) => Promise<string>;
