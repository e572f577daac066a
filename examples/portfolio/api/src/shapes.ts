/** Rows of the store as the JSON of the API. */
import type { Media } from "./media.ts";
import type { AssetRow, ContactRow, ProfileRow, ProjectRow, SpotlightRow } from "./store.ts";

export async function toContent(media: Media, asset: AssetRow) {
  return { id: asset.id, mimeType: asset.mimeType, url: await media.getUrl(asset.objectKey) };
}

export async function toProject(media: Media, row: ProjectRow) {
  const contents = await Promise.all(row.assets.map((asset) => toContent(media, asset)));
  return {
    id: row.id,
    metadata: toMetadata(row),
    description: row.description,
    visible: row.visible,
    adult: row.adult,
    createdOn: row.createdAt.toISOString(),
    updatedOn: row.updatedAt.toISOString(),
    contents,
    thumbnail: contents.find((content) => content.id === row.thumbnailId) ?? null,
  };
}

export async function toSpotlight(media: Media, row: SpotlightRow) {
  return {
    id: row.id,
    projectId: row.projectId,
    adult: row.adult,
    metadata: toMetadata(row),
    createdOn: row.createdAt.toISOString(),
    thumbnail: row.thumbnail === null ? null : await toContent(media, row.thumbnail),
  };
}

export async function toProfile(media: Media, row: ProfileRow) {
  return {
    id: row.id,
    firstName: row.firstName,
    lastName: row.lastName,
    description: row.description,
    photoUrl: row.photoKey === null ? null : await media.getUrl(row.photoKey),
  };
}

export function toContact(row: ContactRow) {
  return { id: row.id, description: row.description };
}

function toMetadata(row: { readonly title: string; readonly subTitle: string; readonly client: string }) {
  return { title: row.title, subTitle: row.subTitle, client: row.client };
}
