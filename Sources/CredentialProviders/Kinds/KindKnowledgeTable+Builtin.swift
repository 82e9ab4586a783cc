import BuiltinContent
public import Capabilities
public import Playbooks

extension KindKnowledgeTable {
  /// What comes with the program: a row for each kind of the table of kinds. Read once, when it is asked for.
  /// - Throws: `.configuration` with everything that is wrong with a file of this build.
  public static func builtIn() throws(CapabilityError) -> KindKnowledgeTable { try read.get() }

  private static let read: Result<KindKnowledgeTable, CapabilityError> = {
    do throws(PlaybookError) {
      return .success(
        try KindKnowledgeTable(files: BuiltinContent.kinds.map { (name: $0.path, text: $0.text) }))
    } catch {
      return .failure(
        CapabilityError(
          .configuration, "read the built-in table of knowledge",
          because: error.diagnostics.map { "\($0.position): \($0.message)" }.joined(separator: "; "),
          fix: "use another version of staunch: this one was built with a file that it cannot read"))
    }
  }()
}
