/// Secrets whose spellings nobody has needed yet. To work them out takes a hundred byte strings for each, a storm seals
/// thousands, and most of them never stand in a text again.
///
/// No spelling of the table of forms changes a letter or a digit of ASCII, and layers of escapes are read before it is asked
/// (``FormSearch/forEachText(of:_:)``). So a text that holds a secret in any spelling holds six letters and digits of it as
/// they are, in UTF-16, hexadecimal, base64 or base64 twice. Those six stand here, in about twenty ways; who meets one of
/// them takes the secret out and looks for all of its spellings.
struct UnmetSecrets: Sendable {
  /// Bytes that are looked for.
  static let width = 6
  private static let mask: UInt64 = 1 << 48 - 1

  /// Six bytes each, by a hash of them; 0: nothing stands here.
  private var keys: [UInt64] = []
  /// The first of the key's entries, or -1.
  private var heads: [Int32] = []
  private var used = 0
  /// Of each entry: whose it is, and the key's next one or -1.
  private var owners: [Int32] = []
  private var nexts: [Int32] = []
  /// Nil: was met.
  private var secrets: [Secret?] = []
  /// How many wait.
  private(set) var count = 0

  /// Keeps `secret` until it is met.
  ///
  /// - Returns: false when it must be looked for at once: no six letters and digits in a row, several lines (each of which is
  ///   looked for), or characters that have other forms (composed, decomposed, in another character set).
  mutating func add(_ secret: Secret) -> Bool {
    guard let run = Self.run(in: secret.exposeAsBytes()) else { return false }
    let owner = Int32(secrets.count)
    secrets.append(secret)
    count += 1
    for text in Self.texts(of: run) { insert(Self.key(text.suffix(Self.width)), owner: owner) }
    return true
  }

  /// Takes out every secret that `text` may hold.
  mutating func take(metIn text: [UInt8]) -> [Secret] {
    guard count > 0, text.count >= Self.width else { return [] }
    var met: [Secret] = []
    var window: UInt64 = 0
    for index in text.indices {
      window = (window << 8 | UInt64(text[index])) & Self.mask
      guard index >= Self.width - 1, let slot = slot(of: window) else { continue }
      var entry = heads[slot]
      heads[slot] = -1
      while entry >= 0 {
        let owner = Int(owners[Int(entry)])
        if let secret = secrets[owner] {
          met.append(secret)
          secrets[owner] = nil
          count -= 1
        }
        entry = nexts[Int(entry)]
      }
    }
    return met
  }

  // MARK: What is looked for

  /// The last six of the longest run of letters and digits: keys of a kind begin alike.
  private static func run(in raw: [UInt8]) -> [UInt8]? {
    var longest = 0..<0
    var start = 0
    for index in raw.indices {
      guard (0x20...0x7E).contains(raw[index]) else { return nil }
      guard isPlain(raw[index]) else {
        start = index + 1
        continue
      }
      if index + 1 - start >= longest.count { longest = start..<(index + 1) }
    }
    return longest.count >= width ? Array(raw[longest].suffix(width)) : nil
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: false
    }
  }

  /// How `run` stands in each wrapping and character set of the table, as far as it alone decides.
  private static func texts(of run: [UInt8]) -> [[UInt8]] {
    let little: [UInt8] = run.flatMap { [$0, 0] }
    let big: [UInt8] = run.flatMap { [0, $0] }
    var texts = [run, little, big]
    for isUpper in [false, true] {
      texts.append(Spelling(wrapping: .hex(upper: isUpper)).wrapped(run))
      texts.append(Spelling(wrapping: .hex(upper: isUpper)).wrapped(little))
    }
    for shift in 0..<3 {
      // Letters and digits alone never make one of the two characters in which the alphabets differ.
      let inner = Base64Text.aligned(run, shift: shift, isURL: false)
      texts.append(inner)
      for outer in 0..<3 { texts.append(Base64Text.aligned(inner, shift: outer, isURL: false)) }
      texts.append(Base64Text.aligned(little, shift: shift, isURL: false))
    }
    return texts
  }

  private static func key(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }

  // MARK: The table

  private mutating func insert(_ key: UInt64, owner: Int32) {
    if (used + 1) * 2 > keys.count { grow() }
    let slot = place(of: key)
    if keys[slot] == 0 {
      keys[slot] = key
      used += 1
    }
    owners.append(owner)
    nexts.append(heads[slot])
    heads[slot] = Int32(owners.count - 1)
  }

  private mutating func grow() {
    let old = (keys, heads)
    keys = [UInt64](repeating: 0, count: max(64, old.0.count * 2))
    heads = [Int32](repeating: -1, count: keys.count)
    for (index, key) in old.0.enumerated() where key != 0 {
      let slot = place(of: key)
      keys[slot] = key
      heads[slot] = old.1[index]
    }
  }

  private func slot(of key: UInt64) -> Int? {
    let slot = place(of: key)
    return keys[slot] != 0 && heads[slot] >= 0 ? slot : nil
  }

  /// Where `key` stands, or the free place for it.
  private func place(of key: UInt64) -> Int {
    var place = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & (keys.count - 1)
    while keys[place] != 0, keys[place] != key { place = (place + 1) & (keys.count - 1) }
    return place
  }
}
