/// One thing that a target must be able to do, as the system behind it answers before an incident asks for it.
public struct Readiness: Sendable, Hashable {
  public enum Verdict: Sendable, Hashable {
    /// The system said yes; in its words where there are some.
    case ready(String)
    /// The system said no: a run would fail here.
    case missing(because: String, fix: String)
    /// Nobody could ask, or the answer says nothing: it may work and it may not.
    case unknown(because: String)
  }

  /// The right or thing, for example `CREATEROLE`.
  public let what: String
  public let verdict: Verdict

  public init(_ what: String, _ verdict: Verdict) {
    self.what = what
    self.verdict = verdict
  }

  /// What a question that failed says: a refusal is an answer, a connection that broke is none about the right.
  public init(_ what: String, _ error: CapabilityError) {
    self.init(
      what,
      .missing(
        because: "\(error.operation): \(error.because)", fix: error.fix ?? "correct the entry in staunch.yaml"
      ))
  }
}
