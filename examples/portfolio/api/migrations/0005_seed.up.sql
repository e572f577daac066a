-- Sample content. Pictures whose key begins with static: are files of the site, served at the rest of the key.
-- Every id and date is fixed, so two databases hold the same content.

insert into profile (id, first_name, last_name, description, photo_key, updated_at) values
  ('5eed0000-0000-4000-8000-000000000001', 'Noor', 'Halvorsen',
   '{"ops": [{"insert": "I am a photographer and designer in Bergen. I make books, identities and pictures for people who work with their hands, and for a few who work with sound.\n"}, {"insert": "I trained as a printer, and still think that a thing is finished when it has been folded. Before opening the studio in 2016 I spent six years at Fjellforlaget, where I learned to leave things out.\n"}, {"insert": "The work has been shown at Galeri Kai, Sjøhuset and the Coast Print Biennial. I teach one week a year and am "}, {"insert": "always late with the invoices", "attributes": {"italic": true}}, {"insert": ".\n"}]}',
   'static:/seed/portrait.svg', '2026-01-01T09:00:00Z');

insert into contact (id, description) values
  ('5eed0000-0000-4000-8000-000000000002',
   '{"ops": [{"insert": "The best way to start is a letter with a date, a place and a problem.\n"}, {"insert": "studio@halvorsen.example", "attributes": {"link": "mailto:studio@halvorsen.example"}}, {"insert": "\n"}, {"insert": "Studio Halvorsen, Naustgaten 4, Bergen\nOpen on Thursdays, or whenever the light is bad.\n"}, {"insert": "Booking from September. Prints and books can be ordered by mail at any time.\n"}]}');

insert into project (id, title, sub_title, client, visible, description, created_at, updated_at) values
  ('5eed0000-0000-4000-8000-000000000101', 'Tideland', 'Nine weeks on the mud flats', 'Self-initiated', true,
   '{"ops": [{"insert": "The Wadden coast is redrawn twice a day. Between March and May I walked the same four kilometres at every low tide I could reach, with one lens and no tripod.\n"}, {"insert": "What interested me was not the view but the "}, {"insert": "interval", "attributes": {"italic": true}}, {"insert": ": the twenty minutes in which the ground is neither land nor sea. The series keeps to that window.\n"}, {"insert": "Shown at Galeri Kai, Bergen, as forty unframed prints on a single wall. A small book is "}, {"insert": "available on request", "attributes": {"link": "mailto:studio@halvorsen.example"}}, {"insert": ".\n"}]}',
   '2026-03-14T10:00:00Z', '2026-03-14T10:00:00Z'),
  ('5eed0000-0000-4000-8000-000000000102', 'Salt Line', 'Identity and photographs for a salt works', 'Havsalt', true,
   '{"ops": [{"insert": "Havsalt has harvested by hand since 1911 and had never had a logo. We decided that it still should not.\n"}, {"insert": "The identity is the pans themselves, photographed from the air on the first day of each month. Every box carries the field its salt came from and the date of harvest. "}, {"insert": "Twelve pictures, one typeface, no mark.", "attributes": {"bold": true}}, {"insert": "\n"}, {"insert": "Design, photography and art direction. Packaging printed in two colours on uncoated board.\n"}]}',
   '2026-01-22T10:00:00Z', '2026-01-22T10:00:00Z'),
  ('5eed0000-0000-4000-8000-000000000103', 'Nocturne', 'Programmes and posters for a season of chamber music', 'Strandgate Ensemble', true,
   '{"ops": [{"insert": "One grid, five colours, and a rule: each concert may move only as many tiles as it has players. A solo recital barely stirs the page; the octet leaves nothing in place.\n"}, {"insert": "Audiences began to read the posters as scores. By the third concert people were guessing the line-up from the tram stop.\n"}, {"insert": "Set throughout in a single weight. Screen-printed by Trykk & Co.\n"}]}',
   '2025-11-06T10:00:00Z', '2025-11-06T10:00:00Z'),
  ('5eed0000-0000-4000-8000-000000000104', 'Kiln', 'A catalogue of forty vessels', 'Ines Aldaya Ceramics', true,
   '{"ops": [{"insert": "Ines fires once a month and photographs nothing, so the catalogue had to be made in a day, before the pots went out of the door.\n"}, {"insert": "One window, one shelf, one hour of light per row. Nothing was retouched: "}, {"insert": "if the glaze ran, it runs", "attributes": {"italic": true}}, {"insert": ".\n"}, {"insert": "128 pages, sewn, with a dust jacket that unfolds into the kiln log.\n"}]}',
   '2025-09-18T10:00:00Z', '2025-09-18T10:00:00Z'),
  ('5eed0000-0000-4000-8000-000000000105', 'Slow Rail', 'Campaign for the return of the night train', 'Nordnatt', true,
   '{"ops": [{"insert": "After eighteen years the sleeper to the coast runs again. The brief asked for speed. We answered with patience.\n"}, {"insert": "Three posters, one for each part of the night: leaving, passing, arriving. They were hung in that order along the platform, so that the campaign takes exactly as long to read as the train takes to pull out.\n"}, {"insert": "Illustration, posters, ticket wallets and the sign on the last carriage.\n"}]}',
   '2025-06-02T10:00:00Z', '2025-06-02T10:00:00Z'),
  ('5eed0000-0000-4000-8000-000000000106', 'Glasshouse', 'Signs and seasonal views for a botanical garden', 'Botanisk Hage', true,
   '{"ops": [{"insert": "The palm house is 31 metres long and loses its visitors every Sunday. We replaced forty-two arrows with three colours of light.\n"}, {"insert": "The photographs were taken through the glass from outside, once in each season, and became the garden’s calendar, tickets and shop windows.\n"}, {"insert": "Wayfinding with Studio Lund; planting by people who know what they are doing.\n"}]}',
   '2025-03-27T10:00:00Z', '2025-03-27T10:00:00Z'),
  ('5eed0000-0000-4000-8000-000000000107', 'Winter Index', 'A field guide to one forest in snow', 'Fjellforlaget', true,
   '{"ops": [{"insert": "Sixty days, one square kilometre, one entry a day. The index records what could be measured: depth, sound, the number of birds, the colour of the shadow at noon.\n"}, {"insert": "Maps are drawn from the notes and not the other way round. The red line is the path I walked on day 31, when "}, {"insert": "nothing else", "attributes": {"bold": true}}, {"insert": " had.\n"}, {"insert": "Shortlisted for Book of the Winter.\n"}]}',
   '2024-12-12T10:00:00Z', '2024-12-12T10:00:00Z'),
  ('5eed0000-0000-4000-8000-000000000108', 'Undertow', 'Work in progress', 'Self-initiated', false,
   '{"ops": [{"insert": "Sketches for a series about the sound under the ice. Not ready to be seen.\n"}]}',
   '2026-04-30T10:00:00Z', '2026-04-30T10:00:00Z');

insert into asset (id, project_id, object_key, file_name, mime_type, size_bytes, sha256, created_at) values
  ('5eed0000-0000-4000-8000-000000020101', '5eed0000-0000-4000-8000-000000000101', 'static:/seed/tideland-1.svg', 'tideland-1.svg', 'image/svg+xml', 7408,
   'f19e5cffd581d613f0c06129e7f2c5f9d6c02c43b6de68939f94b0a9ddf9146a', '2026-03-14T10:01:00Z'),
  ('5eed0000-0000-4000-8000-000000020102', '5eed0000-0000-4000-8000-000000000101', 'static:/seed/tideland-2.svg', 'tideland-2.svg', 'image/svg+xml', 7406,
   'aa0cfa335d65154f940f0da47f744f6fe4475a91a439a87e7f31b3c4417fccb7', '2026-03-14T10:02:00Z'),
  ('5eed0000-0000-4000-8000-000000020103', '5eed0000-0000-4000-8000-000000000101', 'static:/seed/tideland-3.svg', 'tideland-3.svg', 'image/svg+xml', 7404,
   '71ddfdf6bbb8fe67fb492ecc827c22df4bd44019f71e616e48a929d08ae2e4d7', '2026-03-14T10:03:00Z'),
  ('5eed0000-0000-4000-8000-000000020201', '5eed0000-0000-4000-8000-000000000102', 'static:/seed/salt-line-1.svg', 'salt-line-1.svg', 'image/svg+xml', 5177,
   'b0399453fd674ff61c4709b5b5835270568404078384dcb28db0c02d31758a23', '2026-01-22T10:01:00Z'),
  ('5eed0000-0000-4000-8000-000000020202', '5eed0000-0000-4000-8000-000000000102', 'static:/seed/salt-line-2.svg', 'salt-line-2.svg', 'image/svg+xml', 7241,
   '1e71911ee89b0ccee6de6c0bae5a833806baf954361f26985bbbb5985cbb321e', '2026-01-22T10:02:00Z'),
  ('5eed0000-0000-4000-8000-000000020203', '5eed0000-0000-4000-8000-000000000102', 'static:/seed/salt-line-3.svg', 'salt-line-3.svg', 'image/svg+xml', 7380,
   '902c02d8e5ab8f256c04be9baf4cd2ddad7f97fe7c8c30453135ef1f9bce687a', '2026-01-22T10:03:00Z'),
  ('5eed0000-0000-4000-8000-000000020301', '5eed0000-0000-4000-8000-000000000103', 'static:/seed/nocturne-1.svg', 'nocturne-1.svg', 'image/svg+xml', 4863,
   '70dbb6db0efd2ce81457e25ae813d196ba5c7e7d0ac67572e4c7934be4d8162b', '2025-11-06T10:01:00Z'),
  ('5eed0000-0000-4000-8000-000000020302', '5eed0000-0000-4000-8000-000000000103', 'static:/seed/nocturne-2.svg', 'nocturne-2.svg', 'image/svg+xml', 16490,
   '851914c8cbdfd0e77702c0434901b99540d4c5129771837c5f7e891ef9ec90b5', '2025-11-06T10:02:00Z'),
  ('5eed0000-0000-4000-8000-000000020303', '5eed0000-0000-4000-8000-000000000103', 'static:/seed/nocturne-3.svg', 'nocturne-3.svg', 'image/svg+xml', 8957,
   'ca11565e008bdea92a3a1f99d4d5b982f4b2ffe81f07630e3b98870c9a53bcc3', '2025-11-06T10:03:00Z'),
  ('5eed0000-0000-4000-8000-000000020401', '5eed0000-0000-4000-8000-000000000104', 'static:/seed/kiln-1.svg', 'kiln-1.svg', 'image/svg+xml', 3818,
   'f25ab41e232492f3fc7a116f9a3db91c8994b439eb1585659349245ef7611882', '2025-09-18T10:01:00Z'),
  ('5eed0000-0000-4000-8000-000000020402', '5eed0000-0000-4000-8000-000000000104', 'static:/seed/kiln-2.svg', 'kiln-2.svg', 'image/svg+xml', 2977,
   'ed7f95704b5f1f3068ae4c97b78e979cc9a55781a228abcec6449c284f9200c2', '2025-09-18T10:02:00Z'),
  ('5eed0000-0000-4000-8000-000000020403', '5eed0000-0000-4000-8000-000000000104', 'static:/seed/kiln-3.svg', 'kiln-3.svg', 'image/svg+xml', 2973,
   '3257d6ce50d8674da36220b8afdcd3adee87d95d7743742902ba282453cbeeee', '2025-09-18T10:03:00Z'),
  ('5eed0000-0000-4000-8000-000000020501', '5eed0000-0000-4000-8000-000000000105', 'static:/seed/slow-rail-1.svg', 'slow-rail-1.svg', 'image/svg+xml', 6710,
   'cee66e45a10875847f0face2b20f32f28fe37e8fe1210145687dfc69e9544bd2', '2025-06-02T10:01:00Z'),
  ('5eed0000-0000-4000-8000-000000020502', '5eed0000-0000-4000-8000-000000000105', 'static:/seed/slow-rail-2.svg', 'slow-rail-2.svg', 'image/svg+xml', 6692,
   '3427507181614b16f04e913cbd9b906c19c97d41b12afb690d6b8a0518b0d375', '2025-06-02T10:02:00Z'),
  ('5eed0000-0000-4000-8000-000000020503', '5eed0000-0000-4000-8000-000000000105', 'static:/seed/slow-rail-3.svg', 'slow-rail-3.svg', 'image/svg+xml', 6695,
   '1edafb02d2106540bb1deed8478e4bdff7f8bcdc3b62747e6d7e64ec4b08a40d', '2025-06-02T10:03:00Z'),
  ('5eed0000-0000-4000-8000-000000020601', '5eed0000-0000-4000-8000-000000000106', 'static:/seed/glasshouse-1.svg', 'glasshouse-1.svg', 'image/svg+xml', 11942,
   '08a360ac975fce3b793b4fa774699bd5ae14ccc927903c86a1f3c1de0c085a84', '2025-03-27T10:01:00Z'),
  ('5eed0000-0000-4000-8000-000000020602', '5eed0000-0000-4000-8000-000000000106', 'static:/seed/glasshouse-2.svg', 'glasshouse-2.svg', 'image/svg+xml', 11993,
   '06b7798dba384ba4499de41d84a1de4ac9cb0793f5989fb361d9050e1284a12b', '2025-03-27T10:02:00Z'),
  ('5eed0000-0000-4000-8000-000000020603', '5eed0000-0000-4000-8000-000000000106', 'static:/seed/glasshouse-3.svg', 'glasshouse-3.svg', 'image/svg+xml', 12073,
   'efeba7591e5b051dc621d0d9bd1c9b519dd51b9ef8131b5f7aa7e2cf3181f97b', '2025-03-27T10:03:00Z'),
  ('5eed0000-0000-4000-8000-000000020701', '5eed0000-0000-4000-8000-000000000107', 'static:/seed/winter-index-1.svg', 'winter-index-1.svg', 'image/svg+xml', 19049,
   'f00172b88eaeb5f3705966445f0695312d3325c24e2be1996e8a4f213af7f54f', '2024-12-12T10:01:00Z'),
  ('5eed0000-0000-4000-8000-000000020702', '5eed0000-0000-4000-8000-000000000107', 'static:/seed/winter-index-2.svg', 'winter-index-2.svg', 'image/svg+xml', 19464,
   '39335de0949dd50492913e3e5220acf946b0b46adfe58608f8b2f9c826da5674', '2024-12-12T10:02:00Z'),
  ('5eed0000-0000-4000-8000-000000020703', '5eed0000-0000-4000-8000-000000000107', 'static:/seed/winter-index-3.svg', 'winter-index-3.svg', 'image/svg+xml', 18986,
   '24ad2ee329b75db4ca08c10128b163214f41e32636c13fb1c5f421d6a873ed8e', '2024-12-12T10:03:00Z'),
  ('5eed0000-0000-4000-8000-000000020801', '5eed0000-0000-4000-8000-000000000108', 'static:/seed/undertow-1.svg', 'undertow-1.svg', 'image/svg+xml', 16623,
   '5717eb06b3a44e0f5b967ce02be9b05012f1ef7dee9b5b59c37461bb28e71242', '2026-04-30T10:01:00Z');

update project set thumbnail_id = chosen.asset_id
  from (values
    ('5eed0000-0000-4000-8000-000000000101'::uuid, '5eed0000-0000-4000-8000-000000020101'::uuid),
    ('5eed0000-0000-4000-8000-000000000102'::uuid, '5eed0000-0000-4000-8000-000000020201'::uuid),
    ('5eed0000-0000-4000-8000-000000000103'::uuid, '5eed0000-0000-4000-8000-000000020301'::uuid),
    ('5eed0000-0000-4000-8000-000000000104'::uuid, '5eed0000-0000-4000-8000-000000020401'::uuid),
    ('5eed0000-0000-4000-8000-000000000105'::uuid, '5eed0000-0000-4000-8000-000000020501'::uuid),
    ('5eed0000-0000-4000-8000-000000000106'::uuid, '5eed0000-0000-4000-8000-000000020601'::uuid),
    ('5eed0000-0000-4000-8000-000000000107'::uuid, '5eed0000-0000-4000-8000-000000020701'::uuid),
    ('5eed0000-0000-4000-8000-000000000108'::uuid, '5eed0000-0000-4000-8000-000000020801'::uuid)
  ) as chosen (project_id, asset_id)
 where project.id = chosen.project_id;

insert into spotlight (id, project_id, created_at) values
  ('5eed0000-0000-4000-8000-000000000301', '5eed0000-0000-4000-8000-000000000101', '2026-04-03T08:00:00Z'),
  ('5eed0000-0000-4000-8000-000000000302', '5eed0000-0000-4000-8000-000000000104', '2026-04-02T08:00:00Z'),
  ('5eed0000-0000-4000-8000-000000000303', '5eed0000-0000-4000-8000-000000000105', '2026-04-01T08:00:00Z');
