import Capabilities
import Foundation

extension ProviderDescription {
  /// Reads a provider file.
  ///
  /// - Parameter file: as messages name it; the part of its name before `.yaml` must be its `kind`.
  /// - Throws: everything that is wrong with it, each at its place.
  public static func load(source: String, file: String) throws(PlaybookError) -> ProviderDescription {
    var decoder = ProviderDecoder(file: file)
    let description = decoder.description(
      try YAMLReader.read(source, file: file), sha256: Playbook.digest(of: source))
    guard let description, decoder.diagnostics.isEmpty else { throw PlaybookError(decoder.diagnostics) }
    return description
  }

  /// As above, for a file as it is on the disk.
  public static func load(bytes: some Collection<UInt8>, file: String) throws(PlaybookError)
    -> ProviderDescription
  { try load(source: PlaybookText.decode(bytes, file: file), file: file) }

  /// Whether a text is meant as a provider file: it begins with `provider:`, as a playbook with `playbook:`.
  public static func isMeant(by source: String) -> Bool {
    source.split(separator: "\n").contains { $0.hasPrefix("provider:") }
      && !source.split(separator: "\n").contains { $0.hasPrefix("exchange:") }
  }
}

/// Turns a YAML tree into a ``ProviderDescription``, collecting everything that is wrong on the way.
struct ProviderDecoder: ShapeDecoding {
  let file: String
  var diagnostics: [Diagnostic] = []
  /// Setting → whether it is a reference.
  var settings: [String: Bool] = [:]

  private enum Overlap: String, CaseIterable { case none, several }

  init(file: String) { self.file = file }

  mutating func description(_ root: YAMLNode, sha256: String) -> ProviderDescription? {
    guard let members = members(of: root, as: .provider) else { return nil }
    if case .integer(1)? = members["provider"]?.content {
    } else {
      report(
        .unsupportedVersion, (members["provider"] ?? root).position, "this program knows version 1 only",
        "write provider: 1")
    }
    let kind = identifier(members["kind"], of: "kind") ?? ""
    let stem = URL(filePath: file).deletingPathExtension().lastPathComponent
    if let node = members["kind"], !kind.isEmpty, file.hasSuffix(".yaml"), stem != kind {
      report(
        .badIdentifier, node.position, "the file \(stem).yaml says kind \"\(kind)\"",
        "name the file \(kind).yaml")
    }
    let declared = declarations(members["settings"])
    let runners = (members["runner"].flatMap { list($0, of: "runner") } ?? []).compactMap { runner($0) }
    guard let verify = members["verify"].flatMap({ verification($0) }) else { return nil }
    let everyOne = members["list"].flatMap { listing($0, of: "list") }
    let identity = identity(members["identify"], hasHint: everyOne?.hint != nil)
    let description = ProviderDescription(
      kind: kind, file: file, sha256: sha256, summary: text(members["summary"], of: "summary") ?? "",
      documentation: documentation(members, root),
      seen: word(members["seen"], of: "seen", ProviderSource.self, default: .none),
      unseen: text(members["unseen"], of: "unseen"), privilege: told("privilege", members, root),
      survives: told("survives", members, root), console: text(members["console"], of: "console"),
      base: base(members["base_url"]), settings: declared, login: login(members["login"]), runner: runners,
      headers: headers(members["headers"], []),
      propagation: duration(members["propagation"], of: "propagation") ?? .seconds(60),
      isOverlapping: word(members["overlap"], of: "overlap", Overlap.self, default: .several) == .several,
      verify: verify, identity: identity,
      list: everyOne, inspect: members["inspect"].flatMap { inspection($0) },
      rights: (members["rights"].flatMap { list($0, of: "rights") } ?? []).compactMap { right($0) },
      issue: members["issue"].flatMap { issuing($0) },
      disable: members["disable"].flatMap { change($0, of: "disable", ["ref"]) },
      delete: members["delete"].flatMap { change($0, of: "delete", ["ref"]) },
      sessions: members["sessions"].flatMap { sessions($0) },
      successors: members["successors"].flatMap { listing($0, of: "successors") },
      reach: members["reach"].flatMap { reach($0) })
    check(description, root)
    return description
  }

  // MARK: what it says of itself

  private mutating func documentation(_ members: [String: YAMLNode], _ root: YAMLNode) -> [String] {
    guard let node = members["documentation"], let elements = list(node, of: "documentation"),
      !elements.isEmpty
    else {
      report(
        .undocumentedProvider, (members["documentation"] ?? root).position,
        "the file does not say which pages of the API it was written from",
        "add documentation: [https://…]")
      return []
    }
    return elements.compactMap { element in
      guard let page = text(element, of: "documentation") else { return nil }
      guard page.hasPrefix("https://"), URL(string: page)?.host() != nil else {
        report(
          .undocumentedProvider, element.position, "\"\(page)\" is no address of a page", "write https://…")
        return nil
      }
      return page
    }
  }

  private mutating func told(_ key: String, _ members: [String: YAMLNode], _ root: YAMLNode) -> String {
    guard let node = members[key], let found = text(node, of: key), !found.isEmpty else {
      report(
        .undocumentedProvider, (members[key] ?? root).position, "the file does not say \"\(key)\"",
        key == "privilege"
          ? "say the least that the runner must be allowed; none where it has no credential of its own"
          : "say what lives on when the credential is stopped, or that the documentation tells of nothing")
      return ""
    }
    return found
  }

  /// The address is the file's, or the entry's of staunch.yaml; nothing that an answer or a finding says is ever part of it.
  mutating func base(_ node: YAMLNode?) -> String? {
    guard let node, let base = text(node, of: "base_url") else { return nil }
    let parts = URLComponents(string: base)
    guard parts?.scheme == "https", parts?.host?.isEmpty == false, parts?.user == nil, parts?.query == nil,
      parts?.fragment == nil
    else {
      report(
        .unsafeCall, node.position, "this must be an https address without user, query and fragment",
        "an API of your own network is named by base_url in staunch.yaml")
      return nil
    }
    return base.hasSuffix("/") ? String(base.dropLast()) : base
  }

  private mutating func declarations(_ node: YAMLNode?) -> [SettingDeclaration] {
    guard let node else { return [] }
    guard let members = node.members else { return wrongShape(node, "\"settings\"", "a mapping") ?? [] }
    var declared: [SettingDeclaration] = []
    for member in members {
      guard isIdentifier(member.key, at: member.keyPosition),
        let setting = self.members(of: member.value, as: .providerSetting)
      else { continue }
      if Self.common.contains(member.key) {
        report(
          .badIdentifier, member.keyPosition, "every entry has a setting \"\(member.key)\" already",
          "choose another name")
        continue
      }
      let isReference = boolean(setting["reference"], of: "reference") ?? false
      settings[member.key] = isReference
      declared.append(
        SettingDeclaration(
          member.key, required: boolean(setting["required"], of: "required") ?? false, secret: isReference,
          text(setting["summary"], of: "summary") ?? ""))
    }
    return declared
  }

  /// What an entry may say in any case.
  static let common: Set<String> = [
    "kind", "store", "key", "keys", "consumers", "leaks", "aliases", "base_url", "id", "control", "console",
    "replacement",
    "replacement_id", "propagation_seconds", "tls_ca", "tls_certificate", "tls_key",
  ]

  // MARK: how credentials are shown

  private mutating func login(_ node: YAMLNode?) -> ProviderLogin {
    guard let node else { return .header("Authorization", prefix: "Bearer ") }
    guard let members = members(of: node, as: .providerLogin) else { return .none }
    return login(members)
  }

  private mutating func login(_ members: [String: YAMLNode]) -> ProviderLogin {
    if boolean(members["none"], of: "none") == true { return .none }
    if boolean(members["user"], of: "user") == true { return .user }
    if let node = members["basic"], let user = template(node, of: "basic", []) { return .basic(user: user) }
    let header = text(members["header"], of: "header") ?? "Authorization"
    if let node = members["header"], !Self.isHeaderName(header) {
      report(.wrongShape, node.position, "\"\(header)\" is no name of a header")
    }
    let standard = members["header"] == nil ? "Bearer " : ""
    return .header(header, prefix: text(members["prefix"], of: "prefix") ?? standard)
  }

  private mutating func runner(_ node: YAMLNode) -> ProviderRunner? {
    guard let members = members(of: node, as: .providerRunner),
      let setting = identifier(members["with"], of: "with")
    else { return nil }
    guard settings[setting] == true else {
      report(
        .unknownName, (members["with"] ?? node).position,
        "there is no setting \"\(setting)\" that is a reference",
        "declare it: settings: {\(setting): {reference: true, summary: …}}")
      return nil
    }
    var token: (path: Template, body: ProviderBody, take: Expression)?
    if let node = members["token"], let parts = self.members(of: node, as: .providerToken) {
      if let path = parts["post"].flatMap({ path($0, []) }),
        let body = parts["body"].flatMap({ body($0, []) }),
        let take = parts["take"].flatMap({ expression($0, of: "take", ["answer"]) })
      {
        token = (path, body, take)
      }
    }
    return ProviderRunner(setting: setting, login: login(members), token: token)
  }

  mutating func headers(_ node: YAMLNode?, _ names: Set<String>) -> [ProviderHeader] {
    guard let node else { return [] }
    guard let members = node.members else { return wrongShape(node, "\"headers\"", "a mapping") ?? [] }
    return members.compactMap { member in
      guard Self.isHeaderName(member.key) else {
        report(.wrongShape, member.keyPosition, "\"\(member.key)\" is no name of a header")
        return nil
      }
      return template(member.value, of: member.key, names).map { ProviderHeader(name: member.key, value: $0) }
    }
  }

  private static func isHeaderName(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D
      }
  }
}
