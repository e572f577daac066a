drop table spotlight;
