public import Capabilities
public import Playbooks

extension KindKnowledge.SelfService {
  /// Settings that an entry of staunch.yaml must have before this can be done, in the order of the alphabet; empty: it works
  /// with nothing configured; nil: the leaked value alone is not enough.
  ///
  /// - Throws: `.configuration` when the built-in file of its provider cannot be read, or there is no such provider.
  public func needs() throws(CapabilityError) -> [String]? {
    guard case .verb(let provider, let verb) = self else { return nil }
    if let type = CredentialProviderRegistry.all.first(where: { $0.kind == provider }) {
      return type.settings.filter(\.isRequired).map(\.key).sorted()
    }
    guard let file = try DescribedProviders.builtin[provider], let call = file.call(of: verb) else {
      throw CapabilityError(
        .configuration, "look up \(provider).\(verb.rawValue)",
        because: "the table of knowledge names it, and no provider has it",
        fix: "use another version of staunch")
    }
    return file.needs(of: call).sorted()
  }
}

extension ProviderDescription {
  /// Its call for `verb`; nil: it has none.
  public func call(of verb: KindKnowledge.Verb) -> ProviderCall? {
    switch verb {
    case .verify: self.verify.call
    case .issue: issue?.call
    case .disable: disable?.call
    case .delete: delete?.call
    }
  }
}
