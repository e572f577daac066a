drop table contact;
drop table profile;
