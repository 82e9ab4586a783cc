import Capabilities
import Foundation
import JSON
import LocalSystem
import Secrets
import TestSupport
import Testing

@testable import SecretStores

/// Values in files of four formats. The oracles are Python's own readers: everything else in a file must read the same.
@Suite struct DocumentFileTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func store(_ name: String, _ text: String?, files: any FileSystem = LocalFileSystem()) throws
    -> DocumentFileStore
  {
    let path = directory.path(name)
    if let text { try text.write(toFile: path, atomically: false, encoding: .utf8) }
    return try DocumentFileStore(
      TargetConfiguration(
        name: "s", kind: DocumentFileStore.kind, settings: ["path": .string(path)],
        position: "staunch.yaml:1:1"), in: .forTests(files: files))
  }

  private func text(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(filePath: directory.path(name))), as: UTF8.self)
  }

  private func put(
    _ store: DocumentFileStore, _ key: String, _ value: String, replacing old: [String] = [],
    sparing others: Set<String> = []
  ) async throws {
    _ = try await store.put(
      key, Secret(value), replacing: old.map { Secret($0) }, sparing: others, marker: "run-1",
      under: .forTests())
  }

  // MARK: only the value's bytes

  static let exchanges: [(file: String, before: String, key: String, new: String, after: String)] = [
    (
      "a.json", "{\n\t\"a\" : {\"b\":\"old\" , \"c\":[1,\"x\"]}\n}", "a.b", "n\"w",
      "{\n\t\"a\" : {\"b\":\"n\\\"w\" , \"c\":[1,\"x\"]}\n}"
    ),
    ("b.json", "[{\"k\":\"a\"},{\"k\":\"old\"}]\r\n", "1.k", "new", "[{\"k\":\"a\"},{\"k\":\"new\"}]\r\n"),
    (
      "c.jsonc", "{ // why\n \"k\": \"old\", /* x */\n}\n", "k", "new",
      "{ // why\n \"k\": \"new\", /* x */\n}\n"
    ),
    (
      "a.yaml", "# top\na:\n  - b: old   # why\n    c: 'x'\n", "a.0.b", "new",
      "# top\na:\n  - b: new   # why\n    c: 'x'\n"
    ),
    ("b.yaml", "a: 'old' # c\r\nb: 1\r\n", "a", "it's", "a: 'it''s' # c\r\nb: 1\r\n"),
    ("c.yaml", "é: \"ö\"\nb: \"old\"\n", "b", "a\"b", "é: \"ö\"\nb: \"a\\\"b\"\n"),
    ("d.yaml", "a: {b: old, c: 2}\n", "a.b", "0123", "a: {b: '0123', c: 2}\n"),
    (
      "e.yaml", "k: |\n    A\n    old\n\n# end\nz: 1\n", "k", "B\nnew",
      "k: |\n    B\n    new\n\n# end\nz: 1\n"
    ),
    ("f.yaml", "x: &a 1\ny: *a\nk: old\n", "k", "true", "x: &a 1\ny: *a\nk: 'true'\n"),
    ("g.yaml", "k: old\n", "k", "a: b #c", "k: 'a: b #c'\n"),
    (
      "a.toml", "# t\n[a]\nb = 'old' # c\n[[l]]\nk = 1\n[[l]]\nk = \"2\"\n", "a.b", "new",
      "# t\n[a]\nb = 'new' # c\n[[l]]\nk = 1\n[[l]]\nk = \"2\"\n"
    ),
    ("b.toml", "[[l]]\nk='1'\n[[l]]\nk='old'\n", "l.1.k", "it's", "[[l]]\nk='1'\n[[l]]\nk=\"it's\"\n"),
    (
      "c.toml", "a.b = {c = \"old\", d = [1, 2]}\r\n", "a.b.c", "n\\w",
      "a.b = {c = \"n\\\\w\", d = [1, 2]}\r\n"
    ),
    (
      "d.toml", "k = '''\nA\nold'''\nz = 1979-05-27 07:32:00\n", "k", "B\nnew",
      "k = '''\nB\nnew'''\nz = 1979-05-27 07:32:00\n"
    ),
    (
      "a.ini", "; c\n[a b]\nuser: x\npassword = old\n# e\n[z]\nq=1\n", "\"a b\".password", "n=w",
      "; c\n[a b]\nuser: x\npassword = n=w\n# e\n[z]\nq=1\n"
    ),
    (
      "b.cnf", "[client]\r\nskip-x\r\npassword=old\r\n", "client.password", "new",
      "[client]\r\nskip-x\r\npassword=new\r\n"
    ),
  ]

  @Test(arguments: exchanges.indices)
  func `only the bytes of the value change`(index: Int) async throws {
    let one = Self.exchanges[index]
    let store = try store(one.file, one.before)
    let was = try await store.read(one.key).exposeAsText()
    #expect(was.contains("old"))
    #expect(try await store.currentVersion(one.key) == "unmanaged")
    try await put(store, one.key, one.new)
    #expect(try text(one.file) == one.after)
    #expect(try await store.read(one.key).exposeAsText() == one.new)
    #expect(try await store.currentVersion(one.key) == "run-1")
  }

  // MARK: the oracles

  private static let values = [
    "plain", "with space", "quo'te", "dou\"ble", "$HOME", "b\\s", "#x", "a #b", "a: b", "new\nline", "é",
    "- x",
    "'''", "\"\"\"", "it's \"\"\" '''", "{x}", "[x]", "&a", "*a", "!t", "true", "null", "no", "0123", "1e5",
    "0x1F",
    "2024-01-02", "12:30", "~", "=", "<<", " lead", "trail ", "tab\there", "\u{7F}", "\u{85}", "\u{2028}",
    "%s", "@x", "`x`",
    "a\n\nb", "a\n b\n", "e\u{301}", "😀", ".5", "+1", "-", "?", "|", ">", "key=",
    "-----BEGIN A-----\nx+/=\n-----END A-----\n",
  ]

  private static let documents: [(file: String, text: String, key: String)] = [
    ("o.json", "{\"a\": {\"é\": [1, 2.5, \"😀\\u00e9\"], \"k\": \"old\"}, \"z\": null}", "a.k"),
    ("bare.yaml", "a:\n  é: [1, 2.5, '😀']\n  k: old\n  m: |\n    text\n  f: >-\n    a\n    b\nz: ~\n", "a.k"),
    ("single.yaml", "a: {k: 'old', z: 1}\n", "a.k"), ("double.yaml", "- k: \"old\"\n  z: 1\n- 2\n", "0.k"),
    ("block.yaml", "a:\n  k: |-\n    old\n    text\n  z: 1\n", "a.k"),
    ("folded.yaml", "a:\n  k: >-\n    old\n    text\n  z: 1\n", "a.k"),
    (
      "double.toml",
      "z = 1\n[a]\nk = \"old\"\nd = 1979-05-27\nt = \"\"\"\nx \\\n  y\"\"\"\n[[l]]\nx = [1,\n 2]\n", "a.k"
    ),
    ("single.toml", "a = {k = 'old', z = 1}\n", "a.k"),
    ("lines.toml", "k = '''old'''\nz = \"\"\"a\"\"\"\"\n", "k"),
    ("blocks.toml", "k = \"\"\"\nold\"\"\"\nz = 0x1F\n", "k"),
    ("o.ini", "[DEFAULT]\nq = 1\n[a]\nk = old\nlist = a\n  b\n  c\nz = 1\n", "a.k"),
  ]

  /// Prints everything as JSON, with the value at the path taken out and printed first.
  private static let oracle = """
    import configparser, datetime, json, sys, tomllib
    path, steps = sys.argv[1], sys.argv[2:]
    def every(data): return json.dumps(data, sort_keys=True, default=str)
    if path.endswith('.json'): data = json.load(open(path, encoding='utf-8', newline=''))
    elif path.endswith('.toml'): data = tomllib.load(open(path, 'rb'))
    elif path.endswith('.yaml'):
      import yaml
      data = yaml.safe_load(open(path, encoding='utf-8', newline=''))
    else:
      reader = configparser.ConfigParser(); reader.optionxform = str
      reader.read(path, encoding='utf-8'); data = {s: dict(reader.items(s)) for s in reader}
    place = data
    for step in steps[:-1]: place = place[int(step) if isinstance(place, list) else step]
    value = place.pop(steps[-1])
    print(json.dumps({'value': value, 'rest': every(data)}))
    """

  private func asked(_ name: String, _ key: String) async throws -> JSONValue {
    let steps = key.split(separator: ".").map(String.init)
    return try JSONValue(
      parsing: Array(
        try await Program.run(
          ["env", "/usr/bin/python3", "-c", Self.oracle, directory.path(name)] + steps, in: directory.path
        ).utf8))
  }

  @Test(arguments: documents.indices)
  func `whatever the value, its reader takes it, and everything else as before`(index: Int) async throws {
    let one = Self.documents[index]
    let rest = try await { () async throws -> JSONValue? in
      _ = try store(one.file, one.text)
      return try await asked(one.file, one.key)["rest"]
    }()
    for value in Self.values {
      let store = try store(one.file, one.text)
      do throws(any Error) { try await put(store, one.key, value) } catch let error as CapabilityError {
        // Only INI has values that its readers differ about.
        #expect(one.file.hasSuffix(".ini") && error.class == .invalid, "\(value) in \(one.file): \(error)")
        #expect(try text(one.file) == one.text)
        continue
      }
      #expect(try await store.read(one.key).exposeAsText() == value)
      let answer = try await asked(one.file, one.key)
      // The line ends behind a block are said by its header.
      let told = answer["value"]?.string
      #expect(told == value, "\(value.debugDescription) in \(one.file)")
      #expect(answer["rest"] == rest, "\(value.debugDescription) in \(one.file)")
    }
  }

  // MARK: what is refused

  static let refused: [(file: String, text: String, key: String, because: String)] = [
    ("a.json", "{\"k\": \"a\", \"k\": \"b\"}", "k", "line 1: a name stands twice"),
    ("b.json", "{\"k\": 12}", "k", "it is a number"),
    ("c.json", "{\n// x\n\"k\": \"a\"}", "k", "line 2: a comment"),
    ("d.json", "{\"k\": {\"a\": \"1\"}}", "k", "k is a list or a mapping"),
    ("e.json", "{\"a\": \"x\"}", "b.k", "no mapping that k can be added to"),
    ("f.json", String(repeating: "[", count: 100_000), "k", "nested too deeply"),
    ("a.yaml", "a: &x old\nk: *x\n", "k", "an alias"), ("b.yaml", "k: &x old\na: *x\n", "k", "has an anchor"),
    ("c.yaml", "b: &x {k: old}\na: *x\n", "b.k", "under an anchor"),
    ("d.yaml", "k: a\nk: b\n", "k", "line 2: a name stands twice"),
    ("e.yaml", "k: a\n---\nk: b\n", "k", "line 2: a second document"),
    ("f.yaml", "k: 0123\n", "k", "no text for its readers"),
    ("g.yaml", "k: !vault x\n", "k", "it has a tag"), ("h.yaml", "k: [\n", "k", "it is no YAML"),
    ("i.yaml", "k: yes\n", "k", "no text"),
    ("j.yaml", String(repeating: "[", count: 500), "k", "nested too deeply"),
    ("a.toml", "k = 'a'\nk = 'b'\n", "k", "line 2: a name stands twice"),
    ("b.toml", "k = 1\n", "k", "a number"),
    ("c.toml", "[a]\n[a]\n", "k", "a table stands twice"),
    ("d.toml", "k = 'a\n", "k", "line 1: a text is not closed"),
    ("a.ini", "[a]\nk = 1\nk = 2\n", "a.k", "it stands there 2 times"),
    ("b.ini", "[a]\nk = \"1\"\n", "a.k", "in quotes"),
    ("c.ini", "[a]\nk = x ; y\n", "a.k", "a comment for some readers"),
    ("d.ini", "[a]\nk = x\n  y\n", "a.k", "over several lines"),
    ("e.ini", "[a]\nKey = x\n", "a.key", "it stands there as a.Key"),
  ]

  @Test(arguments: refused.indices)
  func `what nobody can exchange exactly is refused, and the file stays`(index: Int) async throws {
    let one = Self.refused[index]
    let store = try store(one.file, one.text)
    let error = await #expect(throws: CapabilityError.self) { try await put(store, one.key, "new") }
    #expect(error?.because.contains(one.because) == true, "\(String(describing: error))")
    #expect(error?.fix != nil)
    #expect(try text(one.file) == one.text)
  }

  @Test func `several entries change in one replacement, or none`() async throws {
    let store = try store("a.yaml", "aws:\n  id: old-id\n  secret: old-secret\n  limit: 5\n")
    let inode =
      try FileManager.default.attributesOfItem(atPath: directory.path("a.yaml"))[.systemFileNumber] as? Int
    let error = await #expect(throws: CapabilityError.self) {
      try await store.put(
        [
          StoreEntry("aws.id", Secret("new-id"), replacing: []),
          StoreEntry("aws.limit", Secret("x"), replacing: []),
        ], sparing: [], marker: "m", under: .forTests())
    }
    #expect(error?.class == .unsupported)
    #expect(
      try FileManager.default.attributesOfItem(atPath: directory.path("a.yaml"))[.systemFileNumber] as? Int
        == inode)
    _ = try await store.put(
      [
        StoreEntry("aws.id", Secret("new-id"), replacing: []),
        StoreEntry("aws.secret", Secret("new-secret"), replacing: []),
      ], sparing: [], marker: "m", under: .forTests())
    #expect(try text("a.yaml") == "aws:\n  id: new-id\n  secret: new-secret\n  limit: 5\n")
  }

  @Test(arguments: [
    ("a.json", "{\n  \"a\": {\"b\": 1}\n}\n", "a.k", "{\n  \"a\": {\"b\": 1,\"k\": \"new\"}\n}\n"),
    ("b.json", "{\n  \"a\": 1\n}\n", "k", "{\n  \"a\": 1,\n  \"k\": \"new\"\n}\n"),
    ("c.json", "", "k", "{\"k\": \"new\"}\n"),
    ("a.yaml", "a:\n  b: 1 # one\n\n# end\n", "a.k", "a:\n  b: 1 # one\n  k: new\n\n# end\n"),
    ("b.yaml", "a:\n  - 1\n  - [2,\n     3]\n", "k", "a:\n  - 1\n  - [2,\n     3]\nk: new\n"),
    ("a.toml", "# t\n[a]\nb = 1 # one\n\n[c]\n", "a.k", "# t\n[a]\nb = 1 # one\nk = \"new\"\n\n[c]\n"),
    ("b.toml", "[a]\nb = 1", "k", "k = \"new\"\n[a]\nb = 1"),
    ("a.ini", "[a]\r\nb = 1\r\n\r\n[c]\r\n", "a.k", "[a]\r\nb = 1\r\nk = new\r\n\r\n[c]\r\n"),
  ])
  func `an entry is added at its mapping's end, written as its neighbours are`(
    file: String, before: String, key: String, after: String
  ) async throws {
    try await put(store(file, before), key, "new")
    #expect(try text(file) == after)
  }

  // MARK: copies

  @Test func `what holds the old value follows, comments lose it, and what cannot follow is named`()
    async throws
  {
    let old = "leaked-value-0123456"
    let store = try store(
      "a.yaml",
      "k: \(old) # was \(old)\nurl: postgres://u:\(old)@h/d\nlist: [\(old)]\n\(old): 1\nx: &a \(old)\n")
    #expect(
      try await store.copies(of: [Secret(old)], besides: "k") == [
        SecretCopy(key: "url", canFollow: true), SecretCopy(key: "list.0", canFollow: true),
        SecretCopy(key: "x", canFollow: false), SecretCopy(key: "a name under the top", canFollow: false),
        SecretCopy(key: "the comments", canFollow: true, kind: .remark),
      ])
    try await put(store, "k", "new-value", replacing: [old], sparing: ["list.0"])
    let after = try text("a.yaml")
    #expect(
      after
        == "k: new-value # was REMOVED\nurl: 'postgres://u:new-value@h/d'\nlist: [\(old)]\n\(old): 1\nx: &a \(old)\n"
    )
    #expect(try await store.currentVersion("url") == "run-1")
  }

  @Test func `an entry is added beside a comment that loses the old value`() async throws {
    let store = try store("a.jsonc", "{\"a\": 1 /* leaked-value-0123456 */}\n")
    try await put(store, "k", "new", replacing: ["leaked-value-0123456"])
    #expect(try text("a.jsonc") == "{\"a\": 1,\"k\": \"new\" /* REMOVED */}\n")
  }

  @Test func `entries of an inner and an outer mapping that end together are both added`() async throws {
    let store = try store("a.yaml", "a:\n  b: 1\n")
    _ = try await store.put(
      [StoreEntry("k", Secret("outer"), replacing: []), StoreEntry("a.k", Secret("inner"), replacing: [])],
      sparing: [], marker: "m", under: .forTests())
    #expect(try text("a.yaml") == "a:\n  b: 1\n  k: inner\nk: outer\n")
  }

  // MARK: the file

  @Test func `mode and link stay, and what a link points to is replaced`() async throws {
    let store = try store("link.json", nil)
    let real = directory.path("real.json")
    try "{\"k\": \"old\"}".write(toFile: real, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: real)
    try FileManager.default.createSymbolicLink(atPath: directory.path("link.json"), withDestinationPath: real)
    try await put(store, "k", "new")
    #expect(try text("real.json") == "{\"k\": \"new\"}")
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: directory.path("link.json")) == real)
    #expect(try FileManager.default.attributesOfItem(atPath: real)[.posixPermissions] as? Int == 0o640)
    let left = try FileManager.default.contentsOfDirectory(atPath: directory.path)
    #expect(left.sorted() == [".link.json.rotated-by", "link.json", "real.json"])
  }

  @Test func `a pipe is not waited for`() async throws {
    let store = try store("pipe.json", nil)
    #expect(mkfifo(directory.path("pipe.json"), 0o600) == 0)
    let error = await #expect(throws: CapabilityError.self) { try await put(store, "k", "new") }
    #expect(error?.because == "it is a pipe")
  }

  @Test func `a file that is larger than any secret's file is not read`() async throws {
    let store = try store(
      "a.json", "{\"k\": \"old\"}" + String(repeating: " ", count: 2000),
      files: LocalFileSystem(largest: 1000))
    let error = await #expect(throws: CapabilityError.self) { try await put(store, "k", "new") }
    #expect(error?.because == "it is larger than 1000 bytes")
  }

  @Test(arguments: ["{\"k\": \"theirs\"}", nil])
  func `what somebody writes meanwhile is not overwritten`(theirs: String?) async throws {
    let path = directory.path("a.json")
    let store = try store("a.json", "{\"k\": \"old\"}", files: InterferingFiles(path: path, theirs: theirs))
    let error = await #expect(throws: CapabilityError.self) { try await put(store, "k", "new") }
    #expect(error?.class == (theirs == nil ? .notFound : .conflict))
    #expect(try theirs == (FileManager.default.fileExists(atPath: path) ? text("a.json") : nil))
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: directory.path).allSatisfy { !$0.hasSuffix(".tmp") }
    )
  }

  @Test(arguments: ["", "a..b", ".a", "a.", "\"a\".b", "\"a", "a/b", "\"a\\x\".b"])
  func `a key that is no path, or has another spelling, is refused`(key: String) async throws {
    let error = await #expect(throws: CapabilityError.self) {
      try await put(store("a.json", "{}"), key, "new")
    }
    #expect(error?.class == .configuration)
  }

  @Test func `doctor says how the file is read, and what stands against it`() async throws {
    let good = try await store("a.json", "{\"k\": \"v\"}").readiness()
    #expect(
      good.map(\.verdict) == [.ready("the file may be written"), .ready("it is read as JSON: 1 values")])
    let bad = try await store("a.json", "{\"k\"").readiness()
    guard case .missing(let because, _)? = bad.last?.verdict else {
      Issue.record("\(bad)")
      return
    }
    #expect(because.contains("line 1"))
  }
}

/// Somebody who writes between our reading and our writing.
private struct InterferingFiles: FileSystem {
  private let real = LocalFileSystem()
  let path: String
  let theirs: String?

  init(path: String, theirs: String?) {
    self.path = path
    self.theirs = theirs
  }

  func read(_ path: String) async throws(CapabilityError) -> Secret { try await real.read(path) }
  func replace(_ path: String, with contents: Secret, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  { try await real.replace(path, with: contents, under: authority) }
  func replace(
    _ path: String, with contents: Secret, expecting expected: Secret?,
    under authority: borrowing ExecutionAuthority
  ) async throws(CapabilityError) {
    do {
      if let theirs {
        try theirs.write(toFile: self.path, atomically: true, encoding: .utf8)
      } else {
        try FileManager.default.removeItem(atPath: self.path)
      }
    } catch { throw CapabilityError(.serverError, "test", because: "the interference failed: \(error)") }
    try await real.replace(path, with: contents, expecting: expected, under: authority)
  }
  func makeDirectory(_ path: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  { try await real.makeDirectory(path, under: authority) }
  func exists(_ path: String) async -> Bool { await real.exists(path) }
  func files(in directory: String) async throws(CapabilityError) -> [String] {
    try await real.files(in: directory)
  }
  func obstacle(toReplacing path: String) async -> String? { await real.obstacle(toReplacing: path) }
}
