import Foundation
import Subprocess

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// Compiles a few lines of Swift against the rooms of this package: shows what does and what does not compile.
public struct SwiftSnippet: Sendable {
  private let source: String
  public init(_ source: String) { self.source = source }

  /// The compiler's diagnostics; empty when the snippet compiles.
  public func diagnostics() async throws -> String {
    let directory = try TemporaryDirectory()
    let file = directory.path("Snippet.swift")
    try source.write(toFile: file, atomically: true, encoding: .utf8)
    let modules = URL(filePath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      .deletingLastPathComponent().appending(path: "Modules").path
    // The rooms' own module maps of C libraries, which a module that uses one asks for.
    let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Sources").path
    let result = try await run(
      .name("swiftc"),
      arguments: [
        "-typecheck", "-swift-version", "6", "-enable-upcoming-feature", "MemberImportVisibility", "-I",
        modules, "-I", sources + "/COpenSSL", "-I", sources + "/CSodium", file,
      ],
      output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
    if result.terminationStatus.isSuccess { return "" }
    return result.standardError + result.standardOutput
  }
}
