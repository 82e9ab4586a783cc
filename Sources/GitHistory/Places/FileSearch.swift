import Capabilities
import Foundation
import GitObjects

/// Looks for secrets in a file of any size, window by window (``WindowSearch``), so that a disk image beside the code costs
/// time, not memory.
struct FileSearch: Sendable {
  let patterns: SecretPatterns
  /// Read at once.
  var window = WindowSearch.usualWindow

  /// By position.
  func hits(in file: PathBytes) throws(CapabilityError) -> [SecretPatterns.TextHit] {
    let descriptor = file.withCString { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else { throw DurableFiles.failure("open", file) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      defer { close(descriptor) }
      throw DurableFiles.failure("fstat", file)
    }
    let region = FileRegion(descriptor: descriptor, count: Int(status.st_size))
    var found: [SecretPatterns.TextHit] = []
    let failure = try engine { () throws(GitObjectsError) in
      try WindowSearch(patterns: patterns, window: window).run(region.feed(), expecting: region.count) {
        found.append($0)
      }
    }
    if let failure { throw CapabilityError(.refused, "read \(file.text)", because: failure.why) }
    return found
  }
}
