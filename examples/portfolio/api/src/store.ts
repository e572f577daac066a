/** Every SQL statement of the API. Rows come out exactly as typed here. */
import type { Query } from "./database.ts";
import type { ContactChange, Document, Metadata, PageQuery, ProfileChange, ProjectChange } from "./schemas.ts";

export type AssetRow = { readonly id: string; readonly mimeType: string; readonly objectKey: string };
type Titles = { readonly title: string; readonly subTitle: string; readonly client: string };
export type ProjectRow = Titles & {
  readonly id: string;
  readonly description: Document | null;
  readonly visible: boolean;
  readonly adult: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly thumbnailId: string | null;
  readonly assets: readonly AssetRow[];
};
export type SpotlightRow = Titles & {
  readonly id: string;
  readonly projectId: string;
  readonly adult: boolean;
  readonly createdAt: Date;
  readonly thumbnail: AssetRow | null;
};
export type ProfileRow = {
  readonly id: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly description: Document | null;
  readonly photoKey: string | null;
};
export type ContactRow = { readonly id: string; readonly description: Document | null };

const ASSET = `json_build_object('id', a.id, 'mimeType', a.mime_type, 'objectKey', a.object_key)`;
const TITLES = `p.title, p.sub_title as "subTitle", p.client`;
const PROJECTS = `
  select p.id, ${TITLES}, p.description, p.visible, p.adult, p.thumbnail_id as "thumbnailId",
         p.created_at as "createdAt", p.updated_at as "updatedAt",
         (select coalesce(json_agg(${ASSET} order by a.created_at, a.id), '[]')
            from asset a where a.project_id = p.id) as assets
    from project p`;
const NEWEST = `order by p.created_at desc, p.id desc`;
const LISTED = `where p.visible = $1 and ($2::boolean is null or p.adult = $2)
  and exists (select from asset a where a.project_id = p.id)`;
const SPOTLIGHTS = `
  select s.id, s.project_id as "projectId", p.adult, ${TITLES}, s.created_at as "createdAt",
         (select ${ASSET} from asset a where a.id = p.thumbnail_id) as thumbnail
    from spotlight s join project p on p.id = s.project_id`;
const PROFILE = `id, first_name as "firstName", last_name as "lastName", description, photo_key as "photoKey"`;

export type Store = ReturnType<typeof makeStore>;

export function makeStore(query: Query) {
  const first = async <T>(text: string, values: readonly unknown[] = []): Promise<T | undefined> => (await query<T>(text, values))[0];
  const some = async (text: string, values: readonly unknown[]): Promise<boolean> => (await query(text, values)).length > 0;

  return {
    async listPage({ page, size, visible, adult }: PageQuery) {
      const filter = [visible, adult ?? null];
      const total = (await first<{ total: number }>(`select count(*)::int as total from project p ${LISTED}`, filter))?.total ?? 0;
      const projects = await query<ProjectRow>(`${PROJECTS} ${LISTED} ${NEWEST} limit $3 offset $4`, [...filter, size, (page - 1) * size]);
      return { totalPages: Math.ceil(total / size), projects };
    },
    listProjects: () => query<ProjectRow>(`${PROJECTS} ${NEWEST}`),
    findProject: (id: string) => first<ProjectRow>(`${PROJECTS} where p.id = $1`, [id]),
    async addProject({ title, subTitle, client }: Metadata): Promise<string | undefined> {
      const text = `insert into project (title, sub_title, client) values ($1, $2, $3) returning id`;
      return (await first<{ id: string }>(text, [title, subTitle ?? "", client ?? ""]))?.id;
    },
    /** What the change leaves out stays as it is. */
    changeProject: (id: string, { metadata, description, visible, adult }: ProjectChange) =>
      some(
        `update project set title = coalesce($2, title), sub_title = coalesce($3, sub_title), client = coalesce($4, client),
                description = case when $5 then $6::jsonb else description end, visible = $7, adult = $8, updated_at = now()
          where id = $1 returning id`,
        [id, metadata?.title, metadata?.subTitle, metadata?.client, description !== undefined, toJson(description), visible, adult],
      ),
    removeProject: (id: string) => some(`delete from project where id = $1 returning id`, [id]),
    removeAsset: (id: string, assetId: string) => some(`delete from asset where project_id = $1 and id = $2 returning id`, [id, assetId]),
    setThumbnail: (id: string, assetId: string) =>
      first<AssetRow>(
        `update project p set thumbnail_id = a.id, updated_at = now() from asset a
          where p.id = $1 and a.id = $2 and a.project_id = p.id
          returning a.id, a.mime_type as "mimeType", a.object_key as "objectKey"`,
        [id, assetId],
      ),

    listSpotlights: (hiddenToo: boolean) =>
      query<SpotlightRow>(`${SPOTLIGHTS} where p.visible or $1 order by s.created_at desc, s.id desc`, [hiddenToo]),
    findSpotlight: (id: string, hiddenToo: boolean) =>
      first<SpotlightRow>(`${SPOTLIGHTS} where s.id = $1 and (p.visible or $2)`, [id, hiddenToo]),
    /** Undefined where the project is already in the spotlight. */
    async addSpotlight(projectId: string): Promise<string | undefined> {
      const text = `insert into spotlight (project_id) select id from project where id = $1 on conflict do nothing returning id`;
      return (await first<{ id: string }>(text, [projectId]))?.id;
    },
    removeSpotlight: (id: string) => some(`delete from spotlight where id = $1 returning id`, [id]),

    getProfile: () => first<ProfileRow>(`select ${PROFILE} from profile order by id limit 1`),
    changeProfile: (id: string, { firstName, lastName, description }: ProfileChange) =>
      first<ProfileRow>(
        `update profile set first_name = $2, last_name = $3, updated_at = now(),
                description = case when $4 then $5::jsonb else description end
          where id = $1 returning ${PROFILE}`,
        [id, firstName, lastName, description !== undefined, toJson(description)],
      ),
    removePhoto: (id: string) => some(`update profile set photo_key = null, updated_at = now() where id = $1 returning id`, [id]),

    getContact: () => first<ContactRow>(`select id, description from contact order by id limit 1`),
    changeContact: (id: string, { description }: ContactChange) =>
      first<ContactRow>(`update contact set description = $2::jsonb where id = $1 returning id, description`, [id, toJson(description)]),
  };
}

/** pg would turn a JavaScript array or object into its own notation. */
function toJson(value: Document | null | undefined): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}
