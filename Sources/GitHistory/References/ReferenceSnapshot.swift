import Capabilities
import GitObjects

/// A reference as its files say.
struct Reference: Sendable, Equatable {
  enum Value: Sendable, Equatable {
    case object(ObjectID)
    case symbolic(ReferenceName)
  }
  let name: ReferenceName
  let value: Value
  /// The loose file, when there is one. It wins over the packed entry.
  let file: PathBytes?
  /// Also, or only, in `packed-refs`.
  let isPacked: Bool
}

/// Every reference of a repository at one moment: branches, tags, notes, stash, replace, `HEAD` of each work tree and
/// the references that belong to one work tree.
///
/// Read from the files and not through libgit2, because the write protocol must know which file holds what, and because
/// libgit2 silently leaves out references whose names it finds odd.
struct ReferenceSnapshot: Sendable, Equatable {
  /// In byte order of names; `HEAD` and the private references of linked work trees carry their file.
  let references: [Reference]
  let packed: PackedReferences
  /// Files below `refs/` that are no references, neither for Git: what synchronising programs and power cuts leave
  /// (`desktop.ini`, conflicted copies, empty files).
  let litter: [PathBytes]

  /// - Throws: `.refused` when a file cannot be read; `.invalid` when a HEAD is broken.
  init(_ layout: RepositoryLayout) throws(CapabilityError) {
    switch DurableFiles.kind(of: layout.packedReferences) {
    case .regular: packed = PackedReferences(bytes: try DurableFiles.read(layout.packedReferences))
    case .missing: packed = PackedReferences(bytes: [])
    case .link, .directory, .other:
      // Taken for empty, every reference in it would seem not to exist.
      throw CapabilityError(
        .unsupported, "read \(layout.packedReferences.text)", because: "it is no regular file",
        fix: "put the file itself in its place, then run the command again")
    }
    var loose: [Reference] = []
    var litter: [PathBytes] = []
    let packedNames = Set(packed.entries.map(\.name))
    try ReferenceSnapshot.walk(
      layout.common / "refs", ReferenceName("refs"), packedNames, into: &loose, &litter)
    let looseNames = Set(loose.map(\.name))
    var all = loose
    for entry in packed.entries where !looseNames.contains(entry.name) {
      all.append(Reference(name: entry.name, value: .object(entry.id), file: nil, isPacked: true))
    }
    for tree in layout.workTrees {
      let head = tree.gitDirectory / "HEAD"
      if DurableFiles.exists(head) {
        guard let found = try ReferenceSnapshot.read(head, ReferenceName("HEAD"), isPacked: false) else {
          throw CapabilityError(
            .invalid, "read \(head.text)",
            because: "it holds neither an object id nor the name of a reference",
            fix:
              "name a branch that exists: git -C '\(layout.standing.text)' for-each-ref refs/heads lists them; git symbolic-ref sets HEAD"
          )
        }
        all.append(found)
      }
      if tree.name != nil {
        try ReferenceSnapshot.walk(tree.gitDirectory / "refs", ReferenceName("refs"), [], into: &all, &litter)
      }
    }
    self.litter = litter.sorted()
    references = all.sorted {
      $0.name == $1.name ? ($0.file?.bytes.count ?? 0) < ($1.file?.bytes.count ?? 0) : $0.name < $1.name
    }
  }

  /// Objects that references point to directly.
  var targets: [ObjectID] {
    references.compactMap { if case .object(let id) = $0.value { id } else { nil } }
  }

  private static func walk(
    _ directory: PathBytes, _ prefix: ReferenceName, _ packed: Set<ReferenceName>,
    into found: inout [Reference], _ litter: inout [PathBytes]
  ) throws(CapabilityError) {
    for entry in try DurableFiles.entries(of: directory) {
      let path = directory / entry
      let name = ReferenceName(bytes: prefix.bytes + [0x2F] + entry)
      switch DurableFiles.kind(of: path) {
      case .directory: try walk(path, name, packed, into: &found, &litter)
      case .regular, .link:
        if entry.suffix(5).elementsEqual(".lock".utf8) { continue }
        if name.isValid, let reference = try read(path, name, isPacked: packed.contains(name)) {
          found.append(reference)
        } else {
          litter.append(path)
        }
      case .other, .missing: continue  // removed meanwhile: the check under locks sees it
      }
    }
  }

  private static func read(_ path: PathBytes, _ name: ReferenceName, isPacked: Bool) throws(CapabilityError)
    -> Reference?
  {
    let bytes = try DurableFiles.read(path)
    let line = Array(bytes.prefix { $0 != 0x0A && $0 != 0x0D })
    if line.starts(with: "ref:".utf8) {
      let target = Array(line.dropFirst(4).drop { $0 == 0x20 || $0 == 0x09 })
      return Reference(
        name: name, value: .symbolic(ReferenceName(bytes: target)), file: path, isPacked: isPacked)
    }
    guard let id = ObjectID(hex: String(decoding: line.prefix(40), as: UTF8.self)) else {
      return nil
    }
    return Reference(name: name, value: .object(id), file: path, isPacked: isPacked)
  }
}
