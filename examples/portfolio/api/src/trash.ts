/** The list of objects that no row names (yet, or any more), and how an object gets its name. */
import type { Query } from "./database.ts";

export type Uploaded = {
  readonly key: string;
  readonly fileName: string;
  readonly mimeType: string;
  readonly size: number;
  readonly sha256: string;
};

/** A key and how long it is the claimer's. */
export type Claim = { readonly key: string; readonly until: string };

/** Seconds: an upload that did not renew its lease is taken for dead; a removal that did not finish is tried again. */
export const LEASE = 20;
const RETRY = 15;

export type Trash = ReturnType<typeof makeTrash>;

export function makeTrash(query: Query) {
  const some = async (text: string, values: readonly unknown[]): Promise<number> => (await query(text, values)).length;
  const lease = `now() + interval '${LEASE} seconds'`;
  return {
    intend: (key: string) => query(`insert into object_trash (object_key, since, uploading) values ($1, ${lease}, true)`, [key]),
    renew: (keys: readonly string[]) =>
      query(`update object_trash set since = ${lease} where object_key = any($1) and uploading and since > now()`, [keys]),
    /** Whatever came of these uploads, nobody will name them. */
    discard: (keys: readonly string[]) =>
      query(
        `insert into object_trash (object_key) select unnest($1::text[])
          on conflict (object_key) do update set since = now(), uploading = false`,
        [keys],
      ),
    claim: (most: number) =>
      query<Claim>(
        `update object_trash set since = now() + interval '${RETRY} seconds', uploading = false
          where object_key in (select object_key from object_trash where since <= now() order by since limit $1 for update skip locked)
          returning object_key as key, since::text as until`,
        [most],
      ),
    /** Only what was not put on the list anew meanwhile. */
    forget: ({ key, until }: Claim) => query(`delete from object_trash where object_key = $1 and since = $2::timestamptz`, [key, until]),

    /** All of them or, where a lease was lost, none: false. Throws where the project is gone. */
    nameAssets: async (projectId: string, files: readonly Uploaded[]): Promise<boolean> => {
      const named = await some(
        `with wanted as (select * from jsonb_to_recordset($2::jsonb)
                as f (key text, "fileName" text, "mimeType" text, size bigint, sha256 text, place int)),
              claimed as (delete from object_trash where object_key in (select key from wanted) and uploading returning object_key)
         insert into asset (project_id, object_key, file_name, mime_type, size_bytes, sha256, created_at)
         select $1, key, "fileName", "mimeType", size, sha256, now() + place * interval '1 microsecond'
           from wanted join claimed on claimed.object_key = wanted.key
         returning id`,
        [projectId, JSON.stringify(files.map((file, place) => ({ ...file, place })))],
      );
      if (named === files.length) return true;
      await query(`delete from asset where object_key = any($1)`, [files.map(({ key }) => key)]);
      return false;
    },
    /** False where the lease was lost or there is no such profile. */
    namePhoto: async (profileId: string, { key }: Uploaded): Promise<boolean> =>
      (await some(
        `with found as (select id from profile where id = $1 for update),
              claimed as (delete from object_trash where object_key = $2 and uploading and exists (select from found) returning object_key)
         update profile set photo_key = object_key, updated_at = now() from claimed where id = $1 returning id`,
        [profileId, key],
      )) > 0,
  };
}
