import ArgumentParser
import Capabilities
import Chronicle
import Foundation
import GitHistory
import GitObjects
import Incidents
import JSON
import Journal
import LocalSystem
import Secrets
import StaunchConfiguration

/// `staunch history`: find, remove, publish and take back, without a playbook.
struct HistoryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history", abstract: "Find and remove secrets in a repository's history.",
    subcommands: [
      HistoryScanCommand.self, HistoryRewriteCommand.self, HistoryVerifyCommand.self, HistoryPushCommand.self,
      HistoryRestoreCommand.self, HistoryShredCommand.self, HistoryCheckCloneCommand.self,
      HistoryGuardCommand.self,
      HistorySupportRequestCommand.self,
    ])
}

/// Which repository, and what to look for.
struct HistoryTarget: ParsableArguments {
  @Option(name: .long, help: "The repository: its work tree or its .git directory.")
  var repository = "."

  @Option(
    name: [.long, .customLong("replace-text")],
    help:
      "A file of git-filter-repo's expressions, one a line, or a scanner's report; - for standard input. Never the secret itself."
  )
  var secrets: String?

  @Option(name: .long, help: "The leaked values of this incident (repeatable).")
  var incident: [String] = []

  /// The patterns of the file and of the incidents; every literal is registered with the redactor.
  func patterns(in assembly: Assembly) throws -> SecretPatterns {
    guard secrets != nil || !incident.isEmpty else {
      throw CommandFailure(
        .usage, "nothing to look for", because: "--secrets FILE or --incident ID is missing",
        fix: "put one expression a line into a file of mode 0600, or pipe it in: --secrets -")
    }
    let known = try incident.flatMap {
      try assembly.leakedValues(of: $0, otherwise: "--secrets -").map {
        SecretPatterns.Expression(.secret($0))
      }
    }
    do {
      let given = try secrets.map { try ExpressionInput(assembly: assembly).expressions($0) } ?? []
      guard !(known + given).isEmpty else {
        throw CommandFailure(
          .invalidInput, "nothing to look for", because: "the file that --secrets names has no expression",
          fix: "put one expression a line into it")
      }
      let patterns = try SecretPatterns(known + given)
      for expression in patterns.expressions {
        switch expression.matcher {
        case .secret(let secret), .literal(let secret): assembly.redactor.register(secret)
        case .regex: break  // a pattern is no secret
        }
      }
      return patterns
    } catch let error as GitObjectsError {
      throw CommandFailure(
        .invalidInput, "cannot use the expressions", because: "\(error.what): \(error.why)",
        fix:
          "one a line: the text itself, or literal:, regex: or glob: before it, each with an optional ==>replacement"
      )
    }
  }

  /// The handles of the incidents' leaked values.
  func leakedValues(in assembly: Assembly) throws -> [SecretRef] { try assembly.leakedRefs(of: incident) }

  /// The repository's absolute path.
  func path(in assembly: Assembly) -> String {
    URL(filePath: assembly.absolute(repository)).standardizedFileURL.path
  }

  /// The name that confirms a severe action: the directory's.
  func name(in assembly: Assembly) -> String {
    let path = path(in: assembly)
    let last = (path as NSString).lastPathComponent
    return last == ".git"
      ? ((path as NSString).deletingLastPathComponent as NSString).lastPathComponent : last
  }
}

/// Whether a repository's own settings count.
struct RepositoryTrustOptions: ParsableArguments {
  @Flag(
    name: .long,
    help: "The repository's own Git settings are yours: also those count that start programs.")
  var trustRepositoryConfig = false

  var trust: RepositoryTrust { trustRepositoryConfig ? .all : .none }

  /// `document`, to which this word belongs: another word is another digest.
  func noted(in document: JSONValue) -> JSONValue {
    guard trustRepositoryConfig, case .object(var members) = document else { return document }
    members["trust_repository_config"] = true
    return .object(members)
  }
}

extension Configuration {
  /// The repositories with `trust_config: true`.
  var trustedRepositories: RepositoryTrust {
    .paths(Set(repositories.values.filter(\.trustsConfig).map(\.path)))
  }
}

extension Assembly {
  func historyRewriter(
    _ options: HistoryOptions = HistoryOptions(), trust: RepositoryTrust = .none
  ) -> GitHistoryRewriter {
    GitHistoryRewriter(
      environment: environment, temporaryDirectory: environment["TMPDIR"] ?? "/tmp", options: options,
      leash: Leash.shared, trust: trust,
      planKey: { [statePath] () throws(CapabilityError) -> Secret in
        do throws(JournalError) { return try StateDirectory(statePath).identity().secret } catch {
          throw CapabilityError(.configuration, error.operation, because: error.because, fix: error.fix)
        }
      },
      beforeEachStep: historyCrashPoint())
  }
}
