import GRDB

// Frozen: a migration that was released is never edited; a change of the schema is a new one at the end, with a test.
extension DatabaseMigrator {
  /// Every version of the journal's schema, in order.
  static let journal: DatabaseMigrator = {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1 events, sealed secrets, plans, locks, outbox") { db in
      try db.execute(sql: Schema.version1)
    }
    migrator.registerMigration("2 dropped messages") { db in
      try db.execute(sql: Schema.version2)
    }
    migrator.registerMigration("3 list of incidents") { db in
      try db.execute(sql: Schema.version3)
    }
    migrator.registerMigration("4 plans and messages by incident") { db in
      try db.execute(sql: Schema.version4)
    }
    return migrator
  }()
}

/// The statements of each version.
enum Schema {
  /// `application_id` of a journal: "STNC".
  static let applicationID = 0x5354_4E43

  static let version1 = """
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
    CREATE INDEX events_by_run ON events (run, seq) WHERE run IS NOT NULL;
    CREATE INDEX events_by_incident ON events (incident, seq) WHERE incident IS NOT NULL;
    CREATE INDEX events_by_kind ON events (kind, seq);

    CREATE TABLE head (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      seq INTEGER NOT NULL,
      hash TEXT NOT NULL,
      identity TEXT NOT NULL,
      signature BLOB NOT NULL
    ) STRICT;

    -- Events up to seq were removed by retention; hash is that of event seq.
    CREATE TABLE checkpoints (
      seq INTEGER PRIMARY KEY,
      hash TEXT NOT NULL,
      identity TEXT NOT NULL,
      signature BLOB NOT NULL
    ) STRICT;

    CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
    CREATE TRIGGER events_are_never_removed BEFORE DELETE ON events
    WHEN OLD.seq > (SELECT coalesce(max(seq), 0) FROM checkpoints)
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

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
    CREATE INDEX sealed_by_scope ON sealed (scope);

    CREATE TABLE plans (
      id TEXT PRIMARY KEY,
      digest TEXT NOT NULL,
      incident TEXT,
      created TEXT NOT NULL,
      document TEXT NOT NULL
    ) STRICT;
    CREATE INDEX plans_by_digest ON plans (digest);

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
    CREATE INDEX locks_by_run ON locks (run);

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
    CREATE INDEX outbox_by_state ON outbox (state, next_at);
    """

  /// What a person dropped was kept like what was given up; the decision tells them apart.
  static let version2 = """
    ALTER TABLE outbox ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;
    UPDATE outbox SET dropped = 1 WHERE state = 'dead' AND EXISTS (
      SELECT 1 FROM events WHERE kind = 'decision' AND json_extract(body, '$.what') = 'drop message ' || outbox.id);
    """

  /// ``IncidentList``: `listed` is the last event that the list has taken in.
  static let version3 = """
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
    CREATE INDEX incidents_by_urgency ON incidents (is_closed, severity, detected, opened)
    WHERE owner = id AND opened IS NOT NULL;
    CREATE INDEX incidents_by_owner ON incidents (owner);
    ALTER TABLE head ADD COLUMN listed INTEGER;
    """

  /// What is asked for every plan that is made, and for every message.
  static let version4 = """
    CREATE INDEX plans_by_incident ON plans (incident, created);
    CREATE INDEX outbox_by_incident ON outbox (incident, tracker, sequence);
    """
}
