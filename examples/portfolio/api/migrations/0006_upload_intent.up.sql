-- An upload writes its key here before its first byte leaves, and the transaction that names the object takes the key out
-- again: an object without a name is always on this list. While uploading is true, since is the end of the uploader's
-- lease, which it renews; whoever died lets it pass.
alter table object_trash add column uploading boolean not null default false;
create index object_trash_due on object_trash (since);
