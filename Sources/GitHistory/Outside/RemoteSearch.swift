import Capabilities
import Foundation
import GitObjects

/// Looks into what does not lie on this machine, in constant memory: part after part, and nothing is written to a file.
struct RemoteSearch {
  private let patterns: SecretPatterns
  private let limits: ContentLimits
  private let cleaning: PathCleaning

  init(_ patterns: SecretPatterns, _ limits: ContentLimits) {
    self.patterns = patterns
    self.limits = limits
    cleaning = PathCleaning(patterns: patterns)
  }

  /// As a collector writes it.
  private func place(_ name: String, _ version: String?) -> String {
    shown(name) + (version.map { " (\(shown($0)))" } ?? "")
  }

  private func shown(_ text: String) -> String { cleaning.shown(Array(text.utf8)) }

  /// Every document of a source. What lies behind the limit of one search is named by what it is, once.
  /// - Throws: `.cancelled`, `.unsupported`.
  func report(on source: any RemoteSource, _ progress: any ProgressSink) async throws(CapabilityError)
    -> CopyReport
  {
    var whole = Sum()
    var read = 0
    var passedOver = 0
    var failure: CapabilityError?
    do throws(CapabilityError) {
      try await source.forEach { (item) throws(CapabilityError) in
        switch item {
        case .left(let place, let why): whole.leave(shown(place), shown(why))
        case .repeated(let first, let name, let version):
          whole.add(again: first, at: place(name, version))
        case .document(let document):
          guard read < limits.remote else {
            passedOver += 1
            return
          }
          do throws(CapabilityError) {
            let found = try await report(on: document, progress)
            read += document.size ?? found.bytes
            whole.add(found, of: document.name, at: place(document.name, document.version))
          } catch {
            failure = error
            throw error
          }
        }
      }
    } catch {
      // A pattern that cannot be matched stops everything, as for files; a list that breaks is named.
      if let failure { throw failure }
      if error.class == .cancelled { throw error }
      whole.leave(shown(source.name), shown(words(error)))
    }
    if passedOver > 0 {
      whole.leave(
        shown(source.name),
        "\(passedOver) more documents: \(ContentLimits.words(limits.remote)) of it were read, which is the limit"
      )
    }
    return whole.report(of: shown(source.name))
  }

  /// What a source comes to; as bounded as a search of files.
  private struct Sum {
    private var places: [FoundCopy] = []
    private var notSearched: [HistoryUnsearched] = []
    private var files = 0
    private var bytes = 0
    /// Of documents that may stand at several places: those with copies.
    private var found: [String: (place: String, copies: [FoundCopy])] = [:]

    mutating func add(_ report: CopyReport, of name: String, at place: String) {
      if !report.places.isEmpty { found[name] = (place, report.places) }
      add(report.places)
      for left in report.notSearched { leave(left.place, left.why) }
      files += report.files
      bytes += report.bytes
    }

    mutating func add(again name: String, at place: String) {
      guard let (former, copies) = found[name] else { return }
      add(copies.map { $0.moved(from: former, to: place) })
    }

    private mutating func add(_ copies: [FoundCopy]) {
      for copy in copies {
        if places.count == CopyCollector.most {
          return leave("further places", "more than \(places.count) were found; they are not listed")
        }
        places.append(copy)
      }
    }

    mutating func leave(_ place: String, _ why: String) {
      let left = HistoryUnsearched(place: place, why: why)
      if notSearched.count < CopyCollector.most {
        if notSearched.last != left { notSearched.append(left) }
      } else if notSearched.count == CopyCollector.most {
        notSearched.append(HistoryUnsearched(place: "further places", why: "there are too many to list"))
      }
    }

    func report(of root: String) -> CopyReport {
      CopyReport(
        roots: [root], places: places, notSearched: notSearched, repositories: [], files: files, bytes: bytes)
    }
  }

  /// One document; one that cannot be read is named.
  func report(on document: any RemoteDocument, _ progress: any ProgressSink) async throws(CapabilityError)
    -> CopyReport
  {
    let place = place(document.name, document.version)
    let nothing = CopyReport(
      roots: [shown(document.name)], places: [], notSearched: [], repositories: [], files: 0, bytes: 0)
    let first: Data?
    do throws(CapabilityError) { first = try await document.read(from: 0) } catch {
      if error.class == .cancelled { throw error }
      return nothing.leaving(place, shown(words(error)))
    }
    guard let first else { return nothing }
    let parts = try RemoteParts(of: document)
    async let served: Void = parts.serve()
    let outcome: Result<CopyReport, CapabilityError>
    do throws(CapabilityError) {
      outcome = .success(
        try await BlockingWork.run(progress: progress) { progress in
          defer { parts.stop() }
          return try self.look(into: document, first, parts, progress)
        })
    } catch {
      parts.stop()
      outcome = .failure(error)
    }
    await served
    return try outcome.get()
  }

  private func look(
    into document: any RemoteDocument, _ first: Data, _ parts: RemoteParts, _ progress: EngineProgress
  ) throws -> CopyReport {
    let path = PathBytes(document.name)
    let found = CopyCollector(patterns) { _ in }
    try found.look(at: path.last, of: path, "name")
    found.begin(path, version: document.version, removal: document.removal)
    let search = ContentSearch(
      patterns: patterns, limits: limits, listener: found, isCancelled: progress.isCancelled)
    let feed = RemoteFeed(first, then: parts, isCancelled: progress.isCancelled)
    if document.size == first.count {
      try search.search(BufferRegion(copying: first))
    } else {
      try search.search(feed, size: document.size)
    }
    check(feed, document, found)
    return CopyReport(
      roots: [shown(document.name)], places: found.places, notSearched: found.notSearched, repositories: [],
      files: 1, bytes: found.bytes)
  }

  /// What came must be what the address names.
  private func check(_ feed: RemoteFeed, _ document: any RemoteDocument, _ found: CopyCollector) {
    guard document.digest != nil || document.size != nil else { return }
    do throws(FeedError) {
      let digest = try feed.finish()
      if let size = document.size, size != feed.count {
        found.notSearched("\(feed.count) bytes came, and it says to have \(size)", in: [])
      } else if let wanted = document.digest, wanted != digest {
        found.notSearched("what came has another digest than its address says", in: [])
      }
    } catch {
      // Met by the search as well, which says it once.
      found.notSearched(error.why, in: [])
    }
  }

  private func words(_ error: CapabilityError) -> String {
    error.because + (error.fix.map { ": \($0)" } ?? "")
  }
}

extension CopyReport {
  fileprivate func leaving(_ place: String, _ why: String) -> CopyReport {
    joined(
      with: CopyReport(
        roots: [], places: [], notSearched: [HistoryUnsearched(place: place, why: why)], repositories: [],
        files: 0, bytes: 0))
  }
}
