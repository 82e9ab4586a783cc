import Foundation
import Secrets

/// What lies in an `objects` directory and in those it borrows from, local things first; packs are open.
struct ObjectStoreFiles {
  let packs: [PackFile]
  let directories: [String]
  let loose: [[ObjectID]]

  /// - Throws: `.notARepository`, `.corrupt`, `.system`.
  init(gitDirectory: String) throws(GitObjectsError) {
    let names = try ObjectStoreNames(gitDirectory: gitDirectory)
    packs = try names.packs.map { pack throws(GitObjectsError) in
      try PackFile(path: pack.path, isAlternate: pack.isAlternate)
    }
    directories = names.directories
    loose = names.loose
  }

  /// The path of loose object `id` in `directory`.
  static func loosePath(_ id: ObjectID, in directory: String) -> String {
    let hex = id.hex
    return directory + "/" + hex.prefix(2) + "/" + hex.dropFirst(2)
  }
}

/// The names of packs and loose objects in an `objects` directory and in those it borrows from, local ones first.
struct ObjectStoreNames {
  private(set) var packs: [(path: String, isAlternate: Bool)] = []
  /// Object directories; the first is the repository's own.
  private(set) var directories: [String] = []
  /// Loose objects, by directory.
  private(set) var loose: [[ObjectID]] = []

  /// Alternates may borrow in turn: git stops at five levels, so do we.
  private static let deepestAlternate = 5

  /// - Throws: `.notARepository`, `.corrupt`, `.system`.
  init(gitDirectory: String) throws(GitObjectsError) {
    let own = gitDirectory + "/objects"
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: own, isDirectory: &isDirectory), isDirectory.boolValue else {
      throw GitObjectsError(
        .notARepository, what: gitDirectory, why: "there is no objects directory in it",
        fix: "name the directory that holds HEAD and objects")
    }
    try add(own, depth: 0)
  }

  private mutating func add(_ directory: String, depth: Int) throws(GitObjectsError) {
    guard !directories.contains(directory) else { return }
    directories.append(directory)
    let names = try ObjectStoreNames.names(in: directory + "/pack")
    let present = Set(names)
    for name in names.sorted() where name.hasPrefix("pack-") && name.hasSuffix(".pack") {
      guard present.contains(name.dropLast(4) + "idx") else { continue }  // git does not see it either
      packs.append((directory + "/pack/" + name, depth > 0))
    }
    loose.append(try ObjectStoreNames.looseIDs(in: directory))
    let list = directory + "/info/alternates"
    guard depth < ObjectStoreNames.deepestAlternate, access(list, F_OK) == 0 else { return }
    guard let text = FileManager.default.contents(atPath: list) else { throw .unreadable(list) }
    for line in String(decoding: text, as: UTF8.self).split(separator: "\n") where !line.hasPrefix("#") {
      let path = line.hasPrefix("/") ? String(line) : directory + "/" + line
      let resolved = URL(fileURLWithPath: path).standardizedFileURL.path
      guard FileManager.default.fileExists(atPath: resolved) else {
        throw .corrupt(directory + "/info/alternates", "the object directory \(resolved) is not there")
      }
      try add(resolved, depth: depth + 1)
    }
  }

  private static func looseIDs(in directory: String) throws(GitObjectsError) -> [ObjectID] {
    var ids: [ObjectID] = []
    // A missing fan-out directory holds no objects.
    for prefix in try names(in: directory) where prefix.utf8.count == 2 && Hex.bytes(prefix) != nil {
      for name in try names(in: directory + "/" + prefix) where name.utf8.count == 38 {
        if let id = ObjectID(hex: prefix + name) { ids.append(id) }
      }
    }
    return ids.sorted()
  }

  /// What readdir(3) gives: Foundation takes many times as long for a directory that is not there.
  /// - Throws: `.system` for a directory that is there and cannot be read: what is in it would be taken for absent.
  private static func names(in directory: String) throws(GitObjectsError) -> [String] {
    guard let stream = opendir(directory) else {
      if errno == ENOENT || errno == ENOTDIR { return [] }
      throw .unreadable(directory)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
      }
      names.append(name)
    }
    return names
  }
}
