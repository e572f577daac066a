drop trigger profile_photo_to_trash on profile;
drop function trash_profile_photo();
drop trigger asset_object_to_trash on asset;
drop function trash_asset_object();
drop table object_trash;
