public import Capabilities
import Foundation
public import Incidents
import JSON
public import Secrets

/// Whether an API accepts a key, asked at every address of its host on connections of their own.
///
/// One refusal proves nothing: a gateway may refuse everybody, a node may be behind. Dead takes several refusals at each
/// address, each with the provider's own word that it no longer has the key.
public struct KeyProbe: Sendable {
  let base: String
  let trust: ServerTrust?
  let environment: AdapterEnvironment
  let request: @Sendable (Secret) -> SafeRequest
  let read: @Sendable (HTTPResponse) -> CredentialProbe

  /// Refusals at one address.
  private static let refusals = 2

  /// - Parameters:
  ///   - request: the question, with the key.
  ///   - read: what an answer says: alive, dead, or unknown where it speaks of something else.
  public init(
    base: String, trust: ServerTrust? = nil, environment: AdapterEnvironment,
    request: @escaping @Sendable (Secret) -> SafeRequest,
    read: @escaping @Sendable (HTTPResponse) -> CredentialProbe
  ) {
    self.base = base
    self.trust = trust
    self.environment = environment
    self.request = request
    self.read = read
  }

  /// - Parameters:
  ///   - hasControl: the objection stands on a login that works; false where the provider's word alone decides.
  ///   - objection: why a refusal says nothing now; asked after each. Nil: the provider agrees that the key is gone.
  public func verdict(
    on secret: Secret, hasControl: Bool = true,
    objection: @Sendable () async throws(CapabilityError) -> String?
  ) async throws(CapabilityError) -> CredentialProbe {
    let addresses: [String]
    do throws(CapabilityError) {
      addresses = try await environment.http.addresses(behind: base)
    } catch { return CredentialProbe(.unknown, code: error.class.rawValue) }
    var refusals = 0
    var code = ""
    for address in addresses.isEmpty ? [nil] : addresses.map({ Optional($0) }) {
      for _ in 0..<Self.refusals {
        let probe = await ask(secret, at: address)
        guard probe.state == .dead else {
          let after =
            probe.state == .alive && refusals > 0 ? " after \(refusals) refusals: its servers disagree" : ""
          return CredentialProbe(probe.state, code: probe.code + after, isRefused: probe.isRefused)
        }
        code = probe.code
        refusals += 1
        if let objection = try await objection() {
          return CredentialProbe(.unknown, code: "\(code), but \(objection)")
        }
      }
    }
    return CredentialProbe(
      .dead, code: code,
      evidence: ProbeEvidence(
        refusals: refusals, controls: hasControl ? refusals : 0, addresses: addresses))
  }

  private func ask(_ secret: Secret, at address: String?) async -> CredentialProbe {
    do throws(CapabilityError) {
      return read(try await environment.http.fetch(request(secret).trusting(trust).alone(at: address)))
    } catch { return CredentialProbe(.unknown, code: error.class.rawValue) }
  }
}

/// The visible head and tail of a key: `sk-ant-api03-R2D...igAA`, `sk-****x7Qa`.
public struct KeyHint: Sendable, Hashable {
  private let head: [UInt8]
  private let tail: [UInt8]

  /// - Returns: nil for a text without a hidden middle or with too short a tail to tell keys apart.
  public init?(_ text: String) {
    let isHidden = { (byte: UInt8) in byte == UInt8(ascii: ".") || byte == UInt8(ascii: "*") }
    let shown = Array(text.utf8)
    guard let first = shown.firstIndex(where: isHidden), let last = shown.lastIndex(where: isHidden) else {
      return nil
    }
    (head, tail) = (Array(shown[..<first]), Array(shown[(last + 1)...]))
    guard tail.count >= 2 else { return nil }
  }

  public func fits(_ secret: Secret) -> Bool {
    let bytes = secret.exposeAsBytes()
    return bytes.count > head.count + tail.count && bytes.starts(with: head)
      && bytes.suffix(tail.count).elementsEqual(tail)
  }
}
