import Cryptography
import Synchronization

/// Hides every registered secret, in every form of ``SecretForms``, in text that is about to leave the program.
///
/// The last line of defence behind the types: it sits on the log, terminal, journal, ticket and report sinks. Free text is
/// for ``redact(_:)``, documents that programs read are for ``redact(document:)``.
public final class Redactor: Sendable {
  private struct State {
    /// SHA-256 of every secret that was registered.
    var known: Set<[UInt8]> = []
    var unmet = UnmetSecrets()
    /// The spellings of all others.
    var search = FormSearch()
  }
  private let state = Mutex(State())

  /// What stands where a secret was.
  public static let mark = "[REDACTED]"

  public init() {}

  /// From now on `secret` is hidden. Safe to repeat. Secrets shorter than four bytes cannot be told from text: ignored.
  ///
  /// Cheap: its spellings are worked out when a text may hold one of them.
  public func register(_ secret: Secret) {
    let digest = SHA256.hash(data: secret.exposeAsBytes())
    state.withLock { state in
      guard state.known.insert(digest).inserted else { return }
      if state.unmet.add(secret) {
        state.search.expect(secret.exposeAsBytes())
      } else {
        Redactor.spell(secret, into: &state.search)
      }
    }
  }

  /// Secrets that no text seemed to hold so far.
  var unmetCount: Int { state.withLock { $0.unmet.count } }

  private static func spell(_ secret: Secret, into search: inout FormSearch) {
    let raw = secret.exposeAsBytes()
    let rank = Redactor.rank(raw)
    // In another spelling than its own, even a word is no word any more.
    search.add(SecretForms.entries(of: raw)) { ($0.bytes == raw ? rank : .unmistakable).rawValue }
    for line in lines(of: raw) { search.add(line, tag: Hiding.unmistakable.rawValue) }
  }

  /// `text` with every secret replaced by ``mark``.
  public func redact(_ text: String) -> String { redacted(text, hiding: .everything) }

  /// True when `bytes` hold a registered secret in any form: the test that a sink asserts.
  public func finds(in bytes: [UInt8]) -> Bool { !ranges(in: bytes, hiding: .everything).isEmpty }

  /// What is hidden: a value of this rank or a lower one.
  enum Hiding: Int {
    /// What is no word of any vocabulary.
    case unmistakable
    /// Also words of eight bytes and more.
    case longWords
    case everything
  }

  func redacted(_ text: String, hiding: Hiding) -> String {
    let bytes = Array(text.utf8)
    let ranges = ranges(in: bytes, hiding: hiding)
    guard !ranges.isEmpty else { return text }
    var result: [UInt8] = []
    var position = 0
    for range in ranges {
      result += bytes[position..<range.lowerBound]
      result += Array(Redactor.mark.utf8)
      position = range.upperBound
    }
    return String(decoding: result + bytes[position...], as: UTF8.self)
  }

  /// What holds a secret, by position, without overlaps.
  private func ranges(in bytes: [UInt8], hiding: Hiding) -> [Range<Int>] {
    guard state.withLock({ !$0.known.isEmpty }) else { return [] }
    let search = state.withLock { state in
      guard state.unmet.count > 0 else { return state.search }
      var met: [Secret] = []
      do {
        // Given back before it is changed, else it would be copied.
        let search = state.search
        search.forEachText(of: bytes) { met += state.unmet.take(metIn: $0) }
      }
      for secret in met { Redactor.spell(secret, into: &state.search) }
      return state.search
    }
    let found = search.hits(in: bytes) { $0 <= hiding.rawValue }.map(\.range).sorted {
      $0.lowerBound < $1.lowerBound
    }
    var merged: [Range<Int>] = []
    for range in found {
      if let last = merged.last, range.lowerBound < last.upperBound {
        merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    return merged
  }

  /// Short values and lower-case words (`postgres`, `sev3`) may be names, kinds or digits of any document.
  private static func rank(_ raw: [UInt8]) -> Hiding {
    if raw.count < 8 { return .everything }
    let isWord =
      raw.count < 20
      && raw.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x61...0x7A, 0x2D, 0x2E, 0x2F, 0x3A, 0x5F: true
        default: false
        }
      }
    return isWord ? .longWords : .unmistakable
  }

  /// The lines of a key, which a log may show one by one; not its first and last, which all keys share.
  private static func lines(of raw: [UInt8]) -> [[UInt8]] {
    let lines = raw.split { $0 == 0x0A || $0 == 0x0D }
    guard lines.count > 1 else { return [] }
    return lines.filter { $0.count >= 16 && !$0.starts(with: "-----".utf8) }.map(Array.init)
  }
}
