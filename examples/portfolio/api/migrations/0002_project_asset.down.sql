alter table project drop constraint project_thumbnail;
drop table asset;
drop table project;
