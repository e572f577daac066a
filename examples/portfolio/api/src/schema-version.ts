/** The newest migration this code was written for: a file of `migrations/` without `.up.sql`. */
export const EXPECTED_SCHEMA = "0006_upload_intent";
