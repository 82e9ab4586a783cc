import Synchronization

/// Hides every registered secret, in every form of ``SecretForms``, in text that is about to leave the program.
///
/// The last line of defence behind the types: it sits on the log, terminal, journal, ticket and report sinks.
public final class Redactor: Sendable {
  private struct State: Sendable {
    var forms: [UInt8: [[UInt8]]] = [:]  // by first byte, longest first
  }
  private let state = Mutex(State())

  /// What stands where a secret was.
  public static let mark = "[REDACTED]"

  public init() {}

  /// From now on `secret` is hidden. Safe to repeat. Secrets shorter than four bytes cannot be told from text: ignored.
  public func register(_ secret: Secret) {
    let forms = SecretForms.all(of: secret).filter { $0.count >= 4 }
    state.withLock { state in
      for form in forms {
        guard let first = form.first, state.forms[first]?.contains(form) != true else { continue }
        state.forms[first, default: []].append(form)
        state.forms[first]?.sort { $0.count > $1.count }
      }
    }
  }

  /// `text` with every secret replaced by ``mark``.
  public func redact(_ text: String) -> String {
    let bytes = Array(text.utf8)
    guard let clean = redacted(bytes) else { return text }
    return String(decoding: clean, as: UTF8.self)
  }

  /// True when `bytes` hold a registered secret in any form: the test that a sink asserts.
  public func finds(in bytes: [UInt8]) -> Bool { redacted(bytes) != nil }

  private func redacted(_ bytes: [UInt8]) -> [UInt8]? {
    let forms = state.withLock { $0.forms }
    guard !forms.isEmpty else { return nil }
    var result: [UInt8] = []
    var kept = 0
    var index = 0
    while index < bytes.count {
      if let candidates = forms[bytes[index]],
        let form = candidates.first(where: { bytes[index...].starts(with: $0) })
      {
        result += bytes[kept..<index]
        result += Array(Redactor.mark.utf8)
        index += form.count
        kept = index
      } else {
        index += 1
      }
    }
    guard kept > 0 else { return nil }
    return result + bytes[kept...]
  }
}
