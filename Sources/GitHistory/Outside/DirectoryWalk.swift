import Capabilities
import Foundation

/// Walks through directories by name, without following links, and tells what there is.
struct DirectoryWalk {
  enum Entry {
    /// A regular file.
    case file(size: Int)
    case link(target: [UInt8])
    /// A repository's own directory: searched with its history.
    case repository
    /// Why it is left out.
    case left(String)
  }

  /// Without links, none within another.
  let roots: [PathBytes]

  /// - Throws: `.notFound` for a path that is not there, `.refused` for one that cannot be looked at.
  init(_ paths: [String]) throws(CapabilityError) {
    var found: [PathBytes] = []
    for path in paths {
      do throws(CapabilityError) { found.append(try DurableFiles.canonical(PathBytes(path))) } catch {
        throw CapabilityError(
          error.class, "search \(path)", because: error.because,
          fix: "name a file or directory that is there and that you may read")
      }
    }
    let all = Set(found)
    roots = all.filter { one in !all.contains { $0 != one && Self.holds($0, one) } }.sorted()
  }

  /// Calls `body` for everything below the roots.
  func forEach<Failure: Error>(_ body: (PathBytes, Entry) throws(Failure) -> Void) throws(Failure) {
    for root in roots {
      guard let status = DurableFiles.status(of: root) else {
        try body(root, .left("it is gone"))
        continue
      }
      try visit(root, status, on: status.st_dev, body)
    }
  }

  private func visit<Failure: Error>(
    _ path: PathBytes, _ status: stat, on device: dev_t,
    _ body: (PathBytes, Entry) throws(Failure) -> Void
  ) throws(Failure) {
    switch status.st_mode & S_IFMT {
    case S_IFREG: try body(path, .file(size: Int(status.st_size)))
    case S_IFLNK:
      guard let target = DurableFiles.target(ofLink: path) else {
        return try body(path, .left("the link cannot be read"))
      }
      try body(path, .link(target: target))
      if let why = leading(outside: path) { try body(path, .left(why)) }
    case S_IFDIR:
      guard status.st_dev == device else {
        return try body(path, .left("it is another file system: name it, too"))
      }
      try directory(path, on: device, body)
    case S_IFIFO: try body(path, .left("it is a pipe"))
    case S_IFSOCK: try body(path, .left("it is a socket"))
    default: try body(path, .left("it is a device"))
    }
  }

  private func directory<Failure: Error>(
    _ path: PathBytes, on device: dev_t, _ body: (PathBytes, Entry) throws(Failure) -> Void
  ) throws(Failure) {
    let names: [[UInt8]]
    do throws(CapabilityError) { names = try DurableFiles.entries(of: path) } catch {
      return try body(path, .left(error.because))
    }
    if isRepository(names) { return try body(path, .repository) }
    for name in names {
      let inside = path == PathBytes("/") ? PathBytes(bytes: [0x2F] + name) : path / name
      if name == Array(".git".utf8) {
        try body(inside, .repository)
      } else if let status = DurableFiles.status(of: inside) {
        try visit(inside, status, on: device, body)
      } else if let error = DurableFiles.obstacle(to: inside) {
        try body(inside, .left(error.because))
      }
    }
  }

  /// A bare one, or the inside of a `.git`.
  private func isRepository(_ names: [[UInt8]]) -> Bool {
    ["HEAD", "objects", "refs"].allSatisfy { names.contains(Array($0.utf8)) }
  }

  private static func holds(_ root: PathBytes, _ path: PathBytes) -> Bool {
    path == root || root == PathBytes("/") || path.relative(to: root) != nil
  }

  /// Why what a link leads to is not searched; nil: it is, where it lies, or there is nothing.
  private func leading(outside link: PathBytes) -> String? {
    let target: PathBytes
    do throws(CapabilityError) { target = try DurableFiles.canonical(link) } catch {
      return error.class == .notFound ? nil : "where the link leads cannot be seen: \(error.because)"
    }
    if roots.contains(where: { Self.holds($0, target) }) { return nil }
    return "a link that leads outside of what is searched"
  }
}
