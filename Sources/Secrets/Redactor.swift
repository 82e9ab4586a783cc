import Synchronization

/// Hides every registered secret, in every form of ``SecretForms``, in text that is about to leave the program.
///
/// The last line of defence behind the types: it sits on the log, terminal, journal, ticket and report sinks.
public final class Redactor: Sendable {
  private let state = Mutex(FormIndex())

  /// What stands where a secret was.
  public static let mark = "[REDACTED]"

  public init() {}

  /// From now on `secret` is hidden. Safe to repeat. Secrets shorter than four bytes cannot be told from text: ignored.
  public func register(_ secret: Secret) {
    let forms = SecretForms.all(of: secret).filter { $0.count >= FormIndex.shortest }
    state.withLock { state in
      for form in forms { state.add(form) }
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
    let index = state.withLock { $0 }
    guard !index.isEmpty, bytes.count >= FormIndex.shortest else { return nil }
    var result: [UInt8] = []
    var kept = 0
    var position = 0
    // The four bytes from `position` on, first byte highest.
    var window = bytes[..<3].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    while position + FormIndex.shortest <= bytes.count {
      window = window << 8 | UInt32(bytes[position + 3])
      guard index.mayStart(window), let length = index.longest(in: bytes, at: position, window) else {
        position += 1
        continue
      }
      result += bytes[kept..<position]
      result += Array(Redactor.mark.utf8)
      position += length
      kept = position
      guard position + FormIndex.shortest <= bytes.count else { break }
      window = bytes[position..<position + 3].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    }
    guard kept > 0 else { return nil }
    return result + bytes[kept...]
  }
}

/// Byte strings to look for, found by a hash of the whole: a storm registers tens of thousands that begin alike.
private struct FormIndex: Sendable {
  /// No form is shorter.
  static let shortest = 4

  /// By a hash of the first four bytes: the longest form that starts so; 0: none does.
  private var reach: [Int] = []
  /// Lengths that some form has.
  private var isLength: [Bool] = []
  private var forms: [UInt64: [[UInt8]]] = [:]

  var isEmpty: Bool { forms.isEmpty }

  mutating func add(_ form: [UInt8]) {
    if reach.isEmpty { reach = [Int](repeating: 0, count: 1 << 16) }
    let gate = Self.gate(form[..<4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
    reach[gate] = max(reach[gate], form.count)
    if isLength.count <= form.count {
      isLength += [Bool](repeating: false, count: form.count + 1 - isLength.count)
    }
    isLength[form.count] = true
    let hash = form.reduce(Self.start, Self.mixed)
    guard forms[hash]?.contains(form) != true else { return }
    forms[hash, default: []].append(form)
  }

  /// False: no form starts with these four bytes.
  func mayStart(_ window: UInt32) -> Bool { reach[Self.gate(window)] > 0 }

  /// The length of the longest form that stands at `position`; nil when none does.
  ///
  /// - Parameter window: the four bytes there.
  func longest(in bytes: [UInt8], at position: Int, _ window: UInt32) -> Int? {
    let end = min(bytes.count - position, reach[Self.gate(window)])
    var hash = Self.start
    var found: Int?
    for length in 1...max(1, end) where length <= end {
      hash = Self.mixed(hash, bytes[position + length - 1])
      guard isLength[length], let candidates = forms[hash] else { continue }
      let piece = bytes[position..<position + length]
      if candidates.contains(where: { $0.elementsEqual(piece) }) { found = length }
    }
    return found
  }

  private static func gate(_ window: UInt32) -> Int { Int((window &* 0x9E37_79B1) >> 16) }

  /// FNV-1a. Only for finding: every hit is compared byte for byte.
  private static let start: UInt64 = 0xCBF2_9CE4_8422_2325
  private static func mixed(_ hash: UInt64, _ byte: UInt8) -> UInt64 {
    (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
  }
}
