import Response

extension CommandFailure {
  /// A refusal with its exit code.
  init(_ refusal: Refusal) {
    let status: ExitStatus =
      switch refusal.kind {
      case .usage: .usage
      case .invalidInput: .invalidInput
      case .unavailable: .unavailable
      case .declined: .declined
      case .configuration: .configuration
      }
    self.init(status, refusal.what, because: refusal.because, fix: refusal.fix)
  }
}
