/** The JSON of the API, as far as the CMS reads and writes it. */
export type Content = { readonly id: string; readonly mimeType: string; readonly url: string };
export type Metadata = { readonly title: string; readonly subTitle: string; readonly client: string };
export type Project = {
  readonly id: string;
  readonly metadata: Metadata;
  readonly description: unknown;
  readonly visible: boolean;
  readonly adult: boolean;
  readonly createdOn: string;
  readonly contents: readonly Content[];
  readonly thumbnail: Content | null;
};
export type ProjectChange = Pick<Project, "metadata" | "description" | "visible" | "adult">;
export type Spotlight = { readonly id: string; readonly projectId: string };
export type Profile = {
  readonly id: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly description: unknown;
  readonly photoUrl: string | null;
};
export type Contact = { readonly id: string; readonly description: unknown };
