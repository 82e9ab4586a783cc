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
, listed INTEGER) STRICT;
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
  reason TEXT, dropped INTEGER NOT NULL DEFAULT 0,
  UNIQUE (tracker, incident, sequence)
) STRICT;
CREATE TABLE incidents (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  opened INTEGER,
  first INTEGER,
  detected TEXT,
  openings INTEGER NOT NULL,
  severity TEXT NOT NULL,
  severity_from INTEGER NOT NULL,
  is_closed INTEGER NOT NULL,
  state_from INTEGER NOT NULL
) STRICT;
INSERT INTO grdb_migrations VALUES ('1 events, sealed secrets, plans, locks, outbox');
INSERT INTO grdb_migrations VALUES ('2 dropped messages');
INSERT INTO grdb_migrations VALUES ('3 list of incidents');
INSERT INTO grdb_migrations VALUES ('4 plans and messages by incident');
INSERT INTO header VALUES ('{"created":"2026-11-30T00:07:10.187Z","drill":false,"format":"staunch-journal","id":"773cdd6c-a637-432b-accb-8e0eeeaad958","version":1}');
INSERT INTO events VALUES (1, '2026-11-30T00:07:10.192Z', NULL, 'inc-1', 'incident.opened', '{"kind":"postgres-uri","title":"a leak"}', '919186cc07951d62ba9e910bb3a3426db4c1497f6fb843a6f026aa0303cb1f3d', 'd6c39509bef5011ceeae92ae4d36dce195f1517abc114265bea5963d4917c846');
INSERT INTO events VALUES (2, '2026-11-30T00:07:10.198Z', NULL, NULL, 'secret.sealed', '{"key":"leaked","purpose":"leaked"}', 'd6c39509bef5011ceeae92ae4d36dce195f1517abc114265bea5963d4917c846', '85a16e4b1972bb7515cc0731ab92784822b5273f2ff13b441bbf3c1faac60d75');
INSERT INTO events VALUES (3, '2026-11-30T00:07:10.201Z', 'run-1', 'inc-1', 'plan.saved', '{"plan":"plan-1"}', '85a16e4b1972bb7515cc0731ab92784822b5273f2ff13b441bbf3c1faac60d75', '973707cd5e298561c40bad7bc811bc9cb994b1c633f02ddbc57d21ae16615634');
INSERT INTO events VALUES (4, '2026-11-30T00:07:10.204Z', 'run-1', 'inc-1', 'lock.taken', '{"locks":["run/run-1","pg"],"owner":"process 1 on h"}', '973707cd5e298561c40bad7bc811bc9cb994b1c633f02ddbc57d21ae16615634', '2ce787bd7aa2e517aa5e2934ea3a2d3f26ea018c2bb59105453e3ccf18e51792');
INSERT INTO events VALUES (5, '2026-11-30T00:07:10.208Z', 'run-1', NULL, 'secret.sealed', '{"key":"gone","purpose":"new"}', '2ce787bd7aa2e517aa5e2934ea3a2d3f26ea018c2bb59105453e3ccf18e51792', '93be19d2c296f9a33a85023f520401a089fcd7ae65b24fa5fdf2c355f0dd6562');
INSERT INTO events VALUES (6, '2026-11-30T00:07:10.208Z', 'run-1', NULL, 'step.intent', '{"attempt":1,"step":"one"}', '93be19d2c296f9a33a85023f520401a089fcd7ae65b24fa5fdf2c355f0dd6562', '1d242282f45ad40967caac85ab39f45509bcf57ea82d2467a6ae556f4e74ca8a');
INSERT INTO events VALUES (7, '2026-11-30T00:07:10.212Z', NULL, 'inc-1', 'message', '{"attempt":0,"event":"incident.opened","message_id":"m1","sequence":1,"state":"queued","tracker":"security"}', '1d242282f45ad40967caac85ab39f45509bcf57ea82d2467a6ae556f4e74ca8a', '19d33ae3fc3f9f3938189882e63cf76a879feee73f203c23279318f9a155bbac');
INSERT INTO events VALUES (8, '2026-11-30T00:07:10.217Z', 'run-1', NULL, 'key.destroyed', '{"key_id":"run-1/a466e113-fe7f-458e-a1b7-c5aab18714e5"}', '19d33ae3fc3f9f3938189882e63cf76a879feee73f203c23279318f9a155bbac', 'e6e7c9299eeeb5136ba697bb1f424fbcae39183eab80b2601dd180045ab4018a');
INSERT INTO head VALUES (1, 8, 'e6e7c9299eeeb5136ba697bb1f424fbcae39183eab80b2601dd180045ab4018a', '7465ae8804fab216', X'D43A60BA159A2CB09DECAC44207B635A712A14E363550AD9ADD72B075B590B3E880EA29AB523903BBE158163335A12DE24A73D848269CB7DE6129E129DF56D0A', 8);
INSERT INTO sealing_keys VALUES ('inc-1', 'inc-1/d939d73b-2bb6-47bd-a3b5-ccbe8c94a937', X'DBD658F5CFDA57A3F170BF29128A47723F6B6C82AEA5B1390791A420BDD1D341EF13FC438DA7AAC312A861093EF096D449C4E6CA2BA3707D752970D0', NULL);
INSERT INTO sealing_keys VALUES ('run-1', 'run-1/a466e113-fe7f-458e-a1b7-c5aab18714e5', NULL, '2026-11-30T00:07:10.216Z');
INSERT INTO sealed VALUES ('leaked', 'inc-1', X'87321BBA0390AEAC0D77BA5C79160C5C7AF4861F8148090F6B3214FA4B92ADEF0118B258D05D1F52');
INSERT INTO plans VALUES ('plan-1', 'd1', 'inc-1', '2026-11-24T03:00:00.000Z', '{"plan":1}');
INSERT INTO locks VALUES ('run/run-1', 'run-1', '2026-11-30T00:07:10.203Z', 'h', 'b', 1, '1', 1795997230203);
INSERT INTO locks VALUES ('pg', 'run-1', '2026-11-30T00:07:10.203Z', 'h', 'b', 1, '1', 1795997230203);
INSERT INTO outbox VALUES ('m1', 'security', 'inc-1', 'incident.opened', 1, '{"at":"2026-11-24T03:00:00Z","body":"b","event":"incident.opened","id":"m1","incident":"inc-1","isDrill":false,"sequence":1,"severity":"sev2","title":"Task"}', '483b63c55d0f20936519986fe59b717cb8db4871b845a4afaa08c3168caaa53e', 'pending', 0, 1795997230212, NULL, NULL, NULL, 0);
INSERT INTO incidents VALUES ('inc-1', 'inc-1', 1, 1, '2026-11-30T00:07:10.192Z', 1, 'sev1', 0, 0, 0);
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
CREATE INDEX incidents_by_urgency ON incidents (is_closed, severity, detected, opened)
WHERE owner = id AND opened IS NOT NULL;
CREATE INDEX incidents_by_owner ON incidents (owner);
CREATE INDEX plans_by_incident ON plans (incident, created);
CREATE INDEX outbox_by_incident ON outbox (incident, tracker, sequence);
