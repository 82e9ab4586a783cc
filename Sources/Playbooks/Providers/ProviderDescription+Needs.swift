extension ProviderDescription {
  /// What an entry of staunch.yaml must say before `call` can be made with the leaked value alone: settings that stand in
  /// it, and `base_url` where the file names no address. Empty: it works with nothing configured.
  ///
  /// What the runner logs in with is not among them: ask that of ``ProviderCall/presenter``.
  public func needs(of call: ProviderCall) -> Set<String> {
    var expressions = call.path.expressions + call.headers.flatMap(\.value.expressions)
    expressions += call.body.map(\.expressions) ?? []
    if call.presenter == .leaked, case .basic(let user) = login { expressions += user.expressions }
    var needed = Set(
      expressions.flatMap(\.references).compactMap { reference in
        reference.root == .item("settings") ? reference.members.first : nil
      })
    if (call.base ?? base) == nil { needed.insert("base_url") }
    return needed
  }
}

extension ProviderBody {
  fileprivate var expressions: [Expression] {
    switch self {
    case .secret, .fresh: []
    case .template(let template): template.expressions
    case .list(let elements): elements.flatMap(\.expressions)
    case .record(let members): members.values.flatMap(\.expressions)
    }
  }
}
