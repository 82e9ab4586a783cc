import Capabilities
import Cryptography
import Foundation
import GitObjects
import Secrets
import TestSupport
import Testing

@testable import GitHistory

/// Documents that come in parts, and sources that tell of them.
@Suite struct RemoteSearchTests {
  /// Gives its bytes in parts of a size, and breaks where a test says.
  private struct Parts: RemoteDocument {
    var name = "docker://registry.example/app@sha256:00/blobs/sha256/11"
    let bytes: Data
    var part = 7
    var breaksAt = Int.max
    var size: Int?
    var digest: [UInt8]?

    func read(from offset: Int) async throws(CapabilityError) -> Data? {
      if offset >= breaksAt { throw CapabilityError(.network, "GET", because: "the connection broke") }
      return Data(bytes.dropFirst(offset).prefix(part))
    }
  }

  private struct Source: RemoteSource {
    let name = "docker://registry.example/app"
    let items: [RemoteItem]
    var failure: CapabilityError?

    func forEach(_ visit: (RemoteItem) async throws(CapabilityError) -> Void) async throws(CapabilityError) {
      for item in items { try await visit(item) }
      if let failure { throw failure }
    }
  }

  private func search(
    _ documents: [any RemoteDocument] = [], _ sources: [any RemoteSource] = [],
    limits: ContentLimits = .init()
  ) async throws -> CopyReport {
    try await CopySearch(try SecretPatterns(secrets: [Secret(leaked)]), limits: limits).run(
      in: [], documents: documents, sources: sources, progress: Silent())
  }

  private func layer(_ text: String) async throws -> Data {
    let directory = try TemporaryDirectory()
    try text.write(toFile: directory.path("env"), atomically: true, encoding: .utf8)
    try await Program.run(["tar", "-czf", "layer.tgz", "env"], in: directory.path)
    return try Data(contentsOf: URL(filePath: directory.path("layer.tgz")))
  }

  @Test(arguments: [1, 7, 4096, 1 << 20])
  func `a layer is unpacked while its parts come, whatever their size`(_ part: Int) async throws {
    let bytes = try await layer("a\nKEY=\(leaked)\n")
    let whole = Parts(bytes: bytes, part: part, size: bytes.count, digest: SHA256.hash(data: bytes))
    let report = try await search([whole])
    #expect(report.places.map(\.path) == ["\(whole.name)!env"])
    #expect(report.places.first?.line == 2 && report.places.first?.kind == .image)
    #expect(report.notSearched.isEmpty && report.files == 1)
    // A server that does not say how much there is.
    #expect(try await search([Parts(bytes: bytes, part: part)]).places.count == 1)
  }

  @Test func `what breaks, is cut, or is something else than its address says is not called clean`()
    async throws
  {
    let bytes = try await layer("nothing\n")
    let digest = SHA256.hash(data: bytes)
    #expect(try await search([Parts(bytes: bytes, size: bytes.count, digest: digest)]).verdict == .clean)
    let broken = try await search([Parts(bytes: bytes, breaksAt: 21, size: bytes.count, digest: digest)])
    #expect(broken.verdict == .unknown && broken.notSearched.contains { $0.why == "the connection broke" })
    let cut = try await search([Parts(bytes: Data("short".utf8), size: 100)])
    #expect(cut.notSearched.map(\.why).last == "5 bytes came, and it says to have 100", "\(cut.notSearched)")
    let other = try await search([Parts(bytes: bytes, size: bytes.count, digest: SHA256.hash(data: Data()))])
    #expect(other.notSearched.map(\.why) == ["what came has another digest than its address says"])
    let refused = try await search([Parts(bytes: bytes, breaksAt: 0)])
    #expect(refused.verdict == .unknown && refused.files == 0)
  }

  @Test func `a blob of two manifests is read once and told at both`() async throws {
    let bytes = Data("KEY=\(leaked)\n".utf8)
    let first = Parts(bytes: bytes)
    let clean = Parts(name: "docker://registry.example/app@sha256:00/blobs/sha256/22", bytes: Data("x".utf8))
    let second = "docker://registry.example/app@sha256:99/blobs/sha256/11"
    let source = Source(items: [
      .document(first), .document(clean), .repeated(first: first.name, name: second, version: "tag 2"),
      .repeated(first: clean.name, name: "docker://elsewhere", version: nil),
    ])
    let report = try await search([], [source])
    #expect(report.places.map(\.path) == [first.name, "\(second) (tag 2)"])
    #expect(report.roots == [source.name] && report.files == 2 && report.notSearched.isEmpty)
  }

  @Test func `what a source leaves out, cannot list, or has beyond the limit is named`() async throws {
    let one = Parts(bytes: Data("12345".utf8), size: 5)
    var limits = ContentLimits()
    limits.remote = 5
    let source = Source(
      items: [
        .document(one), .document(one), .document(one), .left(place: "\u{1B}[2J\(leaked)", why: "archived"),
      ],
      failure: CapabilityError(.unsupported, "GET", because: "the server does not know this call", fix: "ask")
    )
    let report = try await search([], [source], limits: limits)
    #expect(report.verdict == .unknown && report.files == 1)
    #expect(
      report.notSearched.map(\.why) == [
        "archived", "the server does not know this call: ask",
        "2 more documents: 5 bytes of it were read, which is the limit",
      ])
    #expect(!"\(report)".contains(leaked) && !"\(report)".contains("\u{1B}"))
  }
}
