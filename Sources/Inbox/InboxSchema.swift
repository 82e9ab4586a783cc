import GRDB

// Frozen: a migration that was released is never edited; a change of the schema is a new one at the end, with a test.
extension DatabaseMigrator {
  static let inbox: DatabaseMigrator = {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1 deliveries, replay, decisions, board") { db in
      try db.execute(sql: InboxSchema.version1)
    }
    migrator.registerMigration("2 lists, refusals, the worker's sign of life") { db in
      try db.execute(sql: InboxSchema.version2)
    }
    return migrator
  }()
}

enum InboxSchema {
  /// `application_id` of an exchange file: "STNX".
  static let applicationID = 0x5354_4E58

  static let version1 = """
    -- One row per accepted delivery. Without a box and a spool file the body was removed after its extraction.
    CREATE TABLE deliveries (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      route TEXT NOT NULL,
      source TEXT NOT NULL,
      id TEXT NOT NULL,
      is_id_signed INTEGER NOT NULL,
      body_digest TEXT NOT NULL,
      event TEXT,
      content_type TEXT,
      received_at INTEGER NOT NULL,
      encapsulated_key BLOB,
      place INTEGER,
      box BLOB,
      spool TEXT,
      state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'failed')),
      outcome TEXT
    ) STRICT;
    CREATE INDEX deliveries_pending ON deliveries (sequence) WHERE state = 'pending';

    -- What was seen already; key is 'i' and the id, or 'd' and the digest of the body.
    CREATE TABLE replay (
      route TEXT NOT NULL,
      key TEXT NOT NULL,
      seen_at INTEGER NOT NULL,
      PRIMARY KEY (route, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX replay_by_age ON replay (seen_at);

    CREATE TABLE decisions (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      document TEXT NOT NULL,
      state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done')),
      outcome TEXT
    ) STRICT;
    CREATE INDEX decisions_pending ON decisions (sequence) WHERE state = 'pending';

    CREATE TABLE board (
      kind TEXT NOT NULL,
      id TEXT NOT NULL,
      version INTEGER NOT NULL,
      document TEXT NOT NULL,
      PRIMARY KEY (kind, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO counters VALUES ('board', 0), ('probe', 0);
    """

  /// The board is emptied: the worker publishes all of it anew at its start, and then the lists are complete.
  static let version2 = """
    -- What the list of incidents chooses, sorts and shows by: one row beside each document of the kind incident.
    CREATE TABLE incidents (
      id TEXT PRIMARY KEY,
      version INTEGER NOT NULL,
      place INTEGER NOT NULL,
      severity INTEGER NOT NULL,
      detected INTEGER NOT NULL,
      codename TEXT NOT NULL,
      kind TEXT NOT NULL,
      alive INTEGER NOT NULL,
      asks INTEGER NOT NULL,
      assigned TEXT NOT NULL,
      words TEXT NOT NULL,
      summary TEXT NOT NULL
    ) STRICT;
    CREATE INDEX incidents_by_urgency ON incidents (place, severity, detected, id, alive, asks);
    CREATE INDEX incidents_by_time ON incidents (detected, id);
    CREATE INDEX incidents_by_version ON incidents (version, id);
    CREATE INDEX incidents_by_name ON incidents (codename, id);
    CREATE INDEX incidents_by_kind ON incidents (kind, place);

    -- The outbox, a message a row; place: 0 on its way, 1 arrived, 2 dropped.
    CREATE TABLE messages (
      id TEXT PRIMARY KEY,
      version INTEGER NOT NULL,
      place INTEGER NOT NULL,
      at INTEGER NOT NULL,
      document TEXT NOT NULL
    ) STRICT;
    CREATE INDEX messages_by_place ON messages (place, at DESC, id);

    -- Deliveries that were refused, without anything of their body.
    CREATE TABLE refusals (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      at INTEGER NOT NULL,
      route TEXT NOT NULL,
      reason TEXT NOT NULL,
      because TEXT NOT NULL,
      client TEXT NOT NULL,
      request TEXT NOT NULL,
      left_out INTEGER NOT NULL
    ) STRICT;

    DELETE FROM board;
    INSERT INTO counters VALUES ('worker', 0);
    """
}
