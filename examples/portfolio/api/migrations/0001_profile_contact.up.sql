-- One row each: who the portfolio is about, and how to reach them.
create table profile (
  id uuid primary key default gen_random_uuid(),
  first_name text not null default '',
  last_name text not null default '',
  description jsonb,
  photo_key text,
  updated_at timestamptz not null default now()
);

create table contact (
  id uuid primary key default gen_random_uuid(),
  description jsonb
);
