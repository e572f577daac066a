create table project (
  id uuid primary key default gen_random_uuid(),
  title text not null,
  sub_title text not null default '',
  client text not null default '',
  description jsonb,
  visible boolean not null default false,
  adult boolean not null default false,
  thumbnail_id uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table asset (
  id uuid primary key default gen_random_uuid(),
  project_id uuid not null references project (id) on delete cascade,
  object_key text not null unique,
  file_name text not null,
  mime_type text not null,
  size_bytes bigint not null check (size_bytes >= 0),
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  created_at timestamptz not null default now(),
  unique (project_id, id)
);

-- A thumbnail is always one of the project's own files.
alter table project add constraint project_thumbnail
  foreign key (id, thumbnail_id) references asset (project_id, id)
  on delete set null (thumbnail_id);

create index project_listed on project (visible, adult, created_at desc);
create index asset_of_project on asset (project_id, created_at, id);
