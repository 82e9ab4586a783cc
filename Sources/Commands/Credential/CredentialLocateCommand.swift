import ArgumentParser
import Capabilities
import Foundation
import GitHistory
import GitObjects
import Incidents
import JSON
import Journal
import Response
import Secrets

/// `staunch credential locate`: exit 0 clean, 10 found, 69 nothing found and not everything searched.
struct CredentialLocateCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "locate",
    abstract: "Find a leaked value outside of Git: files, archives, images, Terraform states.",
    discussion: """
      Searches every file below the paths in all forms of docs/FORMS.md: notebooks, shell history, agents' transcripts and \
      settings, bytecode; inside of zip, wheel, tar, gzip, image layers (an OCI layout, what docker save wrote, a registry's \
      storage) and SQLite files; states and plans of Terraform by resource. Read only: what to do stands beside each place.
      The login of Terraform's HTTP backend is taken from TF_HTTP_USERNAME and TF_HTTP_PASSWORD.
      Exit 0: clean. Exit 10: found. Exit 69: nothing found, but something was not searched. Git's history is searched by
      staunch history scan.
      With one --incident the answer stands in the incident: status shows the copies, and close refuses while one is there.

      EXAMPLES
        staunch credential locate ~ /srv/app --incident inc-7f3a91c2
        staunch credential locate https://gitlab.example/api/v4/projects/7/terraform/state/prod --incident inc-7f3a91c2
        docker save app:1.4 -o app.tar && staunch credential locate app.tar --value-from file:leaked
      """)

  @Argument(help: "Files and directories; the https address of a state in Terraform's HTTP backend.")
  var path: [String] = ["."]
  @Option(name: .long, help: "The leaked values of this incident (repeatable).") var incident: [String] = []
  @Option(
    name: [.long, .customLong("secret")],
    help:
      "Where a leaked value is: env:NAME, file:PATH, fd:N, -, prompt (repeatable). Never the value itself.")
  var valueFrom: [String] = []
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    // Before the patterns: what is reported in between is then looked for, and not claimed.
    let refs = try assembly.leakedRefs(of: incident)
    let patterns = try await patterns(in: assembly)
    let report = try await CopySearch(patterns).run(
      in: path.filter { !Self.isAddress($0) }.map { assembly.absolute($0) },
      documents: try states(in: assembly),
      progress: ProgressLine(console: assembly.console))
    assembly.console.endTransient()
    let screen = LocateScreen(console: assembly.console)
    if global.json {
      assembly.console.data(screen.document(report, notSearched: formsNotSearched(patterns)).canonicalText)
    } else {
      screen.show(report, notSearched: formsNotSearched(patterns), incident: incident.first)
    }
    // With further values nobody could tell whose was found.
    if incident.count == 1, valueFrom.isEmpty, let named = incident.first {
      try CopyNotes(journal: try assembly.journal()).located(
        screen.noted(report), for: refs, of: IncidentID(named))
    }
    switch report.verdict {
    case .clean: return
    case .found: throw ExitCode(ExitStatus.secretFound.rawValue)
    case .unknown: throw ExitCode(ExitStatus.unavailable.rawValue)
    }
  }

  private static func isAddress(_ text: String) -> Bool {
    text.hasPrefix("https://") || text.hasPrefix("http://")
  }

  /// States behind HTTP. Terraform's own login goes to the one address that it is for.
  private func states(in assembly: Assembly) throws -> [TerraformHTTPState] {
    let addresses = path.filter { Self.isAddress($0) }
    guard !addresses.isEmpty else { return [] }
    guard !addresses.contains(where: { URLComponents(string: $0)?.user != nil }) else {
      throw CommandFailure(
        .usage, "an address takes no login", because: "arguments are visible to every user of the machine",
        fix: "set TF_HTTP_USERNAME and TF_HTTP_PASSWORD, as Terraform takes them")
    }
    let known = assembly.environment["TF_HTTP_ADDRESS"] ?? (addresses.count == 1 ? addresses[0] : nil)
    let login = assembly.environment["TF_HTTP_PASSWORD"].map { text in
      let password = Secret(text)
      assembly.redactor.register(password)
      return TerraformHTTPState.Login(
        user: assembly.environment["TF_HTTP_USERNAME"] ?? "", password: password)
    }
    let outside = assembly.adapterEnvironment()
    return addresses.map {
      TerraformHTTPState(
        address: $0, login: $0 == known ? login : nil, transport: outside.http, now: outside.now)
    }
  }

  private func patterns(in assembly: Assembly) async throws -> SecretPatterns {
    guard !incident.isEmpty || !valueFrom.isEmpty else {
      throw CommandFailure(
        .usage, "nothing to look for", because: "--incident ID or --value-from is missing",
        fix: "name the incident, or say where the value is: --value-from env:NAME, file:PATH, fd:N, -, prompt"
      )
    }
    var values = try incident.flatMap { try assembly.leakedValues(of: $0, otherwise: "--value-from -") }
    let sources = assembly.adapterEnvironment().sources
    for reference in valueFrom { values.append(try await sources.resolve(reference)) }
    for value in values { assembly.redactor.register(value) }
    do {
      return try SecretPatterns(secrets: values)
    } catch {
      throw CommandFailure(.invalidInput, "cannot look for the value", because: error.why, fix: error.fix)
    }
  }

  /// Archives are searched here, and what cannot be unpacked is named one by one.
  private func formsNotSearched(_ patterns: SecretPatterns) -> [String] {
    ["text within images, fonts and compiled programs that holds the value in no form of docs/FORMS.md"]
      + patterns.notSearched.filter { !$0.hasPrefix("compressed or encrypted contents") }
  }
}
