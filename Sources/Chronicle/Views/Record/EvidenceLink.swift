public import Foundation
public import Incidents

/// Where a statement about an incident can be checked.
public enum EvidenceLink: Sendable, Hashable {
  /// An event of the journal, by its sequence number and its hash (hex).
  case journal(sequence: Int, hash: String)
  /// A commit, by its full object id.
  case commit(repository: RepositoryName, id: String)
  /// A report of ours beside the journal, in words: `rewrite report of models`.
  case report(String)
  /// A record outside, in words: `forge event log of models`.
  case external(String)

  /// Short text that finds it again: `journal #12`, `commit 0a1b2c3d4e5f of models`.
  public var label: String {
    switch self {
    case .journal(let sequence, _): "journal #\(sequence)"
    case .commit(let repository, let id): "commit \(id.prefix(12)) of \(repository)"
    case .report(let text), .external(let text): text
    }
  }
}

/// How an instant came to be known.
public enum Certainty: String, Sendable, Codable, Hashable {
  /// Our own clock, or the provider's answer to us.
  case observed
  /// Somebody else's word: Git dates are set by the client, an alert's date by its scanner.
  case claimed
  /// A person wrote it down.
  case entered
}

/// An instant with its evidence, or the reason why nobody knows it. Never zero, never a guess.
public enum MetricInstant: Sendable, Hashable {
  case known(Date, Certainty, EvidenceLink)
  case unknown(String)

  /// The instant, or nil when it is unknown.
  public var date: Date? {
    switch self {
    case .known(let date, _, _): date
    case .unknown: nil
    }
  }
}

extension JournalEvent {
  /// This event as evidence.
  public var evidence: EvidenceLink { .journal(sequence: sequence, hash: hash) }
}
