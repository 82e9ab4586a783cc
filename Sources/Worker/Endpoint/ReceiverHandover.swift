package import Capabilities
import Foundation
package import JSON
import Response
package import Secrets

/// What the endpoint gets from staunch.yaml: its own section, in which every secret is a name, and the secrets apart, which
/// go over by a descriptor and stand in no file, argument or environment.
package struct ReceiverHandover {
  /// receiver.json: `receiver:` with references `inherited:NAME`.
  package let settings: JSONValue
  /// The JSON object that `--secrets-fd` reads: name → secret.
  package let secrets: Secret

  /// Members of a route that hold references, and those that hold plain lists.
  private static let references = ["keys", "tokens", "credentials", "signing_keys"]
  private static let lists = ["public_keys", "topics", "origins", "types"]

  /// - Parameters:
  ///   - receiver: the section `receiver:` as it stands.
  ///   - listen: replaces the section's `listen`.
  ///   - resolve: reads a reference, for example `env:HOOK_KEY`.
  /// - Throws: exit 78 with the place when a secret is not there: without it nothing is served.
  package init(
    _ receiver: JSONValue, listen: String?, resolve: (String) async throws(CapabilityError) -> Secret
  ) async throws {
    var names = Names()
    var members = receiver.object ?? [:]
    members["schema"] = 1
    if let listen { members["listen"] = .string(listen) }
    if var tls = members["tls"]?.object, let key = tls["key"]?.string {
      tls["key"] = .string(try await names.name(of: key, at: "tls.key", resolve))
      members["tls"] = .object(tls)
    }
    var routes: [JSONValue] = []
    for (index, route) in (members["routes"]?.array ?? []).enumerated() {
      var route = route.object ?? [:]
      for member in Self.references {
        guard let given = route[member] else { continue }
        var renamed: [JSONValue] = []
        for (number, reference) in (given.array ?? [given]).enumerated() {
          let place = "routes[\(index)].\(member)[\(number)]"
          renamed.append(.string(try await names.name(of: reference.string ?? "", at: place, resolve)))
        }
        route[member] = .array(renamed)
      }
      for member in Self.lists {
        if let given = route[member] { route[member] = .array(given.array ?? [given]) }
      }
      routes.append(.object(route))
    }
    members["routes"] = .array(routes)
    settings = .object(members)
    secrets = Secret(SecretBytes(copying: JSONValue.object(names.values).canonicalBytes))
  }

  /// Gives every reference one name; the name tells nothing about where the secret came from.
  private struct Names {
    private var known: [String: String] = [:]
    private(set) var values: [String: JSONValue] = [:]

    mutating func name(
      of reference: String, at place: String, _ resolve: (String) async throws(CapabilityError) -> Secret
    ) async throws -> String {
      if let name = known[reference] { return "inherited:" + name }
      let secret: Secret
      do throws(CapabilityError) { secret = try await resolve(reference) } catch {
        throw Refusal(
          .configuration, "the endpoint has no secret for receiver.\(place)",
          because: "\(error.operation): \(error.because)", fix: error.fix)
      }
      let name = "secret-\(known.count + 1)"
      known[reference] = name
      values[name] = .string(secret.exposeAsText())
      return "inherited:" + name
    }
  }
}
