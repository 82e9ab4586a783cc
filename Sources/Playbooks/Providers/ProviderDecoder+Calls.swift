import Capabilities

// The parts of a provider file that are calls.
extension ProviderDecoder {
  /// - Parameters:
  ///   - reads: the call must not change anything: GET, or a POST that the API made a question.
  ///   - names: what its expressions may say beside `settings`.
  mutating func call(
    _ members: [String: YAMLNode], of key: String, at position: SourcePosition, reads: Bool,
    as standard: ProviderCall.Presenter, _ names: Set<String>
  ) -> ProviderCall? {
    let methods: [(String, HTTPRequest.Method)] = [
      ("get", .get), ("post", .post), ("put", .put), ("patch", .patch), ("delete", .delete),
    ]
    let named = methods.filter { members[$0.0] != nil }
    guard let (word, method) = named.first, named.count == 1 else {
      report(
        named.isEmpty ? .missingKey : .misplacedKey, position,
        "\"\(key)\" needs one of get, post, put, patch, delete")
      return nil
    }
    if reads, ![.get, .post].contains(method) {
      report(
        .unsafeCall, members[word]?.position ?? position,
        "\"\(key)\" only looks, and \(method.rawValue) changes something",
        "use get, or post where the API wants a question so")
    }
    guard let path = members[word].flatMap({ path($0, names) }) else { return nil }
    let presenter = self.word(members["as"], of: "as", ProviderCall.Presenter.self, default: standard)
    if members["body"] != nil, let form = members["form"] {
      report(.misplacedKey, form.position, "\"body\" and \"form\" stand side by side", "keep one of them")
    }
    let isForm = members["form"] != nil
    let body = (members["form"] ?? members["body"]).flatMap { self.body($0, names) }
    return ProviderCall(
      method: method, base: base(members["at"]), path: path, presenter: presenter,
      headers: headers(members["headers"], names),
      body: body,
      isForm: isForm, keeps: keeps(members["keeps"], method, body, isForm), position: position)
  }

  private mutating func keeps(
    _ node: YAMLNode?, _ method: HTTPRequest.Method, _ body: ProviderBody?, _ isForm: Bool
  )
    -> [String]
  {
    guard let node else { return [] }
    guard method == .put, case .record? = body, !isForm else {
      report(
        .misplacedKey, node.position, "\"keeps\" is of a put whose body is a mapping",
        "leave it out: nothing else replaces the whole")
      return []
    }
    return (list(node, of: "keeps") ?? []).compactMap { text($0, of: "keeps") }
  }

  mutating func verification(_ node: YAMLNode) -> ProviderVerification? {
    guard let members = members(of: node, as: .providerVerify),
      let call = call(members, of: "verify", at: node.position, reads: true, as: .leaked, ["ref"]),
      let alive = members["alive"].flatMap({ condition($0, of: "alive", ["answer"]) })
    else { return nil }
    if members["dead"] == nil, members["refused"] == nil {
      report(
        .missingKey, node.position, "\"verify\" says of no answer that the credential is dead",
        "add refused: answer.status == 401, or dead: with the provider's own word")
    }
    return ProviderVerification(
      call: call, alive: alive, dead: members["dead"].flatMap { condition($0, of: "dead", ["answer"]) },
      refused: members["refused"].flatMap { condition($0, of: "refused", ["answer"]) },
      code: members["code"].flatMap { template($0, of: "code", ["answer"]) },
      isControlledByRunner: members["control"].map { $0.string == "runner" } ?? false,
      controlUser: members["control_user"].flatMap { template($0, of: "control_user", []) })
  }

  mutating func identity(_ node: YAMLNode?, hasHint: Bool) -> ProviderIdentity {
    guard let node else { return .entry }
    guard let members = members(of: node, as: .providerIdentify) else { return .entry }
    if boolean(members["hint"], of: "hint") == true {
      if !hasHint {
        report(
          .missingKey, node.position, "\"identify\" looks for a hint, and \"list\" has none",
          "add hint: to list:")
      }
      return .hint
    }
    if let setting = text(members["setting"], of: "setting") {
      if settings[setting] != false {
        report(
          .unknownName, node.position, "there is no plain setting \"\(setting)\"",
          "declare it under settings:")
      }
      return .setting(setting)
    }
    if let part = integer(members["part"], of: "part", atLeast: 1) {
      let between = text(members["between"], of: "between") ?? ""
      if between.isEmpty {
        report(.missingKey, node.position, "\"part\" needs \"between\"", "add between: \".\"")
      }
      return .part(part - 1, between: between)
    }
    guard let id = members["id"].flatMap({ template($0, of: "id", ["answer"]) }) else {
      report(.missingKey, node.position, "\"identify\" needs id, setting, part or hint: true")
      return .entry
    }
    let hasCall = ["get", "post", "put", "patch", "delete"].contains { members[$0] != nil }
    let call =
      hasCall ? call(members, of: "identify", at: node.position, reads: true, as: .leaked, []) : nil
    return .answer(call, id: id)
  }

  mutating func listing(_ node: YAMLNode, of key: String) -> ProviderListing? {
    guard let members = members(of: node, as: .providerList),
      let call = call(
        members, of: key, at: node.position, reads: true, as: .runner, key == "list" ? [] : ["ref"]),
      let items = members["items"].flatMap({ expression($0, of: "items", ["answer"]) }),
      let id = members["id"].flatMap({ template($0, of: "id", ["item"]) })
    else { return nil }
    return ProviderListing(
      call: call, items: items, id: id, hint: members["hint"].flatMap { template($0, of: "hint", ["item"]) },
      name: members["name"].flatMap { template($0, of: "name", ["item"]) },
      created: members["created"].flatMap { template($0, of: "created", ["item"]) },
      isCounted: members["where"].flatMap { condition($0, of: "where", ["item", "ref"]) },
      what: members["what"].flatMap { template($0, of: "what", []) }, page: text(members["page"], of: "page"),
      first: integer(members["first"], of: "first", atLeast: 0) ?? 1,
      cursor: members["cursor"].flatMap { expression($0, of: "cursor", ["answer"]) },
      hasMore: members["more"].flatMap { condition($0, of: "more", ["answer"]) })
  }

  mutating func inspection(_ node: YAMLNode) -> (call: ProviderCall, facts: [String: Template])? {
    guard let members = members(of: node, as: .providerInspect),
      let call = call(members, of: "inspect", at: node.position, reads: true, as: .runner, ["ref"])
    else { return nil }
    var facts: [String: Template] = [:]
    for member in members["facts"]?.members ?? [] {
      facts[member.key] = template(member.value, of: member.key, ["answer"])
    }
    return (call, facts)
  }

  mutating func right(_ node: YAMLNode) -> ProviderRight? {
    guard let members = members(of: node, as: .providerRight),
      let call = call(members, of: "rights", at: node.position, reads: true, as: .runner, [])
    else { return nil }
    return ProviderRight(
      what: text(members["what"], of: "what") ?? "", call: call,
      ready: members["ready"].flatMap { condition($0, of: "ready", ["answer"]) })
  }

  mutating func issuing(_ node: YAMLNode) -> ProviderIssuing? {
    guard let members = members(of: node, as: .providerIssue) else { return nil }
    let way = word(members["by"], of: "by", ProviderIssuing.Way.self, default: .unnamed)
    let standard: ProviderCall.Presenter = way == .rotated ? .leaked : .runner
    guard
      let call = call(
        members, of: "issue", at: node.position, reads: false, as: standard, ["ref", "marker"])
    else { return nil }
    if way == .generated {
      if members["take"] != nil || call.body?.holdsFresh != true {
        report(
          .misplacedKey, node.position, "a generated value is sent, not taken",
          "write ${{ fresh }} into the body, and no take:")
      }
    } else if members["take"] == nil || members["id"] == nil && way != .rotated {
      report(
        .missingKey, node.position, "\"issue\" needs take: and id:",
        "say where the answer has the new value and its id")
    }
    return ProviderIssuing(
      way: way, call: call, id: members["id"].flatMap { template($0, of: "id", ["answer"]) },
      take: members["take"].flatMap { expression($0, of: "take", ["answer"]) },
      length: integer(members["length"], of: "length", atLeast: 16) ?? 32)
  }

  mutating func change(_ node: YAMLNode, of key: String, _ names: Set<String>) -> ProviderChange? {
    guard let members = members(of: node, as: .providerChange),
      let call = call(members, of: key, at: node.position, reads: false, as: .runner, names)
    else { return nil }
    return ProviderChange(
      call: call, done: members["done"].flatMap { condition($0, of: "done", ["answer"]) },
      gone: members["gone"].flatMap { condition($0, of: "gone", ["answer"]) },
      isReversible: boolean(members["reversible"], of: "reversible") ?? false)
  }

  mutating func sessions(_ node: YAMLNode) -> (count: ProviderListing, end: ProviderChange)? {
    guard let members = members(of: node, as: .providerSessions),
      let count = members["count"].flatMap({ listing($0, of: "count") }),
      let end = members["end"].flatMap({ change($0, of: "end", ["ref"]) })
    else { return nil }
    return (count, end)
  }

  mutating func reach(_ node: YAMLNode) -> ProviderReach? {
    guard let members = members(of: node, as: .providerReach),
      let call = call(members, of: "reach", at: node.position, reads: true, as: .runner, ["ref"])
    else { return nil }
    return ProviderReach(
      call: call, read: members["read"].flatMap { expression($0, of: "read", ["answer"]) },
      change: members["change"].flatMap { expression($0, of: "change", ["answer"]) },
      isComplete: boolean(members["complete"], of: "complete") ?? false)
  }

  /// What no single part shows.
  mutating func check(_ description: ProviderDescription, _ root: YAMLNode) {
    let calls = description.calls
    if description.runner.isEmpty, let call = calls.first(where: { $0.presenter == .runner }) {
      report(
        .missingKey, call.position, "this call shows the runner's own credential, and \"runner\" names none",
        "add runner: [{with: SETTING}], or as: leaked")
    }
    if case .none = description.login {
      for call in calls where call.presenter == .leaked && call.body?.holdsSecret != true {
        report(
          .missingKey, call.position, "nothing of this call shows the credential",
          "write ${{ secret }} into its body")
      }
    }
    if let issue = description.issue, issue.way == .named, description.list?.name == nil {
      report(
        .missingKey, issue.call.position, "what is issued by name is looked for by name",
        "add list: with name:")
    }
    if let issue = description.issue, issue.way == .unnamed, description.list == nil {
      report(
        .missingKey, issue.call.position, "what is issued without a name is found by comparing ids",
        "add list:")
    }
  }
}

extension ProviderDescription {
  /// Every call, but for those that exchange a login.
  var calls: [ProviderCall] {
    var calls = [verify.call]
    if case .answer(let call?, _) = identity { calls.append(call) }
    calls += [list, successors, sessions?.count].compactMap { $0?.call }
    calls += [disable, delete, sessions?.end].compactMap { $0?.call }
    calls += [inspect?.call, issue?.call, reach?.call].compactMap { $0 } + rights.map(\.call)
    return calls
  }
}

extension ProviderBody {
  var holdsFresh: Bool {
    switch self {
    case .fresh: true
    case .secret, .template: false
    case .list(let elements): elements.contains(where: \.holdsFresh)
    case .record(let members): members.values.contains(where: \.holdsFresh)
    }
  }
}
