import Capabilities
import GitObjects

/// A small text file of Git's that names objects anywhere in it: ORIG_HEAD, MERGE_HEAD, FETCH_HEAD, a rebase's todo.
struct StateFile: Sendable {
  let bytes: [UInt8]

  /// Every run of exactly 40 hexadecimal digits.
  var ids: [ObjectID] { places.map(\.id) }

  /// The file with ids that follow `fate` and without secrets, or nil when nothing changes. The id of an object that is
  /// gone becomes zeros.
  func rewritten(
    by fate: (ObjectID) -> ObjectFate, cleaned: ([UInt8]) throws(CapabilityError) -> [UInt8]?
  ) throws(CapabilityError) -> [UInt8]? {
    var result = bytes
    var isChanged = false
    for place in places {
      let new: ObjectID
      switch fate(place.id) {
      case .unchanged: continue
      case .rewritten(let id): new = id
      case .dropped: new = .zero
      }
      result.replaceSubrange(place.start..<place.start + 40, with: new.hex.utf8)
      isChanged = true
    }
    if let clean = try cleaned(result) { return clean }
    return isChanged ? result : nil
  }

  private var places: [(start: Int, id: ObjectID)] {
    var found: [(start: Int, id: ObjectID)] = []
    var start = 0
    while start < bytes.count {
      guard StateFile.isDigit(bytes[start]) else {
        start += 1
        continue
      }
      var end = start
      while end < bytes.count, StateFile.isDigit(bytes[end]) { end += 1 }
      if end - start == 40, let id = ObjectID(hex: String(decoding: bytes[start..<end], as: UTF8.self)) {
        found.append((start, id))
      }
      start = end
    }
    return found
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
  }
}
