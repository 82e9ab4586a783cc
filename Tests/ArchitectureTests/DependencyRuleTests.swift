import Foundation
import Testing

/// The house rules of docs/ARCHITECTURE.md that a compiler does not check.
@Suite struct DependencyRuleTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private static func sources(of room: String) throws -> [(path: String, text: String)] {
    let directory = root.appending(path: "Sources/\(room)")
    let names = try FileManager.default.subpathsOfDirectory(atPath: directory.path)
    return try names.filter { $0.hasSuffix(".swift") }.sorted().map {
      ("Sources/\(room)/\($0)", try String(contentsOf: directory.appending(path: $0), encoding: .utf8))
    }
  }

  private static func imports(_ text: String) -> Set<String> {
    Set(
      text.matches(
        of:
          /(?m)^(?:@preconcurrency )?(?:public |package |internal )?import (?:struct |class |func )?([A-Za-z0-9_]+)/
      ).map { String($0.1) })
  }

  /// Room → what it may import besides Foundation and the standard library's own modules.
  private static let allowed: [(room: String, imports: Set<String>)] = [
    ("JSON", []),
    ("Secrets", ["Cryptography", "JSON"]),
    ("Incidents", ["Cryptography", "JSON", "Secrets"]),
    ("Chronicle", ["Incidents", "JSON", "Secrets"]),
    ("ScannerReports", ["Cryptography", "Incidents", "JSON", "Secrets"]),
    ("Capabilities", ["Cryptography", "Incidents", "JSON", "Secrets"]),
    ("People", ["Capabilities", "Cryptography", "Incidents", "JSON", "Secrets"]),
    ("Playbooks", ["CYaml", "Capabilities", "Cryptography", "Incidents", "JSON", "Secrets", "Yams"]),
    (
      "PlaybookTools",
      ["Capabilities", "Chronicle", "Cryptography", "Incidents", "JSON", "Playbooks", "Secrets"]
    ),
    ("Actions", ["Capabilities", "Incidents", "JSON", "Secrets"]),
    ("RESTClient", ["Capabilities", "Cryptography", "Incidents", "JSON", "Playbooks", "Secrets"]),
    (
      "CredentialProviders",
      [
        "BuiltinContent", "Capabilities", "Cryptography", "Incidents", "JSON", "Playbooks", "RESTClient",
        "Secrets",
      ]
    ),
    ("Simulators", ["Capabilities", "Cryptography", "Incidents", "JSON", "Secrets"]),
    (
      "SecretStores", ["CYaml", "Capabilities", "Cryptography", "Incidents", "JSON", "RESTClient", "Secrets"]
    ),
    ("Consumers", ["Capabilities", "Incidents", "JSON", "RESTClient", "Secrets"]),
    ("TicketSystems", ["Capabilities", "Cryptography", "Incidents", "JSON", "RESTClient", "Secrets"]),
    ("Platforms", ["Capabilities", "Cryptography", "Incidents", "JSON", "RESTClient", "Secrets"]),
    ("PostMortems", ["Chronicle", "Cryptography", "Incidents", "JSON", "Mustache", "Secrets"]),
    ("ConsolePages", ["Incidents", "JSON", "Mustache", "Secrets"]),
    ("WebhookSignatures", ["Cryptography", "JSON", "Secrets"]),
  ]

  /// The rooms below the response: each owns its database, its C library or its processes, and nothing that decides.
  private static let inner: [(room: String, imports: Set<String>)] = [
    ("Cryptography", ["COpenSSL", "CSodium"]),
    ("BuiltinContent", []),
    ("NameResolution", ["Dispatch"]),
    ("Configuration", ["Capabilities", "Incidents", "JSON", "Playbooks"]),
    ("Journal", ["Capabilities", "Chronicle", "Cryptography", "GRDB", "Incidents", "JSON", "Secrets"]),
    (
      "Execution",
      [
        "Capabilities", "Chronicle", "Cryptography", "Dispatch", "Incidents", "JSON", "Journal", "Playbooks",
        "Secrets",
      ]
    ),
    (
      "GitObjects", ["CDeflate", "CFastHash", "CLibgit2", "CMarks", "CPcre2", "CZlib", "Dispatch", "Secrets"]
    ),
    (
      "GitHistory",
      [
        "CLibgit2", "Capabilities", "Cryptography", "Dispatch", "GitObjects", "JSON", "Secrets", "Subprocess",
        "SystemPackage",
      ]
    ),
    ("HTTP", ["CCurl", "Capabilities", "NameResolution", "Secrets"]),
    ("MariaDBClient", ["CMariaDB", "Capabilities", "Dispatch", "NameResolution", "Secrets"]),
    ("PostgresClient", ["CLibpq", "Capabilities", "Dispatch", "NameResolution", "Secrets"]),
    ("RedisClient", ["CLibssl", "Capabilities", "Dispatch", "JSON", "NameResolution", "Secrets"]),
    ("LocalSystem", ["CLinux", "Capabilities", "Dispatch", "Secrets", "Subprocess"]),
    (
      "Drills",
      [
        "Capabilities", "Chronicle", "Cryptography", "Incidents", "JSON", "Playbooks", "Secrets",
        "Simulators", "Subprocess",
      ]
    ),
  ]

  /// The response and its worker: they know no command line, no terminal and no way out of their own.
  private static let response: [(room: String, imports: Set<String>)] = [
    (
      "Response",
      [
        "Actions", "BuiltinContent", "Capabilities", "Chronicle", "CredentialProviders", "Cryptography",
        "Execution", "Incidents", "JSON", "Journal", "Platforms", "Playbooks", "PostMortems",
        "ScannerReports", "Secrets", "StaunchConfiguration",
      ]
    ),
    (
      "Worker",
      [
        "Actions", "Capabilities", "Chronicle", "Cryptography", "Dispatch", "Execution", "Inbox", "Incidents",
        "JSON", "Journal", "LocalSystem", "People", "Platforms", "Playbooks", "Response", "ScannerReports",
        "Secrets", "StaunchConfiguration",
      ]
    ),
  ]

  /// Rooms that touch the network or files, yet may not reach the journal, the engine or a provider.
  private static let endpoint: [(room: String, imports: Set<String>)] = [
    ("Inbox", ["Cryptography", "Dispatch", "GRDB", "Incidents", "JSON", "Secrets"]),
    (
      "Server",
      [
        "BuiltinContent", "CLinux", "Capabilities", "ConsolePages", "Cryptography", "Dispatch",
        "People",
        "HTTP", "HTTPTypes", "Hummingbird",
        "HummingbirdCore", "Inbox", "Incidents", "JSON", "Logging", "NIOCore", "NIOHTTP1", "NIOHTTPTypes",
        "NIOHTTPTypesHTTP1", "NIOPosix", "NIOSSL", "NIOTLS", "Secrets", "ServiceLifecycle",
        "UnixSignals", "WebhookSignatures",
      ]
    ), ("staunch-receiver", ["Server"]),
  ]
  private static let foundation: Set<String> = ["Foundation", "FoundationEssentials", "Synchronization"]

  @Test func `the table of rooms in the documentation names every room, and no other`() throws {
    let text = try String(contentsOf: Self.root.appending(path: "docs/ARCHITECTURE.md"), encoding: .utf8)
    let named = text.matches(of: /(?m)^\| (`[^|]+) \|/).flatMap { row in
      row.1.matches(of: /`([A-Za-z-]+)`/).map { String($0.1) }
    }
    let rooms = try FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: "Sources").path)
    // CCurl and the like hold no code of ours.
    #expect(named.sorted() == rooms.filter { $0.prefixMatch(of: /C[A-Z]/) == nil }.sorted())
  }

  @Test(arguments: allowed + inner + endpoint + response)
  func `a room imports only what the house allows`(room: String, imports: Set<String>) throws {
    for file in try Self.sources(of: room) {
      let strange = Self.imports(file.text).subtracting(imports).subtracting(Self.foundation)
      #expect(strange.isEmpty, "\(file.path) imports \(strange.sorted())")
    }
  }

  @Test(arguments: allowed.map(\.room))
  func `a pure room has no way out`(room: String) throws {
    // SecretBytes owns memory: its @unchecked has its invariant written beside it.
    for file in try Self.sources(of: room) where !file.path.hasSuffix("SecretBytes.swift") {
      for word in [
        "URLSession", "Process(", "Glibc", "@unchecked", "nonisolated(unsafe)", "FileManager", "FileHandle",
      ] {
        #expect(!file.text.contains(word), "\(file.path) uses \(word)")
      }
    }
  }

  @Test func `only the adapter that owns a C library imports it`() throws {
    let owners = [
      "CLibgit2": ["GitObjects", "GitHistory"], "CCurl": ["HTTP"], "CLibpq": ["PostgresClient"],
      "CMariaDB": ["MariaDBClient"], "CLibssl": ["RedisClient"],
      "CDeflate": ["GitObjects"], "CZlib": ["GitObjects"], "CFastHash": ["GitObjects"],
      "CMarks": ["GitObjects"],
      "CPcre2": ["GitObjects"], "COpenSSL": ["Cryptography"], "CSodium": ["Cryptography"],
      "CLinux": ["LocalSystem", "Server"],
      "CYaml": ["Playbooks", "SecretStores"],
    ]
    let rooms = try FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: "Sources").path)
    for room in rooms {
      for file in try Self.sources(of: room) {
        // CYaml is Yams'; the others lie beside the rooms.
        let libraries = Self.imports(file.text).filter {
          rooms.contains($0) && $0.wholeMatch(of: /C[A-Z]\w+/) != nil
        }
        #expect(
          libraries.isSubset(of: owners.keys), "\(file.path) imports a C library that belongs to nobody")
        for (library, rooms) in owners where Self.imports(file.text).contains(library) {
          #expect(rooms.contains(room), "\(file.path) imports \(library)")
        }
      }
    }
  }

  /// What tells a decision from a screen: whoever decides writes an event, reads a member of one, folds the journal, makes an
  /// approved plan or starts an engine. Commands asks Response for all of that, and shows the answer.
  @Test func `a command writes no event, reads no member of one, and starts nothing by itself`() throws {
    let words = [
      "NewEvent(", "ournal.append(", "ournal().append(", ".body[", "FollowedChronicle(", "ApprovedPlan(",
      "ApproverIdentity(", " Engine(", "EngineEnvironment(", ".takeLocks(", ".enqueue(",
    ]
    for file in try Self.sources(of: "Commands") {
      for word in words where file.text.contains(word) {
        Issue.record("\(file.path) has \(word): it belongs beside Response")
      }
    }
  }

  /// One road for effects: whoever borrows an authority has it from the engine, or delivers what steps left in the outbox.
  @Test func `only the engine and the outbox's rounds make an authority of an approved plan`() throws {
    let roads = ["Sources/Execution/Run/Engine.swift", "Sources/Response/Running/OutboxRound.swift"]
    let rooms = try FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: "Sources").path)
    for room in rooms {
      for file in try Self.sources(of: room) where file.text.contains(".authority()") {
        #expect(roads.contains(file.path), "\(file.path) has an effect beside the engine")
      }
    }
  }

  /// Sealed authority: a key counts because the state directory says so, and nobody else makes an approver of one.
  @Test func `only the trust store makes an approver of a key`() throws {
    let stores = [
      "Sources/Response/Running/TrustStore.swift", "Sources/Response/Running/TrustedPeople.swift",
    ]
    let rooms = try FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: "Sources").path)
    for room in rooms {
      for file in try Self.sources(of: room) where file.text.contains("ApproverIdentity(") {
        #expect(stores.contains(file.path), "\(file.path) trusts a key by itself")
      }
    }
  }

  /// A member's name stands in Chronicle, which reads events in types (and in the journal, which keeps them): a renamed one
  /// does not compile elsewhere.
  @Test func `only chronicle and journal read a member of an event by its name`() throws {
    let read = /\bbody\["[a-z_]+"\](?! =[^=])/
    let rooms = try FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: "Sources").path)
    for room in rooms where room != "Chronicle" && room != "Journal" {
      for file in try Self.sources(of: room) {
        #expect(file.text.firstMatch(of: read) == nil, "\(file.path) reads a member of an event by its name")
      }
    }
  }

  @Test func `only the command line parses arguments, and only the assembly builds adapters`() throws {
    let adapters = [
      "Consumers", "CredentialProviders", "HTTP", "MariaDBClient", "PostgresClient", "RedisClient",
      "SecretStores", "TicketSystems",
    ]
    for room in ["Response", "Worker"] {
      for file in try Self.sources(of: room) {
        let imports = Self.imports(file.text)
        #expect(!imports.contains("ArgumentParser"), "\(file.path) parses arguments")
        // The registry of providers says which kinds there are; nothing is made from it there.
        #expect(!file.text.contains("Registry.make("), "\(file.path) builds an adapter")
        #expect(
          imports.isDisjoint(with: Set(adapters).subtracting(["CredentialProviders"])),
          "\(file.path) knows an adapter")
      }
    }
  }

  @Test func `environment, home, clock and terminal are read in the assembly only`() throws {
    let words = [
      "ProcessInfo.processInfo.environment", "getenv(", "NSHomeDirectory", "Date()", "Date.now", "isatty(",
    ]
    let rooms = try FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: "Sources").path)
    // LocalSystem resolves `env:` references and prompts; that is what it is for.
    // The clock port's one real implementation, and the default of a clock that is always passed in.
    let clocks = ["Sources/Execution/Ports/EngineClock.swift", "Sources/Journal/JournalSettings.swift"]
    for room in rooms where room != "LocalSystem" {
      for file in try Self.sources(of: room)
      where !file.path.hasPrefix("Sources/Commands/Assembly")
        && !file.path.hasPrefix("Sources/staunch-receiver/") && !clocks.contains(file.path)
      {
        for word in words where file.text.contains(word) {
          Issue.record("\(file.path) uses \(word)")
        }
      }
    }
  }

  @Test func `no source file is above 400 lines`() throws {
    let rooms = try FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: "Sources").path)
    for room in rooms {
      for file in try Self.sources(of: room) {
        let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false).count
        #expect(lines <= 401, "\(file.path) has \(lines) lines")
      }
    }
  }

  /// An approval that names actions reaches those and no other, because nobody goes past the gateway that asks it.
  @Test func `actions are carried out and settled through their gateway alone`() throws {
    let rooms = try FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: "Sources").path)
    let call = /\b(?:action|effect|undo|found)\.(?:perform|settle)\(\s*call\b/
    for room in rooms {
      for file in try Self.sources(of: room) where file.path != "Sources/Capabilities/Action.swift" {
        #expect(file.text.firstMatch(of: call) == nil, "\(file.path) goes past carryOut and findOut")
      }
    }
  }
}
