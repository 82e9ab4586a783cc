import Capabilities
import Foundation
import JSON
import Secrets

/// Whether texts hold one of some values, as it is or encoded (docs/FORMS.md).
struct HeldValues {
  private let secrets: [Secret]

  init(_ secrets: [Secret]) { self.secrets = secrets.filter { !$0.isEmpty } }

  func stand(in text: [UInt8]) -> Bool {
    secrets.contains { text == $0.exposeAsBytes() } || !SecretForms.occurrences(of: secrets, in: text).isEmpty
  }

  /// Names of the variables of `/proc/PID/environ` that hold one.
  func variables(in environ: [UInt8]) -> [String] {
    environ.split(separator: 0).compactMap { entry in
      let parts = entry.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, stand(in: Array(parts[1])) else { return nil }
      return String(decoding: parts[0], as: UTF8.self)
    }
  }

  /// Keys of a Kubernetes Secret whose value holds one. - Throws: `.invalid` for what is no Secret's data.
  func keys(of secret: JSONValue) throws(CapabilityError) -> Set<String> {
    var keys: Set<String> = []
    for (key, value) in secret["data"]?.object ?? [:] {
      guard let text = value.string, let bytes = Data(base64Encoded: text) else {
        throw CapabilityError(.invalid, "read a Secret", because: "\(key) is no base64")
      }
      if stand(in: Array(bytes)) { keys.insert(key) }
    }
    return keys
  }

  func holdings(files paths: [String], in files: any FileSystem) async -> ConsumerHoldings {
    var holding: [String] = []
    var moved: [String] = []
    var unread: [String] = []
    for path in paths {
      do throws(CapabilityError) {
        let text = try await files.read(path).exposeAsBytes()
        if text.isEmpty {
          unread.append("\(path): it is empty")
        } else if stand(in: text) {
          holding.append(path)
        } else {
          moved.append(path)
        }
      } catch { unread.append("\(path): \(error.because)") }
    }
    return ConsumerHoldings(holding: holding, moved: moved, unread: unread)
  }
}
