/** The JSON of the API, as far as this site reads it. */
export type Content = { readonly id: string; readonly mimeType: string; readonly url: string };
export type Metadata = { readonly title: string; readonly subTitle: string; readonly client: string };
export type Project = {
  readonly id: string;
  readonly metadata: Metadata;
  readonly description: unknown;
  readonly createdOn: string;
  readonly contents: readonly Content[];
  readonly thumbnail: Content | null;
};
export type ProjectPage = {
  readonly page: number;
  readonly size: number;
  readonly totalPages: number;
  readonly projects: readonly Project[];
};
export type Spotlight = {
  readonly id: string;
  readonly projectId: string;
  readonly adult: boolean;
  readonly metadata: Metadata;
  readonly thumbnail: Content | null;
};
export type Profile = {
  readonly firstName: string;
  readonly lastName: string;
  readonly description: unknown;
  readonly photoUrl: string | null;
};
export type Contact = { readonly description: unknown };
