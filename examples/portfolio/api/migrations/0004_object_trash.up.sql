-- Objects that no row names any more, until somebody has removed them from storage. Filled by the
-- database itself in the transaction that drops the name, so that no way of deleting forgets one.
-- Keys that begin with static: are files of the site and are nobody's to remove.
create table object_trash (
  object_key text primary key,
  since timestamptz not null default now()
);

create function trash_asset_object() returns trigger language plpgsql as $$
begin
  if old.object_key not like 'static:%' then
    insert into object_trash (object_key) values (old.object_key) on conflict do nothing;
  end if;
  return null;
end
$$;

create trigger asset_object_to_trash after delete on asset
  for each row execute function trash_asset_object();

create function trash_profile_photo() returns trigger language plpgsql as $$
begin
  if old.photo_key not like 'static:%' then
    insert into object_trash (object_key) values (old.photo_key) on conflict do nothing;
  end if;
  return null;
end
$$;

create trigger profile_photo_to_trash after update of photo_key on profile
  for each row when (old.photo_key is distinct from new.photo_key) execute function trash_profile_photo();
