/// Byte strings to look for, found by a hash of the whole: a storm registers hundreds of thousands that begin alike.
struct FormIndex: Sendable {
  /// No form is shorter.
  static let shortest = 4

  /// One byte string that stands in a text.
  struct Hit {
    let range: Range<Int>
    /// What ``add(_:tag:)`` was given.
    let tag: Int
  }
  private struct Slot {
    var hash: UInt64 = 0
    var start = -1
    var count: Int32 = 0
    var tag: Int32 = 0
  }

  /// By a hash of the first four bytes: the length of the longest that starts so; 0: none does.
  private var reach: [Int32] = []
  /// Lengths that some byte string has.
  private var isLength: [Bool] = []
  private var slots: [Slot] = []
  private var used = 0
  private var pool: [UInt8] = []

  var isEmpty: Bool { used == 0 }

  /// Strings of fewer than ``shortest`` bytes cannot be told from text: ignored. The lowest tag of a string stays.
  mutating func add(_ form: [UInt8], tag: Int = 0) {
    guard form.count >= Self.shortest else { return }
    if reach.isEmpty { reach = [Int32](repeating: 0, count: 1 << 16) }
    if (used + 1) * 2 > slots.count { grow() }
    let hash = form.reduce(Self.start, Self.mixed)
    var place = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[place].start >= 0 {
      let slot = slots[place]
      if slot.hash == hash, pool[slot.start..<slot.start + Int(slot.count)].elementsEqual(form) {
        slots[place].tag = min(slot.tag, Int32(tag))
        return
      }
      place = (place + 1) & (slots.count - 1)
    }
    slots[place] = Slot(hash: hash, start: pool.count, count: Int32(form.count), tag: Int32(tag))
    pool += form
    used += 1
    let gate = Self.gate(form[..<4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
    reach[gate] = max(reach[gate], Int32(form.count))
    if isLength.count <= form.count {
      isLength += [Bool](repeating: false, count: form.count + 1 - isLength.count)
    }
    isLength[form.count] = true
  }

  private mutating func grow() {
    let old = slots
    slots = [Slot](repeating: Slot(), count: max(64, old.count * 2))
    for slot in old where slot.start >= 0 {
      var place = Int(truncatingIfNeeded: slot.hash) & (slots.count - 1)
      while slots[place].start >= 0 { place = (place + 1) & (slots.count - 1) }
      slots[place] = slot
    }
  }

  /// The longest byte string at each position, from left to right, without overlaps.
  ///
  /// - Parameter isWanted: asked for each tag that is met.
  func hits(in bytes: [UInt8], where isWanted: (Int) -> Bool = { _ in true }) -> [Hit] {
    guard !isEmpty, bytes.count >= Self.shortest else { return [] }
    var result: [Hit] = []
    var position = 0
    // The four bytes from `position` on, first byte highest.
    var window = bytes[..<3].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    while position + Self.shortest <= bytes.count {
      window = window << 8 | UInt32(bytes[position + 3])
      let longest = Int(reach[Self.gate(window)])
      guard longest > 0, let hit = hit(in: bytes, at: position, upTo: longest, where: isWanted) else {
        position += 1
        continue
      }
      result.append(hit)
      position = hit.range.upperBound
      guard position + Self.shortest <= bytes.count else { break }
      window = bytes[position..<position + 3].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    }
    return result
  }

  private func hit(
    in bytes: [UInt8], at position: Int, upTo longest: Int, where isWanted: (Int) -> Bool
  ) -> Hit? {
    let end = min(bytes.count - position, longest)
    var hash = Self.start
    var found: Hit?
    for length in 1...max(1, end) where length <= end {
      hash = Self.mixed(hash, bytes[position + length - 1])
      guard isLength[length] else { continue }
      var place = Int(truncatingIfNeeded: hash) & (slots.count - 1)
      while slots[place].start >= 0 {
        let slot = slots[place]
        if slot.hash == hash, Int(slot.count) == length, isWanted(Int(slot.tag)),
          pool[slot.start..<slot.start + length].elementsEqual(bytes[position..<position + length])
        {
          found = Hit(range: position..<position + length, tag: Int(slot.tag))
          break
        }
        place = (place + 1) & (slots.count - 1)
      }
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
