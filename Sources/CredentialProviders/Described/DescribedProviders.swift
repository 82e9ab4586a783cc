import BuiltinContent
public import Capabilities
public import Playbooks
import Synchronization

/// Every provider that a file describes, by kind: the built-in ones, and a team's own, which win.
///
/// Of a built-in one the kind is known by the file's name; the file itself is read when something asks for that kind, once.
public struct DescribedProviders: Sendable {
  private let shelf: ProviderShelf
  private let own: [String: ProviderDescription]

  /// Those that are part of the program.
  public static let builtin: DescribedProviders = {
    var texts: [String: @Sendable () -> String] = [:]
    for file in BuiltinContent.providers { texts[ProviderShelf.kind(of: file.path)] = { file.text } }
    return DescribedProviders(builtin: texts)
  }()

  private init(shelf: ProviderShelf, own: [String: ProviderDescription]) {
    self.shelf = shelf
    self.own = own
  }

  /// Others in place of the built-in ones: kind → the text of its file.
  package init(builtin texts: [String: @Sendable () -> String]) {
    self.init(shelf: ProviderShelf(texts), own: [:])
  }

  /// The built-in ones and `files`. - Throws: a kind that is no file's.
  public init(own files: [ProviderDescription]) throws(PlaybookError) {
    var own: [String: ProviderDescription] = [:]
    for file in files {
      guard !CredentialProviderRegistry.all.contains(where: { $0.kind == file.kind }) else {
        throw PlaybookError([
          Diagnostic(
            .badIdentifier, at: SourcePosition(file: file.file, line: 1, column: 1),
            "the kind \"\(file.kind)\" is one that the program has in code", suggestion: "choose another kind"
          )
        ])
      }
      own[file.kind] = file
    }
    self.init(shelf: Self.builtin.shelf, own: own)
  }

  /// In the order of the alphabet.
  public var kinds: [String] { Set(shelf.kinds).union(own.keys).sorted() }

  /// Nil where no file has this kind.
  /// - Throws: `.configuration` with everything that is wrong with a built-in file.
  public subscript(_ kind: String) -> ProviderDescription? {
    get throws(CapabilityError) {
      if let own = own[kind] { return own }
      return try shelf.description(of: kind)
    }
  }

  /// Whether a file of the team's own describes it.
  public func isOwn(_ kind: String) -> Bool { own[kind] != nil }

  /// What an entry of this kind may set, and whether a person does the provider's part; nil where no file has this kind.
  /// - Throws: `.configuration`, as the subscript.
  public func entry(of kind: String) throws(CapabilityError) -> (
    settings: [SettingDeclaration], isGuided: Bool
  )? {
    guard let file = try self[kind] else { return nil }
    return (DescribedSettings.declarations(of: file), file.isGuided)
  }
}

extension ProviderDescription {
  /// Whether it neither makes nor stops a credential: a person does the provider's part, and it tells whether that is done.
  public var isGuided: Bool { issue == nil && disable == nil }
}

/// The built-in files, each read once, when it is asked for.
private final class ProviderShelf: Sendable {
  let kinds: [String]
  private let texts: [String: @Sendable () -> String]
  private let read = Mutex<[String: Result<ProviderDescription, CapabilityError>]>([:])

  init(_ texts: [String: @Sendable () -> String]) {
    self.texts = texts
    kinds = Array(texts.keys)
  }

  /// `slack` of `playbooks/providers/slack.yaml`.
  static func kind(of path: String) -> String {
    let name = path.split(separator: "/").last ?? ""
    return String(name.hasSuffix(".yaml") ? name.dropLast(".yaml".count) : name)
  }

  func description(of kind: String) throws(CapabilityError) -> ProviderDescription? {
    guard let text = texts[kind] else { return nil }
    let found = read.withLock { read in
      if let known = read[kind] { return known }
      let result = Self.load(text(), kind)
      read[kind] = result
      return result
    }
    return try found.get()
  }

  private static func load(_ text: String, _ kind: String) -> Result<ProviderDescription, CapabilityError> {
    let file = "playbooks/providers/\(kind).yaml"
    do throws(PlaybookError) { return .success(try ProviderDescription.load(source: text, file: file)) } catch
    {
      return .failure(
        CapabilityError(
          .configuration, "read the built-in \(file)",
          because: error.diagnostics.map { "\($0.position): \($0.message)" }.joined(separator: "; "),
          fix: "put a corrected \(kind).yaml into the directory that providers: of staunch.yaml names, "
            + "or use another version of staunch"))
    }
  }
}
