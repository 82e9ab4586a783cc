public import Capabilities
import Dispatch
import Foundation
public import Secrets
import Synchronization

/// Where the runner's own secrets come from: `env:NAME`, `file:path`, `fd:N`, `-`, `prompt` or `prompt:what`.
///
/// A value is read once and kept as a ``Secret``, because a pipe or a person answers only once. What a file or a pipe
/// holds is read by ``SecretText``: one line end at the end is not part of the secret.
public final class SecretSources: SecretSourceResolver {
  private let environment: [String: String]
  private let terminal: String
  private let files: LocalFileSystem
  private let queue = DispatchQueue(label: "staunch-secret-sources")
  private let known = Mutex<[String: Secret]>([:])
  private let learned: @Sendable (Secret) -> Void

  /// - Parameters:
  ///   - environment: of the runner.
  ///   - terminal: where `prompt` asks; nil path components are not resolved.
  ///   - learned: hears every secret, for the redactor.
  public init(
    environment: [String: String], terminal: String = "/dev/tty",
    learned: @escaping @Sendable (Secret) -> Void = { _ in }
  ) {
    self.environment = environment
    self.terminal = terminal
    self.learned = learned
    files = LocalFileSystem(largest: 1 << 20, readsPipes: true)
  }

  public func resolve(_ reference: String) async throws(CapabilityError) -> Secret {
    let source = try SecretReference(reference)
    if let secret = known.withLock({ $0[reference] }) { return secret }
    let secret = try await read(source)
    guard !secret.isEmpty else {
      throw CapabilityError(
        .notFound, source.description, because: "the secret there is empty", fix: source.fix)
    }
    known.withLock { $0[reference] = secret }
    learned(secret)
    DebugLog.note(.debug, "secret", "\(source.description) read")
    return secret
  }

  private func read(_ source: SecretReference) async throws(CapabilityError) -> Secret {
    switch source {
    case .environment(let name):
      guard let text = environment[name] else {
        throw CapabilityError(
          .notFound, source.description, because: "the variable is not set", fix: source.fix)
      }
      return Secret(text)
    case .file(let path):
      return try Self.secret(in: try await files.read(path), source)
    case .descriptor(let number):
      let operation = source.description
      return try await onQueue { () throws(CapabilityError) in
        let copy = dup(number)  // ours to close; the number stays as it was
        guard copy >= 0 else {
          throw CapabilityError(.notFound, operation, because: "the descriptor is not open", fix: source.fix)
        }
        return try Self.secret(
          in: try Descriptor(adopting: copy).readAll(largest: 1 << 20, operation), source)
      }
    case .prompt(let what):
      let terminal = terminal
      return try await onQueue { () throws(CapabilityError) in
        try TerminalPrompt(terminal).ask("\(what ?? "secret"): ")
      }
    }
  }

  private static func secret(in content: Secret, _ source: SecretReference) throws(CapabilityError) -> Secret
  {
    do throws(SecretText.Refusal) { return try SecretText.secret(content.exposeAsBytes()) } catch {
      throw CapabilityError(.configuration, source.description, because: error.because, fix: error.fix)
    }
  }

  private func onQueue(
    _ body: @escaping @Sendable () throws(CapabilityError) -> Secret
  ) async throws(CapabilityError) -> Secret {
    let answer = await withCheckedContinuation {
      (continuation: CheckedContinuation<Result<Secret, CapabilityError>, Never>) in
      queue.async { continuation.resume(returning: Result { () throws(CapabilityError) in try body() }) }
    }
    return try answer.get()
  }
}
