import Capabilities
import Foundation

/// `result.json` of a rewrite: what ``HistoryRewriter/finished(repository:marker:)`` gives back.
enum StoredRewrite {
  static func read(_ directory: RewriteDirectory) throws(CapabilityError) -> HistoryRewrite {
    let bytes = try DurableFiles.read(directory.result)
    do {
      let stored = try JSONDecoder().decode(HistoryRewrite.self, from: Data(bytes))
      // The repository may have been moved since.
      return HistoryRewrite(
        commits: stored.commits, trees: stored.trees, blobs: stored.blobs, tags: stored.tags,
        refs: stored.refs,
        signaturesDropped: stored.signaturesDropped, residual: stored.residual, backup: stored.backup,
        maps: directory.maps.text)
    } catch {
      throw CapabilityError(
        .invalid, "read \(directory.result.text)", because: "the file was changed by another program",
        fix: "remove it; the rewrite itself is done")
    }
  }

  static func write(_ result: HistoryRewrite, to directory: RewriteDirectory) throws(CapabilityError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      try DurableFiles.write(Array(try encoder.encode(result)), to: directory.result)
    } catch let error as CapabilityError {
      throw error
    } catch {
      throw CapabilityError(.invalid, "write \(directory.result.text)", because: "\(type(of: error))")
    }
  }
}

extension HistoryRewrite {
  func with(residual: [Residual]) -> HistoryRewrite {
    HistoryRewrite(
      commits: commits, trees: trees, blobs: blobs, tags: tags, refs: refs,
      signaturesDropped: signaturesDropped,
      residual: residual, backup: backup, maps: maps)
  }
}
