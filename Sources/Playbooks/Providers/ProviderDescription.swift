public import Capabilities

/// A provider of credentials as data: what a file of `playbooks/providers`, or of a team's own directory, says of one API.
///
/// Read by ``load(source:file:)``; `CredentialProviders` makes a provider of it. Conditions and texts are expressions of the
/// playbook language, over `answer` (`status`, `headers`, `body`), `item`, `settings`, `ref` and `marker`. A secret is no name
/// of an expression: `${{ secret }}` and `${{ fresh }}` stand alone as a value of a body, so none gets into an address.
public struct ProviderDescription: Sendable {
  /// The word after `kind:` in staunch.yaml.
  public let kind: String
  /// As messages name it.
  public let file: String
  /// Of its text, in lower-case hexadecimal digits: what was approved is bound to it.
  public let sha256: String
  public let summary: String
  /// Pages of its API; at least one, `https:`.
  public let documentation: [String]
  /// What its calls were compared with.
  public let seen: ProviderSource
  /// What no page told.
  public let unseen: String?
  /// The least that the runner's own credential must be allowed.
  public let privilege: String
  /// What lives on when the credential is stopped.
  public let survives: String
  /// Where a person makes and revokes one.
  public let console: String?
  /// Without a slash at its end; nil: an entry of staunch.yaml names it.
  public let base: String?
  /// In the order of the file.
  public let settings: [SettingDeclaration]
  /// How the leaked credential is shown.
  public let login: ProviderLogin
  public let runner: [ProviderRunner]
  public let headers: [ProviderHeader]
  public let propagation: Duration
  public let isOverlapping: Bool
  public let verify: ProviderVerification
  public let identity: ProviderIdentity
  public let list: ProviderListing?
  public let inspect: (call: ProviderCall, facts: [String: Template])?
  public let rights: [ProviderRight]
  public let issue: ProviderIssuing?
  public let disable: ProviderChange?
  public let delete: ProviderChange?
  public let sessions: (count: ProviderListing, end: ProviderChange)?
  public let successors: ProviderListing?
  public let reach: ProviderReach?

  /// What it can do, in the words of the port, in order.
  public var verbs: [String] {
    var verbs = ["identify", "verify"]
    if issue != nil { verbs.append("issue") }
    if disable != nil { verbs.append("disable") }
    if delete != nil { verbs.append("delete") }
    if sessions != nil { verbs.append("sessions") }
    if successors != nil { verbs.append("successors") }
    if reach != nil { verbs.append("reach") }
    return verbs
  }
}

/// What the calls of a file were compared with, so that nobody believes more than somebody saw.
public enum ProviderSource: String, Sendable, CaseIterable {
  /// The vendor's pages, or the machine-readable description of its API.
  case documentation
  /// A program that speaks with the API: the vendor's own client, or another one.
  case client = "client source"
  /// Nothing: the file says what somebody remembered.
  case none
}

/// How a credential is shown in a request.
public enum ProviderLogin: Sendable {
  case header(String, prefix: String)
  /// HTTP basic (RFC 7617): this user, and the credential as the password.
  case basic(user: Template)
  /// HTTP basic: the credential is the user's name, and there is no password.
  case user
  /// In the body alone.
  case none
}

/// A credential of the runner's own.
public struct ProviderRunner: Sendable {
  /// The setting that refers to it.
  public let setting: String
  public let login: ProviderLogin
  /// It is first exchanged for a token of short life.
  public let token: (path: Template, body: ProviderBody, take: Expression)?
}

/// A header that is no secret.
public struct ProviderHeader: Sendable {
  public let name: String
  public let value: Template
}

/// What stands in a body: data with expressions, and secrets as whole values.
public indirect enum ProviderBody: Sendable {
  /// The credential that the call is about, or the runner's own in ``ProviderRunner/token``.
  case secret
  /// A new random value.
  case fresh
  case template(Template)
  case list([ProviderBody])
  case record([String: ProviderBody])

  var holdsSecret: Bool {
    switch self {
    case .secret: true
    case .fresh, .template: false
    case .list(let elements): elements.contains(where: \.holdsSecret)
    case .record(let members): members.values.contains(where: \.holdsSecret)
    }
  }
}

/// One HTTP request below the base address.
public struct ProviderCall: Sendable {
  /// Whose credential it shows.
  public enum Presenter: String, Sendable, CaseIterable { case leaked, runner, nobody }

  public let method: HTTPRequest.Method
  /// Another address than ``ProviderDescription/base``, which an entry's own stands for, too; nil: that one.
  public let base: String?
  /// From its slash on, with the query. What an expression gives is one part of it and is escaped as such.
  public let path: Template
  public let presenter: Presenter
  public let headers: [ProviderHeader]
  public let body: ProviderBody?
  /// `application/x-www-form-urlencoded` rather than JSON.
  public let isForm: Bool
  /// Members that stay as a GET of the same path gives them; `*` stands for all of them. Empty: the body is the whole.
  public let keeps: [String]
  public let position: SourcePosition

  /// The question what stands at its path now.
  public var looking: ProviderCall {
    ProviderCall(
      method: .get, base: base, path: path, presenter: presenter, headers: headers, body: nil, isForm: false,
      keeps: [], position: position)
  }

  /// Whether it cannot be made without the credential that it is about.
  public var needsSecret: Bool { presenter == .leaked || body?.holdsSecret == true }
}

/// How the public id of a credential is found.
public enum ProviderIdentity: Sendable {
  /// Nobody tells: the entry of staunch.yaml has an `id`, or lends its name.
  case entry
  /// The entry names the account.
  case setting(String)
  /// The answer to `call`, or to the question of ``ProviderVerification``, tells.
  case answer(ProviderCall?, id: Template)
  /// A part of the credential, from 0.
  case part(Int, between: String)
  /// The element of the list whose visible head and tail fit.
  case hint
}

/// A list that the API gives, in pages or whole.
public struct ProviderListing: Sendable {
  public let call: ProviderCall
  public let items: Expression
  public let id: Template
  public let hint: Template?
  public let name: Template?
  public let created: Template?
  public let isCounted: Expression?
  public let what: Template?
  /// The part of the query for the next page.
  public let page: String?
  /// The first page's number, where there is no cursor.
  public let first: Int
  public let cursor: Expression?
  /// Whether another page follows; nil: until a page has nothing new.
  public let hasMore: Expression?
}

/// One right that `doctor` asks for.
public struct ProviderRight: Sendable {
  public let what: String
  public let call: ProviderCall
  public let ready: Expression?
}

/// How a new credential is made.
public struct ProviderIssuing: Sendable {
  public enum Way: String, Sendable, CaseIterable { case named, unnamed, rotated, generated }
  public let way: Way
  public let call: ProviderCall
  /// Nil when the id stays: a value is set anew.
  public let id: Template?
  /// Where the new value stands; nil when we generated it.
  public let take: Expression?
  /// Characters of a generated value.
  public let length: Int
}

/// A call that changes what a credential can do.
public struct ProviderChange: Sendable {
  public let call: ProviderCall
  public let done: Expression?
  public let gone: Expression?
  public let isReversible: Bool
}

/// What a credential can read and change, as an answer tells it.
public struct ProviderReach: Sendable {
  public let call: ProviderCall
  public let read: Expression?
  public let change: Expression?
  public let isComplete: Bool
}

extension ProviderCall {
  /// The same call with another login.
  public func shown(by presenter: Presenter) -> ProviderCall {
    ProviderCall(
      method: method, base: base, path: path, presenter: presenter, headers: headers, body: body,
      isForm: isForm, keeps: keeps, position: position)
  }
}
