import BuiltinContent
import ConsolePages
import Cryptography
import Secrets

/// The static files, by content-hashed addresses: a browser may keep them for ever.
struct ConsoleAssets: Sendable {
  struct File: Sendable {
    let type: String
    let bytes: [UInt8]
  }
  let files: [String: File]
  let addresses: ConsolePages.Assets

  init() {
    var files: [String: File] = [:]
    func add(_ name: String, _ type: String) -> String {
      let bytes = BuiltinContent.console.first { $0.path == "templates/console/\(name)" }?.bytes ?? []
      let hash = Hex.text(SHA256.hash(data: bytes)).prefix(16)
      let parts = name.split(separator: ".")
      let address = "/assets/\(parts[0]).\(hash).\(parts[1])"
      files[address] = File(type: type, bytes: bytes)
      return address
    }
    addresses = ConsolePages.Assets(
      stylesheet: add("console.css", "text/css; charset=utf-8"),
      script: add("console.js", "text/javascript; charset=utf-8"), icon: add("icon.svg", "image/svg+xml"))
    self.files = files
  }

  /// The page templates by name.
  static var templates: [String: String] {
    var templates: [String: String] = [:]
    for file in BuiltinContent.console where file.path.hasSuffix(".mustache") {
      templates[String(file.path.dropFirst("templates/console/".count).dropLast(".mustache".count))] =
        file.text
    }
    return templates
  }
}
