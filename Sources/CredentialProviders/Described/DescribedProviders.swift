import BuiltinContent
public import Capabilities
public import Playbooks

/// Every provider that a file describes, by kind: the built-in ones, and a team's own, which win.
public struct DescribedProviders: Sendable {
  private let descriptions: [String: ProviderDescription]
  /// Kinds of the team's own files.
  private let own: Set<String>

  /// Those that are part of the program. - Precondition: they can be read, which a test shows.
  public static let builtin: DescribedProviders = {
    var found: [String: ProviderDescription] = [:]
    for file in BuiltinContent.providers {
      do throws(PlaybookError) {
        let description = try ProviderDescription.load(source: file.text, file: file.path)
        found[description.kind] = description
      } catch { preconditionFailure("\(error)") }
    }
    return DescribedProviders(descriptions: found, own: [])
  }()

  private init(descriptions: [String: ProviderDescription], own: Set<String>) {
    self.descriptions = descriptions
    self.own = own
  }

  /// The built-in ones and `files`. - Throws: everything that is wrong with them, also a kind that is no file's.
  public init(own files: [ProviderDescription]) throws(PlaybookError) {
    var all = Self.builtin.descriptions
    for file in files {
      guard !CredentialProviderRegistry.all.contains(where: { $0.kind == file.kind }) else {
        throw PlaybookError([
          Diagnostic(
            .badIdentifier, at: SourcePosition(file: file.file, line: 1, column: 1),
            "the kind \"\(file.kind)\" is one that the program has in code", suggestion: "choose another kind"
          )
        ])
      }
      all[file.kind] = file
    }
    self.init(descriptions: all, own: Set(files.map(\.kind)))
  }

  /// In the order of the alphabet.
  public var kinds: [String] { descriptions.keys.sorted() }

  public subscript(_ kind: String) -> ProviderDescription? { descriptions[kind] }

  /// Those that neither make nor stop a credential: a person does the provider's part, and they tell whether it is done.
  public var guidedKinds: [String] {
    kinds.filter { descriptions[$0]?.issue == nil && descriptions[$0]?.disable == nil }
  }

  /// Whether a file of the team's own describes it.
  public func isOwn(_ kind: String) -> Bool { own.contains(kind) }

  /// What an entry of this kind may set.
  public func settings(of kind: String) -> [SettingDeclaration] {
    descriptions[kind].map { DescribedSettings.declarations(of: $0) } ?? []
  }

  /// What the port says of it, as ``CredentialProvider/capabilities``.
  public func capabilities(of kind: String) -> ProviderCapabilities? {
    descriptions[kind].map { DescribedProvider.capabilities(of: $0, propagation: $0.propagation) }
  }
}
