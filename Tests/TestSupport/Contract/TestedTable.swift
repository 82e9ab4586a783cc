import Capabilities
import Foundation

/// docs/TESTED.md: which real servers the tests start, and what became of the last run. `.ci/tested` writes version, result and date
/// from the logs of a run; people write the rest. The column "tested" of docs/PROVIDERS.md is made of it.
public enum TestedTable {
  public struct Row: Sendable {
    /// `RabbitMQ`, as its server prints it at its start.
    public let system: String
    public let version: String
    /// Kinds of staunch.yaml.
    public let kinds: [String]
    public let suites: [String]
    /// `make test`, or `make test-heavy`.
    public let command: String
    /// `passed`, `FAILED` or `not run`.
    public let result: String
    /// `2026-11-30`; a dash where it was not run.
    public let date: String

    var isHeavy: Bool { command == "make test-heavy" }
  }

  private static let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "docs/TESTED.md")

  /// In the order of the page. - Throws: ``ContractViolation`` for a row of another form.
  public static func rows() throws -> [Row] {
    let lines = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n")
    // The page's first table; the heads of the others are other ones.
    guard let head = lines.firstIndex(of: "| system | version | kinds | tests | run by | result | date |")
    else {
      throw ContractViolation("docs/TESTED.md: the table of systems is missing")
    }
    return try lines[(head + 2)...].prefix { $0.hasPrefix("| ") }
      .map { line in
        let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        try require(cells.count == 7, "docs/TESTED.md: seven cells are wanted: \(line)")
        let words = { (text: String) in
          text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces).replacing("`", with: "") }
        }
        return Row(
          system: cells[0], version: cells[1], kinds: words(cells[2]), suites: words(cells[3]),
          command: cells[4].replacing("`", with: ""), result: cells[5], date: cells[6])
      }
  }

  /// How a kind is tested: `real: RabbitMQ 3.10.8`, or
  /// ``recorded; real in `make test-heavy`: MLflow 3.17.2, passed on 2026-11-30``.
  ///
  /// - Parameters:
  ///   - world: what every `make test` runs against, where no row says more.
  ///   - note: what else the tests are.
  static func cell(_ world: AdapterProfile.World, note: String?, kind: String) throws -> String {
    let own = try rows().filter { $0.kinds.contains(kind) }
    let always = own.filter { !$0.isHeavy }.map { "\($0.system) \($0.version)" }
    let heavy = own.filter(\.isHeavy).map { row in
      "real in `\(row.command)`: \(row.system) \(row.version), "
        + (row.result == "not run" ? "not run yet" : "\(row.result) on \(row.date)")
    }
    let base =
      always.isEmpty
      ? world.rawValue : "\(AdapterProfile.World.real.rawValue): \(always.joined(separator: ", "))"
    return ([base] + [note].compactMap { $0 } + heavy).joined(separator: "; ")
  }
}
