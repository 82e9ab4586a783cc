/// A drill's script: what happens, what goes wrong on the way, and what must be reached by when.
public struct Scenario: Sendable, Hashable {
  /// As written after `staunch drill run`.
  public let id: String
  public let title: String
  /// What starts it, for people.
  public let trigger: String
  /// What makes it hard, for people.
  public let complication: String
  /// The playbook that answers both leaks in one run; nil: each by its route.
  public let playbook: String?
  public let world: World
  /// In the order of their moments.
  public let injects: [Inject]
  public let objectives: [Objective]
  /// The text of the file, for the digest that scoreboards compare by.
  public let source: String

  /// Whose credentials leak, and what uses them.
  public enum World: String, Sendable, CaseIterable {
    /// A training script with an OpenAI key and a database password in it.
    case openAIAndDatabase = "openai-and-database"
    /// A model server in Kubernetes, with the registry's token and a key of S3.
    case kubernetesModelServer = "kubernetes-model-server"
    /// A pipeline on ECS, with an AWS key and the password of Redshift.
    case awsECSPipeline = "aws-ecs-pipeline"
  }

  /// The faults among the injects.
  var faults: [Fault] { injects.compactMap { if case .fault(let fault) = $0.content { fault } else { nil } } }

  /// The step after whose first event the process is stopped as if it crashed; nil when the scenario has no crash.
  public var crashStep: String? {
    for inject in injects { if case .crash(let step) = inject.content { return step } }
    return nil
  }
}

/// Something that the scenario does at a moment.
public struct Inject: Sendable, Hashable {
  public enum Content: Sendable, Hashable {
    /// A server of the sandbox misbehaves.
    case fault(Fault)
    /// The people are told something.
    case message(String)
    /// The process stops at this step as if it crashed; the next one resumes.
    case crash(step: String)
  }
  /// Since the drill began.
  public let at: Duration
  public let content: Content
}

/// One kind of misbehaviour of a sandbox server.
public struct Fault: Sendable, Hashable {
  public enum Kind: String, Sendable, CaseIterable {
    /// The provider answers 429 with `Retry-After: 1`.
    case rateLimit = "rate_limit"
    /// The provider answers 503.
    case serverError = "server_error"
    /// A deleted key is still accepted, as at a provider that is eventually consistent.
    case stillAlive = "still_alive"
    /// The provider issues a key and its reply is lost.
    case lostReply = "lost_reply"
    /// The program fails its health check after the restart.
    case consumerBreaks = "consumer_breaks"
    /// A part of the program (a pod, a task) is still there after the restart, with the old values, when it is asked for.
    case stragglingPart = "straggling_part"
    /// The ticket system answers 503.
    case notifierDown = "notifier_down"
    /// The ticket system takes a message and its reply is lost.
    case lostTicketReply = "lost_ticket_reply"
    /// The issue tracker breaks the connection before it takes a comment: the issue is there, the comment is not.
    case lostComment = "lost_comment"
    /// Somebody else uses the leaked key, and the provider's usage report shows it from then on.
    case abuse
  }
  public let kind: Kind
  /// From this moment on.
  public let at: Duration
  /// How often it strikes, from 1.
  public let times: Int
}

/// What must be reached, and by when.
public struct Objective: Sendable, Hashable {
  public enum Kind: String, Sendable, CaseIterable {
    /// Every leak has an incident.
    case detect
    /// Every plan has an approval.
    case acknowledge
    /// Every leaked credential is proven dead, and is.
    case contain
    /// Replacements work, programs are healthy, old sessions are gone, nothing else was touched.
    case complete
    /// No copy is left in the repository, its remote and a fresh clone.
    case eradicate
    /// Every incident has exactly one ticket, told of containment and closed.
    case communicate
    /// No secret stands in any output.
    case secrecy
    /// After a crash or a lost reply: no second key, no second ticket.
    case resume
    /// Every incident has a draft without errors of the blameless lint.
    case postmortem
  }
  public let kind: Kind
  /// Since the drill began; nil: whenever it ends.
  public let within: Duration?
}
