public import Foundation
public import Incidents
import JSON

/// All probes of one secret of one credential, in order: how we know whether it is dead.
public struct CredentialRecord: Sendable, Hashable {
  /// Which side of the rotation a secret is on.
  public enum Subject: String, Sendable, Codable, Hashable {
    case leaked, replacement
  }

  /// One probe as journalled.
  public struct Probe: Sendable, Hashable {
    public let at: Date
    public let state: CredentialState
    /// The provider's word.
    public let code: String
    public let evidence: EvidenceLink
  }

  public let credential: CredentialName
  public let subject: Subject
  /// The handle of the secret.
  public let ref: SecretRef
  /// Never empty.
  public let probes: [Probe]

  /// What the last probe showed.
  public var state: CredentialState { probes.last?.state ?? .unknown }

  /// The last probe that was accepted.
  public var lastAccepted: Probe? { probes.last { $0.state == .alive } }

  /// The first definitive rejection with no acceptance after it; nil while there is none.
  ///
  /// An `unknown` probe after it takes nothing back: a time-out is no acceptance.
  public var firstRejection: Probe? {
    let start = probes.lastIndex { $0.state == .alive }.map { $0 + 1 } ?? 0
    return probes[start...].first { $0.state == .dead }
  }

  /// Rejections since ``firstRejection``, that one included.
  public var rejections: Int {
    let start = probes.lastIndex { $0.state == .alive }.map { $0 + 1 } ?? 0
    return probes[start...].count { $0.state == .dead }
  }
}

extension IncidentRecord {
  /// One record per credential, subject and secret that was probed, in the order of the first probe.
  public var credentials: [CredentialRecord] {
    struct Key: Hashable {
      let credential: CredentialName
      let subject: CredentialRecord.Subject
      let ref: SecretRef
    }
    var order: [Key] = []
    var probes: [Key: [CredentialRecord.Probe]] = [:]
    for event in events(.credentialProbed) {
      let probe = CredentialProbed(event.body)
      guard let name = probe.credential, let subject = probe.subject else { continue }
      let key = Key(credential: name, subject: subject, ref: probe.ref ?? SecretRef(""))
      if probes[key] == nil { order.append(key) }
      // A word that we do not know is no proof of anything.
      probes[key, default: []].append(
        CredentialRecord.Probe(
          at: event.at, state: probe.state ?? .unknown, code: probe.code ?? "", evidence: event.evidence))
    }
    return order.map {
      CredentialRecord(
        credential: $0.credential, subject: $0.subject, ref: $0.ref, probes: probes[$0] ?? [])
    }
  }
}
