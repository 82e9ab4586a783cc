import Capabilities
import Incidents
import JSON
import Playbooks

/// Reads and checks a staunch.yaml. All problems are reported at once.
public struct ConfigurationReader {
  private let file: String
  private let directory: String
  let catalogue: AdapterCatalogue
  private var problems: [ConfigurationError.Problem] = []
  /// The entries under `credentials:`, once they are read.
  var credentialNames: [String] = []

  /// - Parameters:
  ///   - source: the text of the file.
  ///   - file: how messages name it.
  ///   - directory: what relative repository paths start from.
  /// - Throws: ``ConfigurationError`` with everything that is wrong.
  public static func read(_ source: String, file: String, directory: String, catalogue: AdapterCatalogue)
    throws(ConfigurationError) -> Configuration
  {
    var reader = ConfigurationReader(file: file, directory: directory, catalogue: catalogue)
    let root: YAMLNode
    do {
      root = try YAMLReader.read(source, file: file)
    } catch {
      throw ConfigurationError(
        error.diagnostics.map {
          ConfigurationError.Problem("\($0.position)", $0.message, suggestion: $0.suggestion)
        })
    }
    let configuration = reader.configuration(root)
    guard reader.problems.isEmpty else { throw ConfigurationError(reader.problems) }
    return configuration
  }

  /// The directory of a team's own provider files that `source` names, absolute; nil: none, or what ``read`` reports.
  ///
  /// It is read first: which kinds there are decides what else may stand in the file.
  public static func providers(in source: String, directory: String) -> String? {
    let root: YAMLNode
    do { root = try YAMLReader.read(source, file: "staunch.yaml") } catch { return nil }
    return root["providers"]?.string.map { absolute($0, in: directory) }
  }

  private static func absolute(_ path: String, in directory: String) -> String {
    path.hasPrefix("/") ? path : directory + "/" + path
  }

  private init(file: String, directory: String, catalogue: AdapterCatalogue) {
    self.file = file
    self.directory = directory
    self.catalogue = catalogue
  }

  private static let sections = [
    "staunch", "drill", "credentials", "stores", "consumers", "repositories", "trackers", "routes", "policy",
    "sources", "receiver", "exchange", "providers",
  ]

  private mutating func configuration(_ root: YAMLNode) -> Configuration {
    var configuration = Configuration(file: file)
    guard root.members != nil else {
      problem(root, "the file must be a mapping", "start with: staunch: 1")
      return configuration
    }
    refuseUnknown(root, known: Self.sections)
    if case .integer(1)? = root["staunch"]?.content {
    } else {
      problem(root["staunch"] ?? root, "the file must say which version it is", "add: staunch: 1")
    }
    configuration.guidedKinds = catalogue.guided
    configuration.providers = text(root, "providers").map { Self.absolute($0, in: directory) }
    configuration.isDrill = boolean(root, "drill") ?? false
    for (name, node) in entries(root, "stores") {
      configuration.stores[StoreName(name)] = target(name, node, catalogue.stores)
    }
    for (name, node) in entries(root, "consumers") {
      configuration.consumers[ConsumerName(name)] = target(name, node, catalogue.consumers)
    }
    for (name, node) in entries(root, "trackers") {
      configuration.trackers[TrackerName(name)] = target(name, node, catalogue.trackers)
    }
    for (name, node) in entries(root, "repositories") {
      configuration.repositories[RepositoryName(name)] = repository(name, node)
    }
    for (name, node) in entries(root, "credentials") {
      configuration.credentials[CredentialName(name)] = credential(name, node, &configuration)
    }
    credentialNames = configuration.credentials.keys.map(\.rawValue).sorted()
    for node in root["routes"].flatMap({ elements($0) }) ?? [] {
      if let route = route(node, configuration) { configuration.routes.append(route) }
    }
    if let node = root["policy"] { configuration.policy = policy(node, configuration) }
    for node in root["sources"].flatMap({ elements($0) }) ?? [] {
      if let source = source(node) { configuration.sources.append(source) }
    }
    if let node = root["receiver"] { configuration.receiver = receiver(node) }
    if let node = root["exchange"] { configuration.exchange = exchange(node) }
    return configuration
  }

  // MARK: words

  /// The kinds that the words of `key` mean: kinds and families.
  mutating func kinds(_ node: YAMLNode, _ key: String) -> [CredentialKind] {
    let words = texts(node, key)
    var found: [CredentialKind] = []
    for word in words {
      let kinds = KindTable.builtin.kinds(meant: word)
      if kinds.isEmpty, let place = node[key] {
        let begun = KindTable.builtin.words.filter { $0.hasPrefix(word) }.map { "\"\($0)\"" }
        problem(
          place, "there is no kind \"\(word)\"",
          begun.isEmpty
            ? Suggestion.phrase(for: word, among: KindTable.builtin.words)
            : "did you mean \(begun.joined(separator: " or "))?")
      }
      found += kinds.filter { !found.contains($0) }
    }
    return found
  }

  /// Words of a condition. One that no report ever says would make a route that never fits, and nobody would notice.
  private mutating func words(_ node: YAMLNode, _ key: String, _ known: [String]) -> [String] {
    let words = texts(node, key)
    for word in words where !known.contains(word) { unknown(node[key], key, word, known) }
    return words
  }

  private mutating func repository(_ name: String, _ node: YAMLNode) -> Configuration.Repository? {
    refuseUnknown(node, known: ["path", "remote", "aliases", "trust_config"])
    guard let path = text(node, "path") else {
      problem(node, "\"\(name)\" has no path", "add: path: /path/to/a/clone")
      return nil
    }
    return Configuration.Repository(
      name: RepositoryName(name), path: path.hasPrefix("/") ? path : directory + "/" + path,
      remote: text(node, "remote"), aliases: texts(node, "aliases"),
      trustsConfig: boolean(node, "trust_config") ?? false)
  }

  private mutating func route(_ node: YAMLNode, _ configuration: Configuration) -> Configuration.Route? {
    refuseUnknown(
      node,
      known: [
        "when", "playbook", "credential", "store", "consumers", "repositories", "tracker", "autonomy",
        "actions",
      ])
    let conditions = node["when"]
    if let conditions { refuseUnknown(conditions, known: ["kind", "repository", "source", "validity"]) }
    guard let playbook = text(node, "playbook") else {
      problem(node, "the route names no playbook", "add: playbook: rotate-leaked-credential")
      return nil
    }
    let credential = text(node, "credential").map { CredentialName($0) }
    if let credential, configuration.credentials[credential] == nil {
      unknown(
        node["credential"], "credential", credential.rawValue, configuration.credentials.keys.map(\.rawValue))
    }
    let repositories = texts(node, "repositories").map { RepositoryName($0) }
    for name in repositories where configuration.repositories[name] == nil {
      unknown(
        node["repositories"], "repository", name.rawValue, configuration.repositories.keys.map(\.rawValue))
    }
    let tracker = text(node, "tracker").map { TrackerName($0) }
    if let tracker, configuration.trackers[tracker] == nil {
      unknown(node["tracker"], "tracker", tracker.rawValue, configuration.trackers.keys.map(\.rawValue))
    }
    let store = text(node, "store").map { StoreName($0) }
    if let store, configuration.stores[store] == nil {
      unknown(node["store"], "store", store.rawValue, configuration.stores.keys.map(\.rawValue))
    }
    var autonomy = Configuration.Route.Autonomy.plan
    if let word = text(node, "autonomy") {
      if let known = Configuration.Route.Autonomy(rawValue: word) {
        autonomy = known
      } else {
        unknown(node["autonomy"], "autonomy", word, Configuration.Route.Autonomy.allCases.map(\.rawValue))
      }
    }
    return Configuration.Route(
      kinds: conditions.map { kinds($0, "kind").map(\.rawValue) } ?? [],
      repositories: conditions.map { texts($0, "repository") } ?? [],
      sources: conditions.map { words($0, "source", FindingSource.allCases.map(\.rawValue)) } ?? [],
      validities: conditions.map { words($0, "validity", Validity.allCases.map(\.rawValue)) } ?? [],
      playbook: PlaybookID(playbook),
      credential: credential, store: store,
      consumers: node["consumers"] == nil ? nil : texts(node, "consumers").map { ConsumerName($0) },
      targets: repositories, tracker: tracker, autonomy: autonomy, actions: actions(node, autonomy),
      position: "\(node.position)")
  }

  private mutating func policy(_ node: YAMLNode, _ configuration: Configuration) -> Configuration.Policy {
    var policy = Configuration.Policy()
    if case .null = node.content { return policy }
    refuseUnknown(
      node,
      known: [
        "approvals", "approvers", "exceptions", "operator", "retention", "storm", "critical_kinds", "calls",
        "escalation",
      ])
    if let retention = node["retention"] {
      if let duration = text(node, "retention").flatMap({ DurationText.parse($0) }) {
        policy.retention = duration
      } else {
        problem(retention, "\"retention\" must be a duration", "retention: 30d")
      }
    }
    policy.localPerson = node["operator"] == nil ? nil : text(node, "operator")
    if let storm = node["storm"] { read(storm, into: &policy) }
    policy.criticalKinds = Set(kinds(node, "critical_kinds").map(\.rawValue))
    if let escalation = node["escalation"] { policy.escalation = self.escalation(escalation, configuration) }
    if let calls = node["calls"] { policy.calls = callLimits(calls) }
    if let approvals = node["approvals"] {
      refuseUnknown(approvals, known: ["minimum", "not_initiator", "roles"])
      let roles = texts(approvals, "roles")
      if !roles.isEmpty {
        policy.approvalRoles = Set(roles)
      } else if let wrong = approvals["roles"] {
        problem(wrong, "\"roles\" must name who may approve plans", "roles: [responder, repository-admin]")
      }
      if case .integer(let minimum)? = approvals["minimum"]?.content, minimum >= 1 {
        policy.minimumApprovals = minimum
      } else if let wrong = approvals["minimum"] {
        problem(wrong, "\"minimum\" must be a whole number from 1", nil)
      }
      policy.notInitiator = boolean(approvals, "not_initiator") ?? false
    }
    if let approvers = node["approvers"] {
      problem(
        approvers, "whose approval counts is no setting: this file may lie where a leak came from",
        "remove approvers; trust each of them with staunch people trust")
    }
    for (name, actions) in node["exceptions"].map({ entries($0) }) ?? [] {
      policy.exceptions[name] = actions.elements?.compactMap(\.string) ?? []
    }
    return policy
  }

  private mutating func escalation(_ node: YAMLNode, _ configuration: Configuration)
    -> Configuration.Policy.Escalation?
  {
    refuseUnknown(node, known: ["after", "tracker"])
    guard let after = text(node, "after").flatMap({ DurationText.parse($0) }), after > .zero else {
      problem(
        node["after"] ?? node, "\"after\" must be a duration", "escalation: {after: 15m, tracker: pager}")
      return nil
    }
    let tracker = node["tracker"] == nil ? nil : text(node, "tracker").map { TrackerName($0) }
    if let tracker, configuration.trackers[tracker] == nil {
      unknown(node["tracker"], "tracker", tracker.rawValue, configuration.trackers.keys.map(\.rawValue))
    }
    return Configuration.Policy.Escalation(after: after, tracker: tracker)
  }
}

// MARK: small readers

extension ConfigurationReader {
  mutating func problem(_ node: YAMLNode, _ message: String, _ suggestion: String?) {
    problems.append(ConfigurationError.Problem("\(node.position)", message, suggestion: suggestion))
  }

  mutating func unknown(_ node: YAMLNode?, _ noun: String, _ word: String, _ known: [String]) {
    problems.append(
      ConfigurationError.Problem(
        node.map { "\($0.position)" } ?? file, "there is no \(noun) \"\(word)\"",
        suggestion: Suggestion.phrase(for: word, among: known.sorted())))
  }

  mutating func refuseUnknown(_ node: YAMLNode, known: [String]) {
    for member in node.members ?? [] where !known.contains(member.key) {
      problems.append(
        ConfigurationError.Problem(
          "\(member.keyPosition)", "unknown key \"\(member.key)\"",
          suggestion: Suggestion.phrase(for: member.key, among: known)))
    }
  }

  /// Named entries of a section; an absent or empty section has none.
  mutating func entries(_ root: YAMLNode, _ section: String) -> [(String, YAMLNode)] {
    guard let node = root[section] else { return [] }
    return entries(node)
  }

  mutating func entries(_ node: YAMLNode) -> [(String, YAMLNode)] {
    if case .null = node.content { return [] }
    if node.elements?.isEmpty == true { return [] }  // `consumers: []`
    guard let members = node.members else {
      problem(node, "this must be a mapping, not \(node.kind)", nil)
      return []
    }
    return members.map { ($0.key, $0.value) }
  }

  mutating func elements(_ node: YAMLNode) -> [YAMLNode] {
    if case .null = node.content { return [] }
    guard let elements = node.elements else {
      problem(node, "this must be a list, not \(node.kind)", "start each entry with a dash")
      return []
    }
    return elements
  }

  mutating func text(_ node: YAMLNode, _ key: String) -> String? {
    guard let value = node[key] else { return nil }
    guard let text = value.string else {
      problem(value, "\"\(key)\" must be text, not \(value.kind)", "put it in quotes")
      return nil
    }
    return text
  }

  /// One text or a list of texts.
  mutating func texts(_ node: YAMLNode, _ key: String) -> [String] {
    guard let value = node[key] else { return [] }
    if let text = value.string { return [text] }
    return elements(value).compactMap { element in
      if element.string == nil { problem(element, "\"\(key)\" must hold text, not \(element.kind)", nil) }
      return element.string
    }
  }

  mutating func boolean(_ node: YAMLNode, _ key: String) -> Bool? {
    guard let value = node[key] else { return nil }
    guard case .boolean(let truth) = value.content else {
      problem(value, "\"\(key)\" must be true or false, not \(value.kind)", nil)
      return nil
    }
    return truth
  }
}

extension YAMLNode {
  /// This node as data.
  var json: JSONValue {
    switch content {
    case .null: .null
    case .boolean(let truth): .boolean(truth)
    case .integer(let number): .integer(number)
    case .number(let text): Double(text).map { .number($0) } ?? .string(text)
    case .string(let text): .string(text)
    case .sequence(let elements): .array(elements.map(\.json))
    case .mapping(let members):
      .object(Dictionary(members.map { ($0.key, $0.value.json) }, uniquingKeysWith: { _, last in last }))
    }
  }
}
