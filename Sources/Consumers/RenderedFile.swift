public import Capabilities
public import Secrets

/// A program whose secret something else writes into files: Vault Agent, the Secrets Store CSI driver, a mounted Kubernetes
/// Secret.
///
/// Whoever renders them asks on a schedule of its own (Vault Agent: `static_secret_render_interval`, 5 minutes; CSI:
/// `rotation-poll-interval`, 2 minutes). Nothing here waits for it: a playbook polls `consumer.health` with `replaced` (the built-in
/// ones for six minutes: one poll of either), and a file that still holds the old value is named until it does not. A file that is new says nothing about the program: `reload` is what
/// makes it read again, and should run once the files have moved. An environment made of such a file needs a restart, and a
/// mount with `subPath` is never rendered again.
///
/// The threat: whoever can write the agent's template or the mount decides what is rendered; a file that was made empty is
/// unhealthy, and not moved.
/// Sources: https://developer.hashicorp.com/vault/docs/agent-and-proxy/agent/template,
/// https://secrets-store-csi-driver.sigs.k8s.io/topics/secret-auto-rotation
public struct RenderedFile: Consumer {
  struct Settings: AdapterSettings {
    let files: [String]
    let reload: [String]
    let poll: Int

    init(from read: inout SettingsReader) throws(CapabilityError) {
      files = try read.texts("files", "the files that are rendered")
      reload = try read.texts(
        "reload",
        "program and arguments, as a list, which make the program read them again; there is no shell")
      poll =
        try read.integer("poll_seconds", "how often they are rendered: what a plan says; 300 when absent")
        ?? 300
      try read.check(!files.isEmpty, "files names no file", fix: "write files: [/vault/secrets/app.env]")
      try read.check(
        (1...86_400).contains(poll), "poll_seconds is no number from 1 to 86400", fix: "leave it out for 300")
    }
  }

  public static let kind = "rendered-file"
  public static let summary = "A program whose secret Vault Agent, a CSI driver or a mount writes into files."
  public static let profile: AdapterProfile? = AdapterProfile(
    .real,
    privilege: "to read the files; to run reload",
    survives: "the program's own memory and environment, until it reads again",
    can: [.holdings])
  public static let settings = Settings.declarations + HealthCheck.settings

  private let name: String
  private let settings: Settings
  private let check: HealthCheck?
  private let environment: AdapterEnvironment

  public init(_ target: TargetConfiguration, in environment: AdapterEnvironment) throws(CapabilityError) {
    name = target.name
    settings = try Settings(target)
    check = try HealthCheck(target)
    self.environment = environment
  }

  public func readiness() async -> [Readiness] {
    var found: [Readiness] = []
    for file in settings.files {
      do throws(CapabilityError) {
        _ = try await environment.files.read(file)
        found.append(Readiness(file, .ready("it can be read")))
      } catch { found.append(Readiness(file, error)) }
    }
    return found
  }

  public func plan() async throws(CapabilityError) -> PlannedEffect {
    let files = settings.files.joined(separator: ", ")
    let reload = settings.reload.joined(separator: " ")
    return PlannedEffect(
      will: settings.reload.isEmpty
        ? "leave \(files) to whoever renders them" : "make \(name) read \(files) again: \(reload)",
      target: name, reversible: true, affected: [name],
      cannotPredict: [
        "when \(files) hold the new value: they are rendered every \(settings.poll) s",
        settings.reload.isEmpty ? "when \(name) reads them again: no reload is configured" : nil,
      ].compactMap { $0 })
  }

  /// Repeating it reloads once more.
  public func rollOut(marker: String, under authority: borrowing ExecutionAuthority)
    async throws(CapabilityError)
  {
    guard let program = settings.reload.first else { return }
    let outcome = try await environment.processes.run(ProcessCall(settings.reload), under: authority)
    guard outcome.status == 0 else {
      let last = outcome.errors.split(separator: "\n").last.map { ": \($0.prefix(200))" } ?? ""
      throw CapabilityError(
        .serverError, "reload \(name)", because: "\(program) ended with status \(outcome.status)\(last)",
        fix: "run it by hand to see why: \(settings.reload.joined(separator: " ")), then: staunch resume")
    }
  }

  public func health() async throws(CapabilityError) -> ConsumerHealth {
    for file in settings.files {
      do throws(CapabilityError) {
        guard try await !environment.files.read(file).isEmpty else {
          return ConsumerHealth(.unhealthy, evidence: "\(file) is empty")
        }
      } catch {
        guard error.class == .notFound else { throw error }
        return ConsumerHealth(.unhealthy, evidence: "\(file): \(error.because)")
      }
    }
    guard let check else {
      return ConsumerHealth(
        .unknown, evidence: "the files are there; no health check is configured for \(name)")
    }
    return try await check.health(in: environment)
  }

  public func holdings(of secrets: [Secret]) async throws(CapabilityError) -> ConsumerHoldings {
    await HeldValues(secrets).holdings(files: settings.files, in: environment.files)
  }
}
