import Capabilities
import Foundation
import LocalSystem
import Secrets

extension Assembly {
  /// The endpoint's program: beside our own, else on PATH.
  ///
  /// - Throws: exit 78 when there is none.
  func receiverProgram() throws -> String {
    let name = "staunch-receiver"
    var places: [String] = []
    // No /proc: then PATH must do.
    if let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
      places.append((own as NSString).deletingLastPathComponent)
    }
    places += (environment["PATH"] ?? "").split(separator: ":").map(String.init)
    for place in places where place.hasPrefix("/") {
      if access("\(place)/\(name)", X_OK) == 0 { return "\(place)/\(name)" }
    }
    throw CommandFailure(
      .configuration, "there is no \(name)", because: "it is neither beside staunch nor on PATH",
      fix: "install both: make install; or build it: swift build --product \(name)")
  }

  /// All that the endpoint sees of our environment: language, time zone and where certificate authorities lie.
  var receiverEnvironment: [String: String] {
    environment.filter { ["LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR"].contains($0.key) }
  }

  /// Reads the endpoint's secrets: as everywhere, and `credential:NAME` from systemd's directory.
  func receiverSecrets() -> (String) async throws(CapabilityError) -> Secret {
    let redactor = redactor
    let sources = SecretSources(environment: environment) { redactor.register($0) }
    let directory = environment["CREDENTIALS_DIRECTORY"]
    return { reference async throws(CapabilityError) -> Secret in
      guard reference.hasPrefix("credential:") else { return try await sources.resolve(reference) }
      guard let directory else {
        throw CapabilityError(
          .notFound, reference, because: "CREDENTIALS_DIRECTORY is not set",
          fix: "start it by systemd with LoadCredential=, or write env:NAME or file:/path")
      }
      let name = reference.dropFirst("credential:".count)
      guard !name.contains("/") else {
        throw CapabilityError(.configuration, "credential:…", because: "it is no plain name")
      }
      return try await sources.resolve("file:\(directory)/\(name)")
    }
  }
}
