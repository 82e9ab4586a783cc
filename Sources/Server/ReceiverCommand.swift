import Cryptography
public import Foundation
import Inbox
import Incidents
import Logging
import ServiceLifecycle
import UnixSignals

/// The command line of `staunch-receiver`: reads the settings, opens the exchange file, serves.
public struct ReceiverCommand {
  static let usage = """
    usage: staunch-receiver --settings FILE [--exchange DIR] [--secrets-fd N] [--wake-fd N] [--user UID:GID] [--log-format F] [--check] [--try PATH]

      --settings FILE   receiver.json
      --exchange DIR    where exchange.sqlite and inbox.pub lie (the default: beside receiver.json)
      --secrets-fd N    an inherited descriptor: a JSON object of secrets, for references inherited:NAME
      --wake-fd N       an inherited descriptor: one byte for each commit that stored something new
      --log-format F    text (the default), or json: an object a line
      --user UID:GID    become this user first; only root can
      --check           read everything, serve nothing
      --try PATH        behind its walls, try to open PATH for reading, say what came of it, serve nothing

    Before it listens it confines itself (another user, Landlock, seccomp) and says which of them hold.

    SIGHUP reads certificate and key again. It stops on SIGTERM and SIGINT: accepts nothing more, finishes what is in flight, exits 0.
    Exit codes: 0 done, 64 usage, 74 the exchange file, 78 the settings.

    """

  private var settings = ""
  private var exchange: String?
  private var secretsDescriptor: Int32?
  private var wakeDescriptor: Int32?
  private var isCheck = false
  private var logFormat = LogFormat.text
  private var user: (id: uid_t, group: gid_t)?
  private var trials: [String] = []
  /// What holds already; nil in the first of the two starts (``Confinement``).
  private var confined: String?
  private var arguments: [String] = []
  private let environment: [String: String]
  private let now: @Sendable () -> Date

  /// - Parameters:
  ///   - environment: for references `env:` and `credential:`.
  ///   - now: the clock.
  public init(environment: [String: String], now: @escaping @Sendable () -> Date) {
    self.environment = environment
    self.now = now
  }

  /// Runs to the end. - Returns: the exit code.
  public mutating func run(_ arguments: [String]) async -> Int32 {
    if arguments.contains("--help") || arguments.contains("-h") {
      print(ReceiverCommand.usage, terminator: "")
      return 0
    }
    self.arguments = arguments
    guard read(arguments) else {
      say(ReceiverCommand.usage)
      return 64
    }
    signal(SIGPIPE, SIG_IGN)
    // Until it is listened to: a renewal that comes early must not end us.
    signal(SIGHUP, SIG_IGN)
    do {
      try await serve()
      return 0
    } catch let error as SettingsError {
      say("error: the receiver does not start\n  because: \(error)\n")
      return 78
    } catch let error as InboxError {
      say("error: the receiver does not start\n  because: \(error)\n")
      return 74
    } catch {
      say("error: the receiver stopped\n  because: \(plainReason(of: error))\n")
      return 69
    }
  }

  private mutating func read(_ arguments: [String]) -> Bool {
    var rest = arguments[...]
    while let word = rest.popFirst() {
      switch word {
      case "--check": isCheck = true
      case "--settings":
        guard let path = rest.popFirst() else { return false }
        settings = path
      case "--exchange":
        guard let path = rest.popFirst(), path.hasPrefix("/") else { return false }
        exchange = path
      case "--user":
        let parts = (rest.popFirst() ?? "").split(separator: ":").compactMap { UInt32($0) }
        guard parts.count == 2, parts[0] > 0, parts[1] > 0 else { return false }
        user = (parts[0], parts[1])
      case "--log-format":
        guard let format = rest.popFirst().flatMap(LogFormat.init) else { return false }
        logFormat = format
      case "--try":
        guard let path = rest.popFirst() else { return false }
        trials.append(path)
      case "--confined":
        guard let word = rest.popFirst() else { return false }
        confined = word
      case "--secrets-fd", "--wake-fd":
        guard let number = rest.popFirst().flatMap({ Int32($0) }), number > 2 else { return false }
        if word == "--wake-fd" { wakeDescriptor = number } else { secretsDescriptor = number }
      default: return false  // an unknown word: nothing is served
      }
    }
    return !settings.isEmpty
  }

  private func serve() async throws {
    // Asked before the walls stand: behind them openssl.cnf need not be readable.
    if confined == nil, let complaint = Libcrypto.complaint() {
      throw SettingsError("libcrypto", because: complaint.because, fix: complaint.fix)
    }
    guard let bytes = FileManager.default.contents(atPath: settings) else {
      throw SettingsError(settings, because: "it cannot be read", fix: "ls -l \(settings)")
    }
    // Without links: the walls are built along it.
    let directory =
      (exchange.map { URL(filePath: $0) } ?? URL(filePath: settings).deletingLastPathComponent())
      .resolvingSymlinksInPath().path
    let parsed = try ReceiverSettings(parsing: bytes)
    if !isCheck {
      guard let confined else { try confine(parsed, directory) }
      let walls = confined + ", " + Confinement.finish()
      say(
        Confinement.opensWorkersFiles(exchange: directory, hasLandlock: !confined.contains("no Landlock"))
          ? "warning: nothing separates the endpoint from the worker's files (\(walls)): run it as a user of its own "
            + "(docs/DEPLOYMENT.md)\n"
          : "confined: \(walls)\n")
    }
    for path in trials { tryOpening(path) }
    guard trials.isEmpty else { return }
    let secrets = try SecretSources(environment: environment, inheritedDocument: try inherited())
    guard let text = FileManager.default.contents(atPath: directory + "/inbox.pub") else {
      throw SettingsError(
        directory + "/inbox.pub", because: "the worker's public key is not there",
        fix: "start the worker once: staunch work")
    }
    let recipient = try InboxPublicKey(text: String(decoding: text, as: UTF8.self))
    let wake = wakeDescriptor
    let inbox = try Inbox.open(path: directory + "/exchange.sqlite", sealingTo: recipient) {
      // A full pipe has woken the worker already; a worker that is gone drains the file when it starts.
      if let wake { _ = write(wake, [1], 1) }
    }
    if let wake { _ = fcntl(wake, F_SETFL, O_NONBLOCK) }
    let (format, now) = (logFormat, now)
    let log = Logger(label: "staunch.receiver") { _ in LineLog(format: format, now: now) }
    let host = parsed.host
    let people = directory + "/people.json"
    let console = try Console(
      parsed, inbox: inbox, people: { try PeopleFile.read(people) }, log: log, now: now)
    let receiver = try Receiver(
      parsed, secrets: secrets, inbox: inbox, pages: console, log: log, now: now
    ) { port in
      // Whoever started it waits for this line.
      FileHandle.standardOutput.write(Data("ready \(host):\(port)\n".utf8))
    }
    guard !isCheck else {
      print("settings and secrets are complete: \(parsed.routes.count) routes")
      return
    }
    // What came by a descriptor cannot be read again: whoever handed it over starts another endpoint.
    let renewal: [any Service] = secretsDescriptor == nil ? [Renewal(receiver: receiver, log: log)] : []
    var configuration = ServiceGroupConfiguration(
      services: [receiver] + renewal, gracefulShutdownSignals: [.sigterm, .sigint], logger: log)
    configuration.maximumGracefulShutdownDuration = .seconds(20)
    try await ServiceGroup(configuration: configuration).run()
    try inbox.close()
  }

  /// The first start: builds the walls and begins again behind them.
  private func confine(_ settings: ReceiverSettings, _ directory: String) throws -> Never {
    var readable = [
      self.settings, settings.tls?.certificate, settings.tls?.clientCA, environment["CREDENTIALS_DIRECTORY"],
    ]
    readable += [environment["SSL_CERT_FILE"], environment["SSL_CERT_DIR"]]
    let references = settings.routes.flatMap(\.references) + [settings.tls?.key].compactMap { $0 }
    readable += references.map { reference in
      if case .file(let path) = reference { return path }
      return nil
    }
    // A renewed certificate is another file of the same name, and a wall that was built along the old one would keep it out.
    if secretsDescriptor == nil, Confinement.belongsToAnother(directory) {
      var key: String?
      if case .file(let path)? = settings.tls?.key { key = path }
      readable += [settings.tls?.certificate, settings.tls?.clientCA, key].compactMap { $0 }.flatMap { path in
        [URL(filePath: path), URL(filePath: path).resolvingSymlinksInPath()].map {
          $0.deletingLastPathComponent().path
        }
      }
    }
    try Confinement.enter(
      Confinement.Request(exchange: directory, readable: readable.compactMap { $0 }, user: user),
      arguments: arguments, environment: environment)
  }

  private func tryOpening(_ path: String) {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    print("\(path): \(file >= 0 ? "opened" : String(cString: strerror(errno)).lowercased())")
    if file >= 0 { close(file) }
  }

  private func inherited() throws -> [UInt8] {
    guard let secretsDescriptor else { return [] }
    let handle = FileHandle(fileDescriptor: secretsDescriptor, closeOnDealloc: true)
    do { return Array(try handle.readToEnd() ?? Data()) } catch {
      throw SettingsError("--secrets-fd", because: "descriptor \(secretsDescriptor) cannot be read")
    }
  }

  private func say(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
