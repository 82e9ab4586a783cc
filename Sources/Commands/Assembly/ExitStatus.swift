/// Exit codes, documented in docs/EXIT-CODES.md. Source: sysexits.h, and ours below 64.
public enum ExitStatus: Int32, Sendable, CaseIterable {
  case done = 0
  case failed = 1
  case secretFound = 10
  case stillAlive = 11
  case undeliveredMessages = 12
  case reportCutShort = 13
  case usage = 64
  case invalidInput = 65
  case unavailable = 69
  case waiting = 75
  case declined = 77
  case configuration = 78
  case interrupted = 130

  /// One line for the reference.
  public var meaning: String {
    switch self {
    case .done: "done"
    case .failed: "failed; the message says what and what to do next"
    case .secretFound: "a scan found a secret"
    case .stillAlive: "the old credential is still accepted, or a leaked value is not proven dead"
    case .undeliveredMessages: "contained, but messages are undelivered: staunch ticket send"
    case .reportCutShort: "taken in, but a report brought more secrets than one may: the rest was left out"
    case .usage: "wrong use of the command line"
    case .invalidInput: "an invalid report, playbook, repository or other input"
    case .unavailable: "a service or file could not be reached, or another runner holds the lock"
    case .waiting: "waiting for a person (an approval or a manual step)"
    case .declined: "declined by a person, or refused for safety"
    case .configuration: "staunch.yaml is missing or wrong"
    case .interrupted: "interrupted at a safe point; the same command goes on"
    }
  }
}
