PRAGMA application_id = 1398033987;
CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
CREATE TABLE header (document TEXT NOT NULL) STRICT;
CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  run TEXT,
  incident TEXT,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  prev TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
CREATE TABLE head (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  seq INTEGER NOT NULL,
  hash TEXT NOT NULL,
  identity TEXT NOT NULL,
  signature BLOB NOT NULL
) STRICT;
CREATE TABLE checkpoints (
  seq INTEGER PRIMARY KEY,
  hash TEXT NOT NULL,
  identity TEXT NOT NULL,
  signature BLOB NOT NULL
) STRICT;
CREATE TABLE sealing_keys (
  scope TEXT PRIMARY KEY,
  key_id TEXT NOT NULL UNIQUE,
  wrapped BLOB,
  destroyed_at TEXT
) STRICT;
CREATE TABLE sealed (
  ref TEXT PRIMARY KEY,
  scope TEXT NOT NULL REFERENCES sealing_keys (scope),
  box BLOB NOT NULL
) STRICT;
CREATE TABLE plans (
  id TEXT PRIMARY KEY,
  digest TEXT NOT NULL,
  incident TEXT,
  created TEXT NOT NULL,
  document TEXT NOT NULL
) STRICT;
CREATE TABLE locks (
  name TEXT PRIMARY KEY,
  run TEXT NOT NULL,
  since TEXT NOT NULL,
  host TEXT,
  boot TEXT,
  pid INTEGER,
  started TEXT,
  renewed INTEGER
) STRICT;
CREATE TABLE outbox (
  id TEXT PRIMARY KEY,
  tracker TEXT NOT NULL,
  incident TEXT NOT NULL,
  event TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  message TEXT NOT NULL,
  payload_hash TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'inflight', 'sent', 'unknown', 'dead')),
  attempts INTEGER NOT NULL,
  next_at INTEGER NOT NULL,
  remote_id TEXT,
  remote_url TEXT,
  reason TEXT,
  UNIQUE (tracker, incident, sequence)
) STRICT;
INSERT INTO grdb_migrations VALUES ('1 events, sealed secrets, plans, locks, outbox');
INSERT INTO header VALUES ('{"created":"2026-11-27T00:01:39.455Z","drill":false,"format":"staunch-journal","id":"35c9e939-a85a-4ae9-a95d-4f45e0ed565b","version":1}');
INSERT INTO events VALUES (1, '2026-11-27T00:01:39.475Z', NULL, 'inc-1', 'incident.opened', '{"kind":"postgres-uri","title":"a leak"}', 'd950300387f3f7ba99fade7827e535fa15a1822649cd03ee10ea6246df0657aa', 'c51b760365d32722ea062f1264ca5c43b31e125b0e5198ee6f4136ed1d56cd18');
INSERT INTO events VALUES (2, '2026-11-27T00:01:39.483Z', NULL, NULL, 'secret.sealed', '{"key":"leaked","purpose":"leaked"}', 'c51b760365d32722ea062f1264ca5c43b31e125b0e5198ee6f4136ed1d56cd18', '9d60c6bcd9ad7a09a6add2bceafa0edeb87195a3b22358f277bbb41c3195b1d8');
INSERT INTO events VALUES (3, '2026-11-27T00:01:39.490Z', 'run-1', 'inc-1', 'plan.saved', '{"plan":"plan-1"}', '9d60c6bcd9ad7a09a6add2bceafa0edeb87195a3b22358f277bbb41c3195b1d8', 'd0f1061b115cbe8f98a435412923b0e36f170270837f153f6884433aaaa97532');
INSERT INTO events VALUES (4, '2026-11-27T00:01:39.498Z', 'run-1', 'inc-1', 'lock.taken', '{"locks":["run/run-1","pg"],"owner":"process 1 on h"}', 'd0f1061b115cbe8f98a435412923b0e36f170270837f153f6884433aaaa97532', '473f09ed2620cf9fb38b0068c16e46faf00661afa8638f0cc6fc52a91124ef82');
INSERT INTO events VALUES (5, '2026-11-27T00:01:39.511Z', 'run-1', NULL, 'secret.sealed', '{"key":"gone","purpose":"new"}', '473f09ed2620cf9fb38b0068c16e46faf00661afa8638f0cc6fc52a91124ef82', 'ec500bab085fe624ac31b1ec6ad2dd576d2da4bf3343d5c760b4eb7d0dd3b940');
INSERT INTO events VALUES (6, '2026-11-27T00:01:39.511Z', 'run-1', NULL, 'step.intent', '{"attempt":1,"step":"one"}', 'ec500bab085fe624ac31b1ec6ad2dd576d2da4bf3343d5c760b4eb7d0dd3b940', '1f202429d97ee523b563cbf80f346f3458f04e554396bc9999bb807fefb18938');
INSERT INTO events VALUES (7, '2026-11-27T00:01:39.519Z', NULL, 'inc-1', 'message', '{"attempt":0,"event":"incident.opened","message_id":"m1","sequence":1,"state":"queued","tracker":"security"}', '1f202429d97ee523b563cbf80f346f3458f04e554396bc9999bb807fefb18938', 'a256832dae5254a5fde3c40e25b50a244f71da864f485832369e1a528004ad1d');
INSERT INTO events VALUES (8, '2026-11-27T00:01:39.526Z', 'run-1', NULL, 'key.destroyed', '{"key_id":"run-1/5c70986e-b1e1-4375-bc36-e4ab5e2dbee3"}', 'a256832dae5254a5fde3c40e25b50a244f71da864f485832369e1a528004ad1d', '161279529bf0bdec3f1d688ade32960a59839437e440f5fde9b6f17ae5065827');
INSERT INTO head VALUES (1, 8, '161279529bf0bdec3f1d688ade32960a59839437e440f5fde9b6f17ae5065827', '646616e56fb72a80', X'287BCB7DDCAA375E69B5F0EB5C0B367E3BAC4C246C49ECAE1D9E0569C80D603F500492D34D976301850DB68E6AB3765CA5831F4D8AA4459FC30AA556C961F80E');
INSERT INTO sealing_keys VALUES ('inc-1', 'inc-1/a7cbfe92-7354-41cc-aea8-fb676ec9b3e2', X'89D9351850D37F92D94AEE04C76C6E5FC4877686141A785E36F8D8362389D718C3A7B5A531DB3A528455713C46B9CE3E2E821BD53E0857B99CFFEDC6', NULL);
INSERT INTO sealing_keys VALUES ('run-1', 'run-1/5c70986e-b1e1-4375-bc36-e4ab5e2dbee3', NULL, '2026-11-27T00:01:39.526Z');
INSERT INTO sealed VALUES ('leaked', 'inc-1', X'B8C3B1779E0A4D7E6D95CE5ED99B4BF19FACE26880E82732774C3D79144B7FD51E39F54FFD6A23BA');
INSERT INTO plans VALUES ('plan-1', 'd1', 'inc-1', '2026-11-24T03:00:00.000Z', '{"plan":1}');
INSERT INTO locks VALUES ('run/run-1', 'run-1', '2026-11-27T00:01:39.498Z', 'h', 'b', 1, '1', 1795737699498);
INSERT INTO locks VALUES ('pg', 'run-1', '2026-11-27T00:01:39.498Z', 'h', 'b', 1, '1', 1795737699498);
INSERT INTO outbox VALUES ('m1', 'security', 'inc-1', 'incident.opened', 1, '{"at":"2026-11-24T03:00:00Z","body":"b","event":"incident.opened","id":"m1","incident":"inc-1","isDrill":false,"sequence":1,"severity":"sev2","title":"Task"}', '483b63c55d0f20936519986fe59b717cb8db4871b845a4afaa08c3168caaa53e', 'pending', 0, 1795737699520, NULL, NULL, NULL);
CREATE INDEX events_by_run ON events (run, seq) WHERE run IS NOT NULL;
CREATE INDEX events_by_incident ON events (incident, seq) WHERE incident IS NOT NULL;
CREATE INDEX events_by_kind ON events (kind, seq);
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_are_never_removed BEFORE DELETE ON events
WHEN OLD.seq > (SELECT coalesce(max(seq), 0) FROM checkpoints)
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE INDEX sealed_by_scope ON sealed (scope);
CREATE INDEX plans_by_digest ON plans (digest);
CREATE INDEX locks_by_run ON locks (run);
CREATE INDEX outbox_by_state ON outbox (state, next_at);
