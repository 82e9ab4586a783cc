/// Exit codes, documented in docs/EXIT-CODES.md. Source: sysexits.h, and ours below 64.
public enum ExitStatus: Int32, Sendable, CaseIterable {
  /// Done.
  case done = 0
  /// Failed; the message says what and what to do next.
  case failed = 1
  /// A scan found a secret.
  case secretFound = 10
  /// The old credential is still accepted, or a leaked value is not proven dead.
  case stillAlive = 11
  /// Contained, but messages are undelivered: staunch ticket send.
  case undeliveredMessages = 12
  /// Taken in, but a report brought more secrets than one may: the rest was left out.
  case reportCutShort = 13
  /// Wrong use of the command line.
  case usage = 64
  /// An invalid report, playbook, repository or other input.
  case invalidInput = 65
  /// A service or file could not be reached, or another runner holds the lock.
  case unavailable = 69
  /// Waiting for a person (an approval or a manual step).
  case waiting = 75
  /// Declined by a person, or refused for safety.
  case declined = 77
  /// `staunch.yaml` is missing or wrong.
  case configuration = 78
  /// Interrupted at a safe point; the same command goes on.
  case interrupted = 130
}
