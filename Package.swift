// swift-tools-version: 6.2
import PackageDescription

/// Settings shared by every room (see docs/ARCHITECTURE.md).
let common: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// A pure room may not touch unsafe memory without writing `unsafe` beside it.
let pure: [SwiftSetting] = common + [.strictMemorySafety()]

/// For rooms that work through every byte: optimised in debug builds too, for `make drill` and `make test`.
let optimised: [SwiftSetting] = [.unsafeFlags(["-O"], .when(configuration: .debug))]
let quickPure = pure + optimised
let quickCommon = common + optimised
let quickUnchecked =
  quickCommon + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")

let package = Package(
  name: "staunch",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "staunch", targets: ["staunch"]),
    .executable(name: "staunch-receiver", targets: ["staunch-receiver"]),
    // For Benchmarks/, which is a package of its own.
    .library(name: "GitHistory", targets: ["Capabilities", "GitHistory", "Incidents"]),
    .library(name: "GitObjects", targets: ["GitObjects"]),
    .library(name: "HTTP", targets: ["Capabilities", "HTTP", "Secrets"]),
    .library(
      name: "Execution",
      targets: [
        "Actions", "Capabilities", "Execution", "Incidents", "JSON", "Journal", "PlaybookTools", "Playbooks",
        "Secrets", "Simulators",
      ]),
    .library(name: "Secrets", targets: ["Secrets"]),
    .library(name: "Server", targets: ["Server", "Inbox"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    // Without its optional traits: its settings come from our own file.
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
  ],
  targets: [
    // C libraries: a module map and shims, no logic.
    .systemLibrary(name: "CLibgit2", pkgConfig: "libgit2", providers: [.apt(["libgit2-dev"])]),
    .systemLibrary(
      name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(name: "CMariaDB", pkgConfig: "libmariadb", providers: [.apt(["libmariadb-dev"])]),
    .systemLibrary(name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CLibssl", pkgConfig: "libssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CPcre2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),

    // Hashes, seals and signatures over OpenSSL's libcrypto and libsodium: it owns the C handles, so that the rooms below stay
    // pure.
    .target(name: "Cryptography", dependencies: ["COpenSSL", "CSodium"], swiftSettings: common),

    // Pure rooms.
    .target(name: "JSON", swiftSettings: quickPure),
    .target(name: "Secrets", dependencies: ["Cryptography", "JSON"], swiftSettings: quickPure),
    .target(
      name: "Incidents", dependencies: ["JSON", "Secrets", "Cryptography"],
      resources: [.embedInCode("Kinds/kinds.csv")], swiftSettings: pure),
    // Typed events, their one fold, and the views of an incident: status, timeline, metrics, evidence.
    .target(name: "Chronicle", dependencies: ["Incidents", "JSON", "Secrets"], swiftSettings: pure),
    .target(
      name: "ScannerReports", dependencies: ["Incidents", "JSON", "Secrets", "Cryptography"],
      swiftSettings: pure),
    .target(
      name: "WebhookSignatures",
      dependencies: [
        "JSON", "Secrets", "Cryptography",
      ],
      swiftSettings: pure),
    .target(
      name: "Capabilities", dependencies: ["Incidents", "JSON", "Secrets", "Cryptography"],
      swiftSettings: pure),
    .target(
      name: "People",
      dependencies: [
        "Capabilities", "Incidents", "JSON", "Secrets", "Cryptography",
      ],
      swiftSettings: pure),
    .target(
      name: "Playbooks", dependencies: ["Capabilities", "Incidents", "JSON", "Yams", "Cryptography"],
      swiftSettings: pure),
    // What the engine does not need: lint, rehearsal, rendering, CACAO.
    .target(
      name: "PlaybookTools",
      dependencies: ["Capabilities", "Chronicle", "Cryptography", "Incidents", "JSON", "Playbooks"],
      swiftSettings: pure),

    // Not named as its folder: Hummingbird brings a module `Configuration`, and names are unique in a package graph.
    .target(
      name: "StaunchConfiguration", dependencies: ["Capabilities", "Incidents", "JSON", "Playbooks"],
      path: "Sources/Configuration", swiftSettings: pure),

    // The engine and its memory.
    .target(
      name: "Journal",
      dependencies: [
        "Chronicle", "Incidents", "JSON", "Secrets", "Capabilities", "Cryptography",
        .product(name: "GRDB", package: "GRDB.swift"),
      ],
      swiftSettings: common),
    .target(
      name: "Execution",
      dependencies: [
        "Chronicle", "Capabilities", "Incidents", "JSON", "Journal", "Playbooks", "Secrets", "Cryptography",
      ],
      swiftSettings: common),

    // JSON APIs: login, pages, rate limits, what a status means.
    .target(
      name: "RESTClient",
      dependencies: ["Capabilities", "Cryptography", "Incidents", "JSON", "Playbooks", "Secrets"],
      swiftSettings: pure),

    // What a step can do: generic verbs over the ports, and one file per system behind them.
    .target(
      name: "Actions", dependencies: ["Capabilities", "Incidents", "JSON", "Secrets"],
      swiftSettings: pure),
    .target(
      name: "CredentialProviders",
      dependencies: [
        "BuiltinContent", "Capabilities", "Incidents", "JSON", "Playbooks", "RESTClient", "Secrets",
        "Cryptography",
      ],
      swiftSettings: pure),
    // What imitates a provider, with everything that can go wrong: for tests and drills.
    .target(
      name: "Simulators",
      dependencies: ["Capabilities", "Cryptography", "Incidents", "JSON", "Secrets"], swiftSettings: pure),
    .target(
      name: "SecretStores",
      dependencies: ["Capabilities", "Cryptography", "JSON", "RESTClient", "Secrets", "Yams"],
      swiftSettings: pure),
    .target(
      name: "Platforms", dependencies: ["Capabilities", "Cryptography", "JSON", "RESTClient", "Secrets"],
      swiftSettings: pure),
    .target(
      name: "Consumers", dependencies: ["Capabilities", "JSON", "RESTClient", "Secrets"], swiftSettings: pure),
    .target(
      name: "TicketSystems",
      dependencies: ["Capabilities", "Incidents", "JSON", "RESTClient", "Secrets", "Cryptography"],
      swiftSettings: pure),

    // Adapters: they own C handles, files and processes.
    .target(
      name: "GitObjects",
      dependencies: ["CLibgit2", "CDeflate", "CFastHash", "CMarks", "CPcre2", "CZlib", "Secrets"],
      // Every buffer here has one owner on one thread; the checks at run time took a fortieth of a rewrite.
      swiftSettings: quickUnchecked),
    .target(name: "CMarks", cSettings: [.unsafeFlags(["-O3"])]),
    .target(
      name: "CFastHash", cSettings: [.unsafeFlags(["-O3"])],
      linkerSettings: [.linkedLibrary("crypto")]),
    .target(
      name: "GitHistory",
      dependencies: [
        "CLibgit2", "Capabilities", "GitObjects", "JSON", "Secrets", subprocess, "Cryptography",
      ],
      swiftSettings: quickCommon),
    .target(name: "NameResolution", swiftSettings: common),
    .target(
      name: "HTTP", dependencies: ["CCurl", "Capabilities", "NameResolution", "Secrets"],
      swiftSettings: common),
    .target(
      name: "PostgresClient", dependencies: ["CLibpq", "Capabilities", "NameResolution", "Secrets"],
      swiftSettings: common),
    .target(
      name: "MariaDBClient", dependencies: ["CMariaDB", "Capabilities", "NameResolution", "Secrets"],
      swiftSettings: common),
    .target(
      name: "RedisClient",
      dependencies: ["CLibssl", "Capabilities", "JSON", "NameResolution", "Secrets"],
      swiftSettings: common),
    .target(
      name: "LocalSystem", dependencies: ["CLinux", "Capabilities", "Secrets", subprocess],
      swiftSettings: common),

    // What people read.
    .target(
      name: "BuiltinContent", exclude: ["playbooks/tests", "playbooks/providers/tests"],
      resources: [.embedInCode("playbooks"), .embedInCode("templates")],
      swiftSettings: common),
    .target(
      name: "PostMortems",
      dependencies: [
        "Chronicle", "Incidents", "JSON", "Secrets", "Cryptography",
        .product(name: "Mustache", package: "swift-mustache"),
      ],
      swiftSettings: pure),
    .target(
      name: "Drills",
      dependencies: [
        "Chronicle", "Capabilities", "Cryptography", "Incidents", "JSON", "Playbooks", "Secrets",
        "Simulators",
        subprocess,
      ],
      swiftSettings: common),
    // What is decided about an incident, and the worker that decides when nobody is there: no argument, no screen.
    .target(
      name: "Response",
      dependencies: [
        "Actions", "BuiltinContent", "Capabilities", "Chronicle", "CredentialProviders", "Cryptography",
        "Execution", "Incidents", "JSON", "Journal", "Platforms", "Playbooks", "PostMortems",
        "ScannerReports", "Secrets", "StaunchConfiguration",
      ], swiftSettings: common),
    .target(
      name: "Worker",
      dependencies: [
        "Actions", "Capabilities", "Chronicle", "Cryptography", "Execution", "Inbox", "Incidents", "JSON",
        "Journal", "LocalSystem", "People", "Platforms", "Playbooks", "Response", "ScannerReports", "Secrets",
        "StaunchConfiguration",
      ], swiftSettings: common),
    .target(
      name: "Commands",
      dependencies: [
        "Response", "Worker",
        "Actions", "BuiltinContent", "Capabilities", "Chronicle", "Consumers", "CredentialProviders",
        "Drills",
        "Execution", "GitHistory", "GitObjects", "HTTP", "Inbox", "Incidents", "JSON", "Journal",
        "LocalSystem", "MariaDBClient", "People", "Platforms", "PlaybookTools", "Playbooks", "PostMortems",
        "PostgresClient", "RedisClient",
        "ScannerReports",
        "SecretStores", "Secrets", "StaunchConfiguration", "TicketSystems", "Cryptography",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: common),
    .executableTarget(name: "staunch", dependencies: ["Commands"], swiftSettings: common),

    // The public endpoint and the file that it shares with the worker. Nothing here reaches the journal or a provider.
    .target(
      name: "Inbox",
      dependencies: [
        "Incidents", "JSON", "Secrets", "Cryptography", .product(name: "GRDB", package: "GRDB.swift"),
      ],
      swiftSettings: common),
    .target(
      name: "ConsolePages",
      dependencies: ["Incidents", "JSON", .product(name: "Mustache", package: "swift-mustache")],
      swiftSettings: pure),
    .target(
      name: "Server",
      dependencies: [
        "BuiltinContent", "CLinux", "Capabilities", "ConsolePages", "HTTP", "Inbox", "Incidents", "JSON",
        "People",
        "Secrets",
        "WebhookSignatures",
        "Cryptography",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "NIOTLS", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      swiftSettings: common),
    .executableTarget(name: "staunch-receiver", dependencies: ["Server"], swiftSettings: common),

    // Tests mirror the rooms.
    .target(
      name: "TestSupport",
      dependencies: [
        "Chronicle", "Capabilities", "Incidents", "JSON", "Playbooks", "RESTClient", "Secrets",
        "Simulators", "Cryptography",
        subprocess,
      ],
      path: "Tests/TestSupport", swiftSettings: common),
    // An installation and a worker without a command line.
    .target(
      name: "ResponseSupport",
      dependencies: [
        "Chronicle", "Actions", "BuiltinContent", "Capabilities", "Consumers", "CredentialProviders",
        "Execution",
        "GitHistory", "HTTP", "Inbox", "Incidents", "JSON", "Journal", "LocalSystem", "MariaDBClient",
        "Playbooks",
        "PostgresClient", "RedisClient", "Response", "SecretStores", "Secrets", "StaunchConfiguration",
        "TestSupport",
        "TicketSystems", "Worker",
      ],
      path: "Tests/ResponseSupport", swiftSettings: common),
    .testTarget(
      name: "CryptographyTests", dependencies: ["Cryptography", "JSON", "TestSupport"], swiftSettings: common),
    .testTarget(
      name: "JSONTests", dependencies: ["JSON"],
      swiftSettings: common),
    .testTarget(
      name: "SecretsTests", dependencies: ["JSON", "Secrets", "TestSupport"],
      swiftSettings: common),
    .testTarget(
      name: "IncidentsTests", dependencies: ["Incidents", "JSON", "Secrets", "TestSupport"],
      swiftSettings: common),
    .testTarget(
      name: "ChronicleTests", dependencies: ["Secrets", "Chronicle", "Incidents", "JSON", "TestSupport"],
      swiftSettings: common),
    .testTarget(
      name: "ScannerReportsTests",
      dependencies: [
        "ScannerReports", "Incidents", "JSON", "Secrets", "TestSupport", subprocess, "Cryptography",
      ],
      exclude: ["Fixtures"], swiftSettings: common),
    .testTarget(
      name: "WebhookSignaturesTests",
      dependencies: ["WebhookSignatures", "JSON", "Secrets", "TestSupport", "Cryptography"],
      exclude: ["Fixtures"], swiftSettings: common),
    .testTarget(
      name: "CapabilitiesTests",
      dependencies: ["Capabilities", "Incidents", "JSON", "Secrets", "TestSupport"],
      swiftSettings: common),
    .testTarget(
      name: "PeopleTests",
      dependencies: ["People", "Capabilities", "Incidents", "JSON", "Secrets"],
      swiftSettings: common),
    .testTarget(
      name: "PlaybooksTests",
      dependencies: [
        "BuiltinContent", "Capabilities", "Incidents", "JSON", "PlaybookTools", "Playbooks", "TestSupport",
      ],
      swiftSettings: common),
    .testTarget(
      name: "PlaybookToolsTests",
      dependencies: [
        "BuiltinContent", "Capabilities", "Chronicle", "Incidents", "JSON", "PlaybookTools", "Playbooks",
        "StaunchConfiguration", "TestSupport",
      ],
      exclude: ["Fixtures"], swiftSettings: common),
    .testTarget(
      name: "JournalTests",
      dependencies: [
        "Journal", "Capabilities", "Chronicle", "Incidents", "JSON", "Secrets", "TestSupport",
        .product(name: "GRDB", package: "GRDB.swift"),
      ],
      exclude: ["Fixtures"], swiftSettings: common),
    .testTarget(
      name: "ExecutionTests",
      dependencies: [
        "Chronicle", "Execution", "Actions", "Capabilities", "Incidents", "JSON", "Journal", "Playbooks",
        "Secrets",
        "Simulators", "TestSupport",
      ],
      swiftSettings: common),
    .testTarget(
      name: "ActionsTests",
      dependencies: ["Actions", "Capabilities", "Incidents", "JSON", "Secrets", "Simulators", "TestSupport"],
      swiftSettings: common),
    .testTarget(
      name: "RESTClientTests",
      dependencies: [
        "RESTClient", "Capabilities", "HTTP", "Incidents", "JSON", "Secrets", "TestSupport",
      ],
      swiftSettings: common),
    .testTarget(
      name: "SimulatorsTests",
      dependencies: ["Simulators", "Capabilities", "TestSupport"],
      swiftSettings: common),
    .testTarget(
      name: "CredentialProvidersTests",
      dependencies: [
        "BuiltinContent", "CredentialProviders", "Capabilities", "Consumers", "Cryptography", "HTTP",
        "Incidents",
        "JSON", "LocalSystem", "MariaDBClient", "Playbooks", "PlaybookTools", "PostgresClient", "RESTClient",
        "RedisClient", "Secrets",
        "Simulators", "TestSupport",
      ],
      swiftSettings: common),
    .testTarget(
      name: "SecretStoresTests",
      dependencies: [
        "SecretStores", "Capabilities", "HTTP", "JSON", "LocalSystem", "RESTClient", "Secrets", "TestSupport",
      ],
      exclude: ["Fixtures"], swiftSettings: common),
    .testTarget(
      name: "ConsumersTests",
      dependencies: [
        "Consumers", "Capabilities", "HTTP", "JSON", "LocalSystem", "RESTClient", "Secrets", "TestSupport",
      ],
      swiftSettings: common),
    .testTarget(
      name: "TicketSystemsTests",
      dependencies: [
        "TicketSystems", "Capabilities", "HTTP", "Incidents", "JSON", "LocalSystem", "Secrets", "TestSupport",
      ],
      swiftSettings: common),
    .testTarget(
      name: "GitObjectsTests", dependencies: ["GitObjects", "Secrets", "TestSupport"],
      exclude: ["Fixtures"], swiftSettings: common),
    .testTarget(
      name: "GitHistoryTests",
      dependencies: [
        "GitHistory", "GitObjects", "Capabilities", "HTTP", "Incidents", "JSON", "Platforms", "RESTClient",
        "Secrets", "TestSupport",
      ],
      exclude: ["Fixtures"], swiftSettings: common),
    .testTarget(
      name: "HTTPTests",
      dependencies: ["HTTP", "Capabilities", "NameResolution", "Secrets", "TestSupport"],
      swiftSettings: common),
    .testTarget(
      name: "PostgresClientTests",
      dependencies: ["PostgresClient", "Capabilities", "Secrets", "TestSupport"],
      swiftSettings: common),
    .testTarget(
      name: "MariaDBClientTests",
      dependencies: ["MariaDBClient", "Capabilities", "Secrets", "TestSupport"],
      swiftSettings: common),
    .testTarget(
      name: "RedisClientTests",
      dependencies: ["RedisClient", "Capabilities", "JSON", "Secrets", "TestSupport"],
      swiftSettings: common),
    .testTarget(
      name: "LocalSystemTests", dependencies: ["LocalSystem", "Capabilities", "Secrets", "TestSupport"],
      swiftSettings: common),
    .testTarget(
      name: "ConfigurationTests",
      dependencies: ["StaunchConfiguration", "Capabilities", "Incidents", "JSON"],
      swiftSettings: common),
    .testTarget(
      name: "BuiltinContentTests", dependencies: ["BuiltinContent"],
      swiftSettings: common),
    .testTarget(
      name: "PostMortemsTests",
      dependencies: ["Chronicle", "PostMortems", "Incidents", "JSON", "Secrets", "TestSupport"],
      exclude: ["Golden"], swiftSettings: common),
    .testTarget(
      name: "DrillsTests",
      dependencies: [
        "Drills", "BuiltinContent", "Capabilities", "Consumers", "CredentialProviders", "Cryptography",
        "HTTP",
        "Incidents", "JSON", "PostgresClient", "RESTClient", "Secrets", "SecretStores", "Simulators",
        "TestSupport",
      ],
      swiftSettings: common),
    .testTarget(
      name: "ResponseTests",
      dependencies: [
        "Chronicle", "Response", "Capabilities", "Execution", "Incidents", "JSON", "Journal",
        "ResponseSupport",
        "ScannerReports", "Secrets", "Simulators", "StaunchConfiguration", "TestSupport",
      ],
      swiftSettings: common),
    .testTarget(
      name: "WorkerTests",
      dependencies: [
        "Worker", "Actions", "Capabilities", "Chronicle", "Execution", "Inbox", "Incidents", "JSON",
        "Journal", "People", "Playbooks", "PostMortems", "Response", "ResponseSupport", "Secrets",
        "StaunchConfiguration",
        "TestSupport",
      ],
      swiftSettings: common),
    .testTarget(
      name: "CommandsTests",
      dependencies: [
        "Chronicle", "Commands", "Response", "Worker", "Capabilities", "StaunchConfiguration", "Execution",
        "Inbox", "Incidents",
        "JSON",
        "Journal", "People", "Playbooks", "ResponseSupport", "Secrets",
        "TestSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: common),
    .testTarget(
      name: "InboxTests",
      dependencies: [
        "Inbox", "Incidents", "JSON", "Secrets", "TestSupport",
        .product(name: "GRDB", package: "GRDB.swift"),
      ],
      exclude: ["Fixtures"], swiftSettings: common),
    .testTarget(
      name: "ConsolePagesTests",
      dependencies: ["ConsolePages", "BuiltinContent", "JSON", "TestSupport"],
      swiftSettings: common),
    .testTarget(
      name: "ServerTests",
      dependencies: [
        "ConsolePages",
        "Server", "Capabilities", "Inbox", "Incidents", "JSON", "People", "Secrets", "TestSupport",
        "Cryptography", subprocess,
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOEmbedded", package: "swift-nio"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      swiftSettings: common),
    .testTarget(
      name: "EndToEndTests",
      dependencies: [
        "Capabilities", "Drills", "Inbox", "Incidents", "JSON", "LocalSystem", "PostgresClient", "Secrets",
        "TestSupport", "Cryptography",
      ],
      swiftSettings: common),
    .testTarget(
      name: "ArchitectureTests",
      swiftSettings: common),
  ],
  swiftLanguageModes: [.v6]
)
