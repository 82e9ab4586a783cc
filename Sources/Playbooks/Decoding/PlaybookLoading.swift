public import Capabilities
import Cryptography
import Foundation
import Incidents

extension Playbook {
  /// Reads and checks a playbook: language, names and types. Safety is the linter's part.
  ///
  /// - Parameters:
  ///   - file: stands in every diagnostic, as given.
  ///   - catalogue: the actions that it may use.
  ///   - includes: where `playbook:` steps find others.
  /// - Throws: everything that is wrong, each with its place.
  public static func load(
    source: String, file: String, catalogue: [ActionSignature],
    includes: any PlaybookSources = NoPlaybookSources()
  ) throws(PlaybookError) -> Playbook {
    let actions = Dictionary(catalogue.map { ($0.id, $0) }) { first, _ in first }
    var decoder = PlaybookDecoder(file: file, actions: actions, includes: includes)
    return try decoder.decode(source)
  }

  /// SHA-256 (hex) over the text's UTF-8 bytes: what runs pin.
  public static func digest(of source: String) -> String {
    let digits = Array("0123456789abcdef")
    return SHA256.hash(data: Data(source.utf8)).reduce(into: "") {
      $0.append(digits[Int($1 >> 4)])
      $0.append(digits[Int($1 & 15)])
    }
  }
}
