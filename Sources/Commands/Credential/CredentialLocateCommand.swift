import ArgumentParser
import Capabilities
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
    abstract: "Find a leaked value outside of Git: files, archives, images, buckets, Terraform states.",
    discussion: """
      Searches every file below the paths in all forms of docs/FORMS.md: notebooks, shell history, agents' transcripts and \
      settings, bytecode; inside of zip, wheel, tar, gzip, image layers (an OCI layout, what docker save wrote, a registry's \
      storage) and SQLite files; states and plans of Terraform by resource; images at a registry by layer (docker://…), every \
      version of a bucket's objects (s3://…). Read only: what to do stands beside each place.
      Logins come from the environment: TF_HTTP_USERNAME and TF_HTTP_PASSWORD; REGISTRY_USERNAME and REGISTRY_PASSWORD; \
      AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_REGION (docs/LOCATE.md).
      Exit 0: clean. Exit 10: found. Exit 69: nothing found, but something was not searched. Git's history is searched by
      staunch history scan.
      With one --incident the answer stands in the incident: status shows the copies, and close refuses while one is there.

      EXAMPLES
        staunch credential locate ~ /srv/app --incident inc-7f3a91c2
        staunch credential locate https://gitlab.example/api/v4/projects/7/terraform/state/prod --incident inc-7f3a91c2
        staunch credential locate s3://acme-terraform/prod/ docker://registry.acme.example/app --incident inc-7f3a91c2
        docker save app:1.4 -o app.tar && staunch credential locate app.tar --value-from file:leaked
      """)

  @Argument(
    help:
      "Files and directories; https:// of a state in Terraform's HTTP backend, s3://BUCKET/PREFIX, docker://HOST/REPOSITORY[:TAG]."
  )
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
    let elsewhere = try LocateElsewhere(path, in: assembly)
    let report = try await CopySearch(patterns).run(
      in: path.filter { !LocateElsewhere.isAddress($0) }.map { assembly.absolute($0) },
      documents: elsewhere.documents, sources: elsewhere.sources,
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
