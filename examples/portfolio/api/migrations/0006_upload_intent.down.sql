drop index object_trash_due;
alter table object_trash drop column uploading;
