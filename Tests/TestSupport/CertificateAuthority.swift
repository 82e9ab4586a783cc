import Foundation

/// An authority of a test's own, made with `openssl`, and certificates that it signs.
public struct CertificateAuthority: Sendable {
  private let directory: TemporaryDirectory
  /// Its certificate.
  public var path: String { directory.path("ca.pem") }

  public init() async throws {
    directory = try TemporaryDirectory()
    _ = try await Program.run(
      [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-days",
        "2", "-subj", "/CN=Authority", "-keyout", directory.path("ca.key"), "-out", path,
      ], in: directory.path)
  }

  /// A certificate for `names` (`DNS:cache.example`, `IP:127.0.0.1`) and its key.
  public func sign(_ names: String) async throws -> (certificate: String, key: String) {
    let name = UUID().uuidString
    let (key, request, certificate) = (
      directory.path(name + ".key"), directory.path(name + ".csr"), directory.path(name + ".pem")
    )
    _ = try await Program.run(
      [
        "openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
        "/O=Tests", "-keyout", key, "-out", request,
      ], in: directory.path)
    try "subjectAltName=\(names)\n".write(
      toFile: directory.path(name + ".ext"), atomically: true, encoding: .utf8)
    _ = try await Program.run(
      [
        "openssl", "x509", "-req", "-in", request, "-CA", path, "-CAkey", directory.path("ca.key"),
        "-CAcreateserial", "-days", "2", "-extfile", directory.path(name + ".ext"), "-out", certificate,
      ], in: directory.path)
    return (certificate, key)
  }
}
