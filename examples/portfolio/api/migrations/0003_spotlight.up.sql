create table spotlight (
  id uuid primary key default gen_random_uuid(),
  project_id uuid not null unique references project (id) on delete cascade,
  created_at timestamptz not null default now()
);
