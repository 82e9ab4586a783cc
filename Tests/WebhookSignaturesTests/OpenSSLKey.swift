import Foundation
import TestSupport

/// A throw-away RSA key with its certificate, made by the `openssl` program.
struct OpenSSLKey {
  private let directory: TemporaryDirectory
  let certificate: String

  struct Failure: Error { let arguments: [String] }

  init() throws {
    directory = try TemporaryDirectory()
    try OpenSSLKey.run([
      "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=sns.test.invalid", "-days", "2",
      "-keyout",
      directory.path("key.pem"), "-out", directory.path("cert.pem"),
    ])
    certificate = try String(contentsOfFile: directory.path("cert.pem"), encoding: .utf8)
  }

  func sign(_ text: String, digest: String) throws -> Data {
    try Data(text.utf8).write(to: URL(fileURLWithPath: directory.path("text")))
    try OpenSSLKey.run([
      "dgst", digest, "-sign", directory.path("key.pem"), "-out", directory.path("signature"),
      directory.path("text"),
    ])
    return try Data(contentsOf: URL(fileURLWithPath: directory.path("signature")))
  }

  private static func run(_ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["openssl"] + arguments
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure(arguments: arguments) }
  }
}
