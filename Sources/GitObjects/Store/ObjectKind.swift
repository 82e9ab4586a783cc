/// What a Git object is. Raw values are those of the pack format.
public enum ObjectKind: UInt8, Sendable, Hashable, Codable, CaseIterable, CustomStringConvertible {
  case commit = 1
  case tree = 2
  case blob = 3
  case tag = 4

  /// The word in a loose object's header, in tags and in `git cat-file -t`.
  public var name: String {
    switch self {
    case .commit: "commit"
    case .tree: "tree"
    case .blob: "blob"
    case .tag: "tag"
    }
  }

  public var description: String { name }

  init?(name: some Sequence<UInt8>) {
    guard let kind = ObjectKind.allCases.first(where: { $0.name.utf8.elementsEqual(name) }) else {
      return nil
    }
    self = kind
  }
}
