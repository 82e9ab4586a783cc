import BuiltinContent
import Playbooks

extension PlaybookLibrary {
  /// The playbooks and parts that staunch comes with.
  static let builtIn = PlaybookLibrary(
    builtin: BuiltinContent.playbooks.map { File(name: $0.path, text: $0.text) },
    parts: BuiltinContent.parts.map { File(name: $0.path, text: $0.text) })
}
