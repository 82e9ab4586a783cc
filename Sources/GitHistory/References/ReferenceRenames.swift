import Capabilities
import GitObjects

/// What a rewrite makes of one reference.
struct ReferenceChange: Sendable, Equatable {
  let name: ReferenceName
  let value: Reference.Value
  /// What a rewritten annotated tag finally points to.
  let peeled: ObjectID?
  let isChange: Bool

  /// The id, or `ref: <name>` with the name in hexadecimal digits nobody can mistake for an id.
  static func text(_ value: Reference.Value) -> String {
    switch value {
    case .object(let id): id.hex
    case .symbolic(let name): "ref:" + name.bytes.map { String($0, radix: 16) }.joined(separator: ".")
    }
  }

  /// The loose file's bytes.
  static func bytes(_ value: Reference.Value) -> [UInt8] {
    switch value {
    case .object(let id): Array("\(id.hex)\n".utf8)
    case .symbolic(let name): Array("ref: ".utf8) + name.bytes + [0x0A]
    }
  }
}

/// References that get another name: those whose name holds a secret, and `refs/replace/<id>` of a rewritten object.
struct ReferenceRenames: Sendable {
  private var names: [ReferenceName: ReferenceName] = [:]
  private let peel: @Sendable (ObjectID) -> ObjectID?

  /// - Parameter peel: what an annotated tag (a new id) finally points to; nil for anything else.
  init(
    _ snapshot: ReferenceSnapshot, outcome: RewriteOutcome, patterns: SecretPatterns,
    peel: @escaping @Sendable (ObjectID) -> ObjectID?
  ) throws(CapabilityError) {
    self.peel = peel
    var used = Set(snapshot.references.map(\.name))
    for reference in snapshot.references {
      guard var new = try ReferenceRenames.newName(reference.name, outcome, patterns) else { continue }
      let wanted = new
      var number = 2
      while used.contains(new) {
        new = ReferenceName(bytes: wanted.bytes + Array("-\(number)".utf8))
        number += 1
      }
      used.insert(new)
      names[reference.name] = new
    }
  }

  func renamed(_ name: ReferenceName) -> ReferenceName? { names[name] }
  var all: [(old: ReferenceName, new: ReferenceName)] {
    names.map { (old: $0.key, new: $0.value) }.sorted { $0.old < $1.old }
  }

  /// Renamed branches, without `refs/heads/`.
  var branches: [(old: [UInt8], new: [UInt8])] {
    all.filter { $0.old.hasPrefix("refs/heads/") }.map {
      (old: Array($0.old.bytes.dropFirst(11)), new: Array($0.new.bytes.dropFirst(11)))
    }
  }

  func change(of reference: Reference, by outcome: RewriteOutcome) -> ReferenceChange {
    let name = names[reference.name] ?? reference.name
    switch reference.value {
    case .symbolic(let target):
      let value = Reference.Value.symbolic(names[target] ?? target)
      return ReferenceChange(
        name: name, value: value, peeled: nil, isChange: value != reference.value || name != reference.name)
    case .object(let id):
      guard case .rewritten(let new) = outcome.fate(of: id) else {
        return ReferenceChange(
          name: name, value: reference.value, peeled: name == reference.name ? nil : peel(id),
          isChange: name != reference.name)
      }
      return ReferenceChange(name: name, value: .object(new), peeled: peel(id), isChange: true)
    }
  }

  /// `config` with the sections and merge settings of renamed branches.
  func configuration(_ bytes: [UInt8]) -> [UInt8] {
    let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map { line -> [UInt8] in
      var text = Array(line)
      let start = text.drop { $0 == 0x20 || $0 == 0x09 }
      for (old, new) in branches {
        let section = Array("[branch \"".utf8) + old + Array("\"]".utf8)
        if start.starts(with: section) {
          text = Array("[branch \"".utf8) + new + Array("\"]".utf8) + start.dropFirst(section.count)
        } else if start.starts(with: "merge".utf8),
          text.suffix(old.count + 11).elementsEqual("refs/heads/".utf8 + old)
        {
          text = text.dropLast(old.count) + new
        }
      }
      return text
    }
    return Array(lines.joined(separator: [0x0A]))
  }

  private static func newName(_ name: ReferenceName, _ outcome: RewriteOutcome, _ patterns: SecretPatterns)
    throws(CapabilityError) -> ReferenceName?
  {
    let prefix = "refs/replace/"
    if name.hasPrefix(prefix),
      let id = ObjectID(hex: String(decoding: name.bytes.dropFirst(prefix.utf8.count), as: UTF8.self)),
      case .rewritten(let new) = outcome.fate(of: id)
    {
      return ReferenceName(prefix + new.hex)
    }
    if let text = String(validating: name.bytes, as: UTF8.self) {
      return try engine { () throws(GitObjectsError) in try patterns.cleaned(refName: text) }.map {
        ReferenceName($0)
      }
    }
    return try patterns.clean(name.bytes, as: .path).map { ReferenceName(bytes: $0).madeValid }
  }
}
