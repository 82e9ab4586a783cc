import Capabilities
import GitObjects

/// One reflog file: `<old> <new> <name> <<e-mail>> <time> <zone>\t<message>` a line (gitrepository-layout(5)).
struct Reflog: Sendable {
  private let lines: [ArraySlice<UInt8>]

  init(bytes: [UInt8]) {
    lines = bytes.split(separator: 0x0A)
  }

  /// Every object that it names.
  var ids: [ObjectID] {
    lines.flatMap { line in
      [line.prefix(40), line.dropFirst(41).prefix(40)].compactMap {
        ObjectID(hex: String(decoding: $0, as: UTF8.self))
      }
    }.filter { $0 != .zero }
  }

  /// The log after a rewrite: ids follow `fate`, names and messages are cleaned. A line about an object that is gone is
  /// left out, and the next line's old id follows the last one kept, so that the chain stays whole.
  func rewritten(
    by fate: (ObjectID) -> ObjectFate, cleaned: ([UInt8]) throws(CapabilityError) -> [UInt8]?
  ) throws(CapabilityError) -> [UInt8] {
    var result: [UInt8] = []
    for line in lines {
      guard line.count > 82, let old = ObjectID(hex: String(decoding: line.prefix(40), as: UTF8.self)),
        let new = ObjectID(hex: String(decoding: line.dropFirst(41).prefix(40), as: UTF8.self))
      else {
        result += (try cleaned(Array(line)) ?? Array(line)) + [0x0A]  // not a line of Git's: only cleaned
        continue
      }
      guard let mappedNew = Reflog.mapped(new, fate) else { continue }
      let mappedOld = Reflog.mapped(old, fate) ?? .zero
      let rest = Array(line.dropFirst(81))
      result += Array(mappedOld.hex.utf8) + [0x20] + Array(mappedNew.hex.utf8)
      result += (try cleaned(rest) ?? rest) + [0x0A]
    }
    return result
  }

  private static func mapped(_ id: ObjectID, _ fate: (ObjectID) -> ObjectFate) -> ObjectID? {
    switch fate(id) {
    case .unchanged: id
    case .rewritten(let new): new
    case .dropped: nil
    }
  }
}
