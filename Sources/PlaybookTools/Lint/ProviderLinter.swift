public import Playbooks

/// Judges provider files: that they can be read, and that recorded exchanges show what their conditions say.
public enum ProviderLinter {
  /// One file, as found.
  public struct File: Sendable {
    public let name: String
    public let bytes: [UInt8]
    public init(name: String, bytes: [UInt8]) {
      self.name = name
      self.bytes = bytes
    }
  }

  /// - Parameter exchange: `tests/NAME` beside the file; nil when there is none.
  public static func lint(_ file: File, exchange: File?) -> [Diagnostic] {
    let description: ProviderDescription
    do throws(PlaybookError) {
      description = try ProviderDescription.load(bytes: file.bytes, file: file.name)
    } catch { return error.diagnostics }
    guard let exchange else {
      return [
        Diagnostic(
          .missingExchange, at: SourcePosition(file: file.name, line: 1, column: 1),
          "there are no recorded exchanges of \"\(description.kind)\"",
          suggestion:
            "write tests/\(description.kind).yaml beside it: what the API answers to a living, a dead "
            + "and a strange one; providers/tests/slack.yaml is an example")
      ]
    }
    do throws(PlaybookError) {
      let recorded = try ProviderExchange.load(
        source: PlaybookText.decode(exchange.bytes, file: exchange.name), file: exchange.name)
      return recorded.problems(with: description).sorted { ($0.position, $0.rule) < ($1.position, $1.rule) }
    } catch { return error.diagnostics }
  }
}
